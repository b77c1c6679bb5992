"""The dashboard at an import's end: how that is told, and its receipt, its card and its paths."""

from collections.abc import Sequence

import msgspec
import pytest

from core.config import Config
from core.errors import EjectError
from core.models import Unopenable, Verdict
from core.protocol.import_requests import ListCards, ListInUse
from core.results import CardView, InUse
from tests.tui.app import moments
from tests.tui.app.moments import changed
from tests.tui.app.pilot import running
from tests.tui.app.volumes import volume
from tui import format
from tui.console.ejecting import NO_IDENTITY

AS_OF = f"SAFE as of {format.moment(2.0)}."
"""What is told of a card by `card_of`."""

pytestmark = pytest.mark.terminal


@pytest.mark.parametrize("notice", ["bell", "notification", "none"])
async def test_the_end_of_an_import_is_told_once(notice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Config(home="/nowhere", notice=notice)  # type: ignore[arg-type]
    async with running(moments.RUNNING, settings=settings) as app:
        told: list[str] = []
        driver = app.app._driver
        assert driver is not None
        monkeypatch.setattr(app.app, "bell", lambda: told.append("bell"))
        monkeypatch.setattr(driver, "write", lambda text: told.append(text) if "\x1b]9;" in text else None)
        await app.push(moments.RUNNING)
        assert told == []
        await app.push(moments.DONE)
        await app.push(changed(moments.DONE, time=moments.NOW + 1))
        assert (
            told
            == {
                "bell": ["bell"],
                "notification": ["\x1b]9;Lading: B002 A7S III SAFE, C003 HERO11 KEEP\x1b\\"],
                "none": [],
            }[notice]
        )


async def test_y_copies_the_path_of_what_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(moments.FAILING) as app:
        copied: list[str] = []
        monkeypatch.setattr(app.app, "copy_to_clipboard", copied.append)
        await app.press("y", "4", "y", "5", "y")
        assert copied == [
            "/Volumes/A001",
            "/Volumes/B002/PRIVATE/CLIP/C0007.MP4",
            "/Volumes/C003/DCIM/100GOPRO/GX020117.MP4",
        ]
        assert "Copied: /Volumes/C003" in app.foot


async def test_y_without_a_path_says_so() -> None:
    async with running(moments.SAFE) as app:
        await app.press("4", "y")
        assert "There is no path here." in app.foot


async def test_e_ejects_a_card_that_is_done() -> None:
    asked: list[tuple[str, Sequence[str], Sequence[str]]] = []

    def eject(source: str, reading: Sequence[str], archives: Sequence[str]) -> str:
        asked.append((source, reading, archives))
        return source

    async with running(moments.RUNNING, eject=eject) as app:
        app.fake.answers[ListInUse] = InUse(
            sources=("/Volumes/B002", "/Volumes/old"), archives=("/Volumes/other",)
        )
        await app.press("e")
        await app.until(lambda: "can be taken out" in app.foot)
        assert asked == [("/Volumes/A001", ("/Volumes/B002", "/Volumes/old"), ["/Volumes/other", "nas:archive"])]
        await app.press("j", "e")
        assert "B002 A7S III is still being imported." in app.foot
        assert len(asked) == 1


async def test_a_card_that_is_to_be_kept_is_ejected_with_a_word() -> None:
    async with running(moments.DONE, (120, 40), eject=lambda source, reading, archives: source) as app:
        await app.press("G", "e")
        await app.until(lambda: "Keep what is on it: not all is archived." in app.foot)


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ((), "B003 can be taken out. Keep what is on it: no import of all of it is known."),
        ((Verdict.KEEP,), "B003 can be taken out. Keep what is on it: not all is archived."),
        ((Verdict.SAFE,), f"B003 can be taken out. {AS_OF}"),
    ],
)
async def test_another_card_that_lies_there_by_now_is_called_by_its_own_name(
    known: Sequence[Verdict], told: str
) -> None:
    """The row of an import is that of the card that it has read."""
    other = volume("B003", mount="/Volumes/A001")
    async with running(moments.SAFE, (120, 40), volumes=lambda: [other], eject=lambda *_: "") as app:
        app.fake.answers[ListCards] = [[card_of("B003", verdict) for verdict in known]]
        await app.press("e")
        await app.until(lambda: "can be taken out" in app.foot)
        assert app.foot.strip().endswith(told)


