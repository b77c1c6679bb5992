"""What is asked and said is understood on a narrow screen, however long a name in it is."""

import pytest

from core.config import Config
from core.errors import EngineError, LadingError
from core.listings import FailureGroup
from core.models import Outcome, Unopenable, Verdict
from core.results import Survey
from core.snapshot import ErrorGroup
from tests.tui.app import moments, pictures
from tests.tui.app.moments import A001, B002, changed, moment
from tests.tui.app.pilot import running
from tests.tui.app.records import engine, file, opened
from tests.tui.app.volumes import card, several
from tests.tui.views import count
from tui import format
from tui.glyphs import Glyphs

pytestmark = pytest.mark.terminal

LONG = "[red]漢字[/]" + "x" * 240
SMALL = ((80, 24), (60, 20), (40, 12))


def without_columns(text: str) -> str:
    """The words on the screen; of a pane that stands beside another one, without those of that."""
    beside = next((line.index("▌3") for line in text.splitlines() if "▌3 WHAT" in line), 0)
    return " ".join(" ".join(line[beside:].split()) for line in text.splitlines())


@pytest.mark.parametrize("size", SMALL, ids=str)
async def test_a_question_is_read_to_its_end(size: tuple[int, int]) -> None:
    async with running(moment(imports=(changed(B002, label=LONG),)), size) as app:
        await app.press("x")
        words = " ".join(app.text.split())
        assert "Cancel the import of" in words
        assert "x?" in words
        assert "y cancel the import esc no" in words
        assert "stay in the archive" in words
        assert "card is not safe" in words


@pytest.mark.parametrize("size", SMALL, ids=str)
async def test_a_question_for_a_text_is_read_to_its_end(size: tuple[int, int]) -> None:
    fake = engine()
    fake.records[-1] = changed(fake.records[-1], label=LONG)
    async with running(None, size, fake=fake) as app:
        await opened(app, "t")
        words = " ".join(app.text.split())
        assert "Restore [red]" in words
        assert "x to" in words
        assert "nothing is overwritten" in words
        assert "enter takes it" in words


@pytest.mark.parametrize("size", SMALL, ids=str)
async def test_the_reason_of_a_verdict_is_read_to_its_end(size: tuple[int, int]) -> None:
    why = "1 symbolic link: recorded with its target, but not copied (--accept links) (such as link)"
    ended = changed(A001, verdict=Verdict.KEEP, verdict_reason=why)
    fake = engine()
    fake.records[-1] = changed(fake.records[-1], id=ended.id, verdict=Verdict.KEEP, verdict_reason=why)
    fake.push(moment(imports=(ended,)))
    async with running(None, size, fake=fake) as app:
        await app.press("enter")
        assert why in " ".join(app.text.split())
        await app.press("enter")
        await app.until(lambda: "Reading." not in app.text)
        assert why in " ".join(app.text.split())


@pytest.mark.parametrize("size", SMALL[:2], ids=str)
async def test_what_to_do_about_an_error_is_read(size: tuple[int, int]) -> None:
    advice = "Stop the other one first, or wait until it has ended; then press the key once more."
    async with running(moment(), size) as app:
        rows = len(app.text.splitlines())
        app.app.tell(LadingError("the archive /Volumes/archive is held by another one.", advice))
        await app.settled()
        assert advice in app.foot
        assert len(app.text.splitlines()) == rows
        app.app.screen.keys._unsay(app.app.screen.keys._said)  # type: ignore[attr-defined]
        await app.settled()
        assert app.foot.endswith("? help q leave")
        assert len(app.text.splitlines()) == rows


ADVICE = "Try another card reader, or another cable, then try it again: r. If that does not help, keep the card."
CAUSE = "source: Input/output error, which the system has told of this file at each of three attempts"


@pytest.mark.parametrize("size", SMALL[:2], ids=str)
async def test_causes_and_advice_are_read_to_their_end(size: tuple[int, int]) -> None:
    group = ErrorGroup(import_id=B002.id, cause=CAUSE, advice=ADVICE, count=3, newest="a.jpg")
    fake = engine()
    fake.groups = [FailureGroup(cause="c", count=3, stage="read", attempts=3, advice=ADVICE, newest="a.jpg")]
    fake.push(moment(errors=(group,)))
    async with running(None, size, fake=fake) as app:
        await app.press("5")
        await app.press(*() if size[1] == 20 else ("enter",))
        words = " ".join(app.text.split())
        assert CAUSE in words
        assert ADVICE in words
        await app.press("escape")
        await opened(app, "w")
        await app.until(lambda: ADVICE in " ".join(app.text.split()))


@pytest.mark.parametrize("size", SMALL[:2], ids=str)
async def test_why_nothing_is_shown_is_read_to_its_end(size: tuple[int, int]) -> None:
    fake = engine()
    fault = EngineError("the archive /Volumes/archive does not answer.", "Look whether it is plugged in.")
    words = "the archive /Volumes/archive does not answer. Look whether it is plugged in."
    async with running(None, size, fake=fake, settings=Config(archive="/a"), volumes=several) as app:
        fake.fault = fault
        for keys in (("i",), ("escape", "i", "v"), ("escape", "escape", "n", "space")):
            fake.fault = None if "v" in keys else fault
            await app.press(*keys[:-1])
            fake.fault = fault
            await app.press(keys[-1])
            await app.until(lambda: words in without_columns(app.text))