@pytest.mark.parametrize(
    ("identity", "damaged", "told"),
    [
        ("uuid:A001", 0, f"A001 EOS R5 can be taken out. {AS_OF}"),
        ("uuid:A001", 2, "A001 EOS R5 can be taken out. Keep what is on it: 2 damaged since in the archive."),
        ("dev:/dev/sda1:exfat:A001", 0, f"A001 EOS R5 can be taken out. {NO_IDENTITY}"),
    ],
)
async def test_what_is_known_of_the_card_since_is_said_as_by_the_command(
    identity: str, damaged: int, told: str
) -> None:
    there = volume("A001", identity=identity)
    async with running(moments.SAFE, (200, 40), volumes=lambda: [there], eject=lambda *_: "") as app:
        own = card_of("A001", Verdict.SAFE)
        own = msgspec.structs.replace(own, identity=identity, import_id=moments.A001.id, damaged=damaged)
        app.fake.answers[ListCards] = [[own]]
        await app.press("e")
        await app.until(lambda: "can be taken out" in app.foot)
        assert app.foot.strip().endswith(told)


def card_of(label: str, verdict: Verdict) -> CardView:
    return CardView(
        identity=f"uuid:{label}",
        label=label,
        source="/Volumes/A001",
        archive="nas:archive",
        location="Basel",
        import_id="20250101-000000-ffffffff",
        state="done",
        verdict=verdict,
        reason="",
        started=1.0,
        ended=2.0,
        imports=1,
    )


async def test_a_card_of_which_not_all_can_be_opened_is_asked_about() -> None:
    asked: list[str] = []

    def eject(source: str, reading: Sequence[str], archives: Sequence[str]) -> str:
        asked.append(source)
        return source

    broken = Unopenable(files=2, names=("DCIM/A.JPG", "DCIM/B.NEF"))
    card = changed(moments.A001, unopenable=broken)
    async with running(changed(moments.SAFE, imports=(card,)), (120, 40), eject=eject) as app:
        assert "SAFE, 2 cannot be opened: DCIM/A.JPG, DCIM/B.NEF" in app.text
        await app.press("e")
        await app.until(lambda: "They are archived as they are on the card." in app.text)
        await app.press("n")
        assert asked == []
        await app.press("e", "y")
        await app.until(lambda: "can be taken out" in app.foot)
        assert asked == ["/Volumes/A001"]


async def test_a_card_that_cannot_be_ejected_says_why() -> None:
    def eject(source: str, reading: Sequence[str], archives: Sequence[str]) -> str:
        raise EjectError("target is busy.", "Close what uses it, then try again.")

    async with running(moments.SAFE, eject=eject) as app:
        await app.press("e")
        await app.until(lambda: "target is busy. Close what uses it" in app.foot)


async def test_v_shows_the_receipt_of_an_import_that_has_ended() -> None:
    async with running(moments.RUNNING) as app:
        app.fake.receipts[moments.A001.id] = "BILL OF LADING\nA001, all of it\n"
        await app.press("v")
        await app.until(lambda: "A001, all of it" in app.text)
        await app.press("escape", "j", "v")
        assert "B002 A7S III has not ended: its receipt comes with its end." in app.foot


async def test_the_end_of_an_import_says_what_comes_next() -> None:
    async with running(moments.RUNNING, (120, 40)) as app:
        await app.push(moments.DONE)
        assert "B002 A7S III SAFE, C003 HERO11 KEEP: choose it, then v for its receipt, e to eject." in app.foot