async def test_a_message_without_end_leaves_room_for_the_rest() -> None:
    async with running(moment()) as app:
        app.app.tell(LadingError("x " * 2000))
        await app.settled()
        assert len(app.app.screen.keys.lines) == 3  # type: ignore[attr-defined]
        assert app.foot.endswith("…")
        assert "1 CARDS" in app.text


@pytest.mark.parametrize("keys", [("i", "enter"), ("slash", "enter"), ("slash", "enter", "g")], ids="-".join)
async def test_the_key_that_shows_a_file_in_the_viewer_is_seen(keys: tuple[str, ...]) -> None:
    async with running(None, fake=engine()) as app:
        for key in keys:
            await app.press(key)
            await app.until(lambda: "Reading." not in app.text)
        assert " V view " in app.foot


async def test_all_cards_are_picked_already() -> None:
    async with running(moments.FAILING, (40, 12), volumes=several) as app:
        await app.press("n", "3", "a")
        assert "2 cards picked." in app.foot
        await app.press("a")
        assert "All cards are picked already." in app.foot


WIDE = ((80, 24), (120, 40))


@pytest.mark.parametrize("size", WIDE, ids=str)
async def test_an_import_that_has_much_to_tell_keeps_its_location(size: tuple[int, int]) -> None:
    fake = engine()
    much = {"failed": 12, "damaged": 3, "unopenable": Unopenable(files=2, names=("a",))}
    fake.records[0] = changed(fake.records[0], archived=1234, duplicate=12_345, **much)
    fake.records[1] = changed(fake.records[1], failed=12, damaged=2, location="Ärzte 漢字漢字漢字漢字")
    async with running(None, size, fake=fake) as app:
        await opened(app)
        crowded, wide = app.text.splitlines()[7], app.text.splitlines()[6]
        assert "Mill Cr" in crowded
        assert "12 failed 3 damaged 2 cannot" in crowded
        assert "Ärzte" in wide
        assert "12 failed 2 damaged" in wide
        assert not any(word in crowded for word in ("12,345…", "1,23…")), "no number is cut"
        assert pictures.same(app.app, f"imports-crowded-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", [(60, 20), *WIDE], ids=str)
async def test_a_found_file_that_has_much_to_tell_keeps_its_location(size: tuple[int, int]) -> None:
    fake = engine()
    fake.all_files = [
        file(1, imports=5, captured=""),
        file(2, damage="No such file or directory", imports=12),
        file(3, Outcome.FAILED, reason="source: Input/output error at byte 12,000"),
        file(4, sequence="1-1200, gaps 3, 4, 5, 9"),
        file(5, path=f"DCIM/{'漢字' * 60}.jpg"),
    ]
    async with running(None, size, fake=fake) as app:
        await app.press("slash")
        await app.until(lambda: "FILES, 5" in app.text)
        rows = app.text.splitlines()[3:8]
        assert all(" Mil" in row for row in rows), rows
        assert all(f"{number}.CR3" in row for number, row in enumerate(rows[:-1], 1)), rows
        if size in WIDE:
            assert pictures.same(app.app, f"found-crowded-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", WIDE, ids=str)
async def test_cards_of_one_name_are_told_apart(size: tuple[int, int]) -> None:
    fake = engine()
    counted = Survey(source="/Volumes/EOS", new=count(240, 10), duplicate=count(10, 1))
    fake.surveys = [counted]
    names = ("EOS", "EOS 1", "EOS 2")
    cards = [card("EOS", mount=f"/Volumes/{name}", identity=f"uuid:{name}") for name in names]
    async with running(None, size, fake=fake, settings=Config(archive="/a"), volumes=lambda: cards) as app:
        await app.press("n")
        await app.until(lambda: app.text.count("240 new, 10 duplicates") == 3)
        rows = app.text.splitlines()[2:5]
        assert [row[5:11].strip() for row in rows] == list(names)


@pytest.mark.parametrize("width", range(2, 9))
@pytest.mark.parametrize("text", ["e\u0301" * 9, "👩\u200d👧" * 9, "漢" * 9])
def test_the_end_of_a_name_has_no_accent_of_what_was_cut(text: str, width: int) -> None:
    shown = Glyphs().tail(text, width)
    assert format.cells(shown) <= width
    assert shown[0] == "…"
    assert all(format.cells(character) for character in shown[1:2])


@pytest.mark.parametrize("text", ["漢字 " * 30, "漢" * 50, "a 漢字かな x", "e\u0301" * 40, "", "word " + "é" * 30])
def test_wrapped_lines_fit(text: str) -> None:
    lines = Glyphs().wrap(text, 11)
    assert all(format.cells(one) <= 11 for one in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
