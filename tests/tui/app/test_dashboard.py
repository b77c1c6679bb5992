"""The dashboard: what it shows of each moment, and what its keys do."""

import pytest
from textual.command import CommandList, CommandPalette

from core.errors import EngineError
from core.listings import FailureGroup
from core.models import State, Waits
from core.protocol.import_requests import DismissImport
from tests.tui.app import moments, pictures
from tests.tui.app.fake import Fake
from tests.tui.app.moments import A001, B002, C003, GB, changed, moment
from tests.tui.app.pilot import SIZES, running
from tests.tui.app.records import RECORDS
from tests.tui.views import count, done
from tui.screens.confirm import ENDED_MEANWHILE, Confirm
from tui.screens.dashboard import Dashboard
from tui.screens.help import Help
from tui.widgets.lines import Lines

pytestmark = pytest.mark.terminal

FORBIDDEN = {chr(code) for code in (*range(32), *range(127, 160))} | {"\u202e"}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", moments.STATES)
async def test_every_state_looks_as_it_should(state: str, size: tuple[int, int]) -> None:
    async with running(moments.STATES[state], size) as app:
        assert pictures.same(app.app, f"dashboard-{state}-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_lost_engine_is_told_and_looked_for(size: tuple[int, int]) -> None:
    async with running(moments.RUNNING, size) as app:
        app.fake.lose()
        await app.until(lambda: "ENGINE LOST, reconnecting" in app.text)
        assert "A001" in app.text, "what was known last stays"
        assert pictures.same(app.app, f"dashboard-disconnected-{size[0]}x{size[1]}")
        await app.press("p")
        assert "There is no engine just now." in app.foot
        app.fake.lost = False
        app.fake.newest = moments.DONE
        await app.until(lambda: "ENGINE LOST" not in app.text)
        assert app.fake.starts >= 2


async def test_the_header_names_a_card_that_was_pulled_out() -> None:
    paused = changed(B002, state=State.PAUSED, waits=Waits.SOURCE, reason="/Volumes/B002 does not answer any more")
    async with running(moment(imports=(A001, paused, C003)), (100, 30)) as app:
        assert "1 PAUSED: B002 A7S III is away" in app.text.splitlines()[0]
        await app.push(moment(imports=(A001, changed(paused, waits=Waits.NOTHING, reason="by the user"), C003)))
        assert "is away" not in app.text.splitlines()[0]


async def test_an_engine_that_cannot_be_reached_says_why() -> None:
    fake = Fake(moments.EMPTY)
    fake.fault = EngineError("it does not come up.", "See: lading log")
    async with running(None, fake=fake) as app:
        assert "Engine not usable: it does not come up." in app.text
        fake.fault = None
        await app.until(lambda: "READY" in app.text)


async def test_the_header_says_state_progress_and_sum() -> None:
    async with running(moments.FAILING) as app:
        head = app.text.splitlines()[:3]
        assert "Mill Creek Asylum" in head[0]
        assert "RUNNING, 2 FAILED, 1 of 3 cards safe" in head[0]
        assert "69%  120 of 172 GB  3m14s left, done 14:03" in head[1]
        assert "seen 1,809 = archived 1,514 + duplicate 16 + skipped 4 + failed 2 + to do 273" in head[2]


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("empty", "READY"),
        ("scanning", "SCANNING"),
        ("running", "RUNNING, 1 of 3"),
        ("paused", "PAUSED by the user"),
        ("volume-lost", "does not answer any more"),
        ("done", "KEEP 1 card, 2 of 3 cards safe"),
        ("safe", "SAFE, read back"),
    ],
)
async def test_every_state_has_a_word(state: str, word: str) -> None:
    async with running(moments.STATES[state], (110, 30)) as app:
        assert word in app.text


async def test_p_pauses_and_lets_go_on() -> None:
    async with running(moments.RUNNING) as app:
        await app.press("j", "p")
        assert app.fake.asked == [("pause", B002.id)]
        await app.push(moments.PAUSED)
        await app.press("p")
        assert app.fake.asked[-1] == ("resume", B002.id)


async def test_keys_of_a_mirror() -> None:
    async with running(moments.MIRRORS, (120, 40)) as app:
        await app.press("j", "j", "j", "p")
        assert app.fake.asked == [("pause", moments.MIRROR.id)]
        await app.press("x")
        assert "Go on later with: lading mirror nas:archive /Volumes/BACKUP/backup" in app.text
        await app.press("y")
        assert app.fake.asked[-1] == ("cancel", moments.MIRROR.id)
        for key in ("v", "e", "r"):
            await app.press(key)
            assert "That is a mirror: p pauses it, x cancels it." in app.foot
        await app.press("j", "p")
        assert app.fake.asked[-1] == ("resume", "20251206-140301-mirror-eeeeee")
        # One that waits for a retry.
        await app.press("j", "p")
        assert app.fake.asked[-1] == ("resume", "20251206-140302-mirror-gggggg")
        await app.press("x", "y")
        assert app.fake.asked[-1] == ("cancel", "20251206-140302-mirror-gggggg")
        assert "PAUSED, again at 14:25: Failed to copy" in app.text
        await app.press("j", "p")
        assert "The mirror to shelf has ended." in app.foot
        await app.press("y")
        assert "Copied: /Volumes/SHELF/shelf" in app.foot
        await app.press("enter")
        await app.until(lambda: "nas:archive to /Volumes/BACKUP/backup" in app.text)
        assert "lookup api.example.com: no such host" in app.text


async def test_d_shows_an_ended_import_no_longer() -> None:
    async with running(moments.RUNNING) as app:
        app.fake.answers[DismissImport] = None
        await app.press("d")
        assert app.fake.asked[-1] == ("call", DismissImport(id=A001.id))
        assert "A001 EOS R5 is in the imports: i." in app.foot
        await app.press("j", "d")
        assert "B002 A7S III has not ended." in app.foot


async def test_an_import_that_stands_is_told_beside_one_that_runs() -> None:
    paused = changed(B002, state=State.PAUSED, reason="/Volumes/B002 does not answer any more")
    async with running(moment(imports=(paused, C003))) as app:
        assert "1 PAUSED" in app.text.splitlines()[0]


async def test_the_header_and_the_cards_tell_junk_from_what_was_skipped() -> None:
    many = changed(B002, junk=count(375), seen=count(B002.seen.files + 375))
    async with running(moment(imports=(many,)), (120, 40)) as app:
        assert "+ skipped 1 + failed 0 + to do 159 + junk 375" in app.text.splitlines()[2]
        await app.press("enter")
        assert "skipped 1 (4.10 kB)  junk 375 (0 B)" in app.text


async def test_a_sum_without_room_leaves_out_what_is_zero() -> None:
    many = changed(
        B002,
        archived=count(1_234_567, 1),
        duplicate=count(1_234_567, 1),
        seen=count(9_999_999, 2),
        skipped=count(0),
    )
    async with running(moment(imports=(many,))) as app:
        told = app.text.splitlines()[2]
        assert "skipped" not in told
        assert "failed" not in told
        assert "to do" in told


async def test_r_lets_a_paused_import_go_on() -> None:
    async with running(moments.PAUSED) as app:
        await app.press("r")
        assert app.fake.asked == [("resume", B002.id)]


@pytest.mark.parametrize("state", ["errors", "done"])
async def test_r_tries_again_what_failed(state: str) -> None:
    async with running(moments.STATES[state]) as app:
        app.fake.groups = [
            FailureGroup(cause=error.cause, count=2, stage="read", attempts=3, advice="", newest="")
            for error in moments.ERRORS
        ]
        await app.press("G", "r")
        assert app.fake.asked == [("retry", C003.id, "", ())]
        assert "2 files of C003 HERO11 tried again." in app.foot
        # With the errors it is about one cause.
        await app.press("5", "r")
        assert app.fake.asked[1:] == [("retry", C003.id, "source: Input/output error", ())]


async def test_x_asks_once_and_cancels() -> None:
    async with running(moments.RUNNING) as app:
        await app.press("j", "x")
        assert isinstance(app.app.screen, Confirm)
        assert "240 files (38.0 GB) stay in the archive" in app.text
        await app.press("escape")
        assert app.fake.asked == []
        await app.press("x", "y")
        assert app.fake.asked == [("cancel", B002.id)]
        assert isinstance(app.app.screen, Dashboard)


async def test_a_question_tells_what_is_true_while_it_is_asked() -> None:
    async with running(moments.RUNNING) as app:
        await app.press("j", "x")
        further = changed(B002, archived=count(390, 60 * GB), todo=count(9, GB))
        await app.push(moment(imports=(further,)))
        await app.until(lambda: "390 files (60.0 GB) stay in the archive" in app.text)
        assert "9 files would not be archived" in app.text


@pytest.mark.parametrize("screen", ["dashboard", "import"])
async def test_a_question_about_an_import_that_ends_meanwhile_closes(screen: str) -> None:
    async with running(moments.RUNNING) as app:
        if screen == "import":
            app.fake.records = RECORDS
            app.app.open_import(B002.id)
            await app.until(lambda: app.app.screen.why_not("cancel") == "")  # type: ignore[attr-defined]
            await app.press("x")
        else:
            await app.press("j", "x")
        assert isinstance(app.app.screen, Confirm)
        # Its verdict is SAFE now: that the card is not safe would be wrong.
        await app.push(moment(imports=(done(id=B002.id, label=B002.label),)))
        await app.until(lambda: not isinstance(app.app.screen, Confirm))
        assert ENDED_MEANWHILE in app.foot
        assert "not safe" not in app.text
        assert all(asked[0] != "cancel" for asked in app.fake.asked)


@pytest.mark.parametrize(
    ("state", "key", "why"),
    [
        ("empty", "p", "There is no import."),
        ("empty", "x", "There is no import."),
        ("empty", "r", "There is no import."),
        ("running", "p", "A001 EOS R5 has ended."),
        ("running", "r", "A001 EOS R5 has ended, and nothing failed."),
        ("running", "jr", "B002 A7S III is running, and nothing failed."),
        ("closed", "r", "It was cancelled: import it anew; what is archived is not copied again."),
    ],
)
async def test_a_key_without_sense_says_why(state: str, key: str, why: str) -> None:
    states = moments.STATES | {"closed": moment(imports=(changed(C003, state=State.CANCELLED),))}
    async with running(states[state]) as app:
        await app.press(*key)
        assert why in app.foot
        assert app.fake.asked == []


async def test_a_command_that_fails_is_told() -> None:
    async with running(moments.RUNNING) as app:
        app.fake.fault = EngineError("it is gone.", "Look for it.")
        await app.press("j", "p")
        assert "it is gone." in app.foot


async def test_numbers_and_arrows_move_between_panes() -> None:
    async with running(moments.FAILING) as app:
        for keys, expected in (
            ("3", "queues"),
            ("5", "errors"),
            ("l", "cards"),
            ("left", "errors"),
            ("1", "cards"),
        ):
            await app.press(keys)
            assert app.app.screen.focused is not None
            assert app.app.screen.focused.id == expected


async def test_vim_keys_choose_a_row() -> None:
    async with running(moments.FAILING) as app:
        for keys, row in (
            ("j", ">B002"),
            ("down", ">C003"),
            ("j", ">C003"),
            ("g", ">A001"),
            ("G", ">C003"),
            ("k", ">B"),
        ):
            await app.press(keys)
            assert row in app.text


@pytest.mark.parametrize("number", range(1, 6))
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_enter_enlarges_a_pane_and_escape_goes_back(number: int, size: tuple[int, int]) -> None:
    async with running(moments.FAILING, size) as app:
        before = app.text
        await app.press(str(number), "enter")
        await app.settled()
        assert f"{number} " in app.text.splitlines()[3]
        assert pictures.same(app.app, f"enlarged-{number}-{size[0]}x{size[1]}")
        await app.press("escape", "1")
        await app.settled()
        assert app.text == before


async def test_a_number_changes_the_enlarged_pane() -> None:
    async with running(moments.FAILING) as app:
        await app.press("enter", "5")
        await app.settled()
        assert "5 ERRORS" in app.text.splitlines()[3]
        assert "newest: DCIM/100GOPRO/GX020117.MP4" in app.text


async def test_the_keys_of_an_error_are_about_its_import() -> None:
    async with running(moments.FAILING) as app:
        await app.press("5", "p")
        assert app.fake.asked == [("pause", C003.id)]


async def test_help_tells_the_keys_and_why_some_do_nothing() -> None:
    async with running(moments.EMPTY, (100, 30)) as app:
        await app.press("question_mark")
        assert isinstance(app.app.screen, Help)
        assert "not now: There is no import." in app.text
        assert pictures.same(app.app, "help-100x30")
        await app.press("escape")
        assert isinstance(app.app.screen, Dashboard)


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_q_leaves_and_says_that_the_import_goes_on(key: str) -> None:
    async with running(moments.RUNNING) as app:
        await app.press(key)
    assert app.app.return_value == "The import goes on. See it again with: lading"
    assert [asked for asked in app.fake.asked if asked[0] != "leave"] == []


async def test_q_says_nothing_when_nothing_runs() -> None:
    async with running(moments.SAFE) as app:
        await app.press("q")
    assert app.app.return_value == ""


async def test_the_palette_knows_the_keys() -> None:
    async with running(moments.RUNNING) as app:
        await app.press("j", "ctrl+p")
        await app.until(lambda: isinstance(app.app.screen, CommandPalette))
        await app.type("pause")
        # The second is that for trying again, whose description has the word.
        await app.until(lambda: app.app.screen.query_one(CommandList).option_count == 2)
        await app.press("enter")
        await app.until(lambda: bool(app.fake.asked))
        assert app.fake.asked == [("pause", B002.id)]


@pytest.mark.parametrize("key", ["pagedown", "pageup"])
async def test_a_page_of_a_list_of_commands_that_has_no_room_yet(key: str) -> None:
    async with running(moments.RUNNING) as app:
        await app.press("ctrl+p")
        commands = app.app.screen.query_one(CommandList)
        await app.until(lambda: commands.option_count > 2)
        await app.press("down")
        commands.display = False
        await app.settled()
        # Its lines are laid out once it has room.
        commands.replace_option_prompt_at_index(0, "another one")
        await app.press(key)
        assert isinstance(app.app.screen, CommandPalette)


async def test_the_mouse_chooses() -> None:
    async with running(moments.FAILING) as app:
        await app.pilot.click("#cards", offset=(5, 2))
        assert ">B002" in app.text
        await app.pilot.click("#errors", offset=(5, 0))
        assert app.app.screen.focused is not None
        assert app.app.screen.focused.id == "errors"


async def test_a_narrow_screen_says_of_each_card_what_became_of_it() -> None:
    async with running(moments.DONE, (40, 10)) as app:
        rows = [one for one in app.text.splitlines() if "100%" in one]
        assert all(any(word in row for word in ("SAFE", "KEEP", "CANCELLED")) for row in rows[1:])
        assert len(rows) > 2


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 10), (20, 5), (250, 80)])
@pytest.mark.parametrize("zoom", ["", "1", "2", "3", "4", "5"])
async def test_no_name_can_do_anything(size: tuple[int, int], zoom: str) -> None:
    async with running(moments.HOSTILE_NAMES, size) as app:
        if zoom:
            await app.press(zoom, "enter")
        assert not FORBIDDEN & set(app.text.replace("\n", ""))


async def test_ascii_where_there_is_no_utf8() -> None:
    for state, snapshot in moments.STATES.items():
        async with running(snapshot, utf8=False) as app:
            assert app.text.isascii(), state
            for number in "12345":
                await app.press(number, "enter")
                assert app.text.isascii(), (state, number)


async def test_every_size_is_drawn() -> None:
    async with running(moments.FAILING, (80, 24)) as app:
        for width, height in ((120, 40), (79, 23), (30, 8), (1, 1), (200, 60), (80, 24)):
            await app.pilot.resize_terminal(width, height)
            await app.settled()
            assert app.text.count("\n") == height - 1


async def test_only_what_changed_is_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(moments.FAILING) as app:
        painted: list[str] = []
        refresh = Lines.refresh

        def noted(self: Lines, *regions: object, **how: object) -> Lines:
            painted.append(f"{self.id} {sum(region.area for region in regions)}")  # type: ignore[attr-defined]
            return refresh(self, *regions, **how)  # type: ignore[arg-type]

        monkeypatch.setattr(Lines, "refresh", noted)
        await app.push(changed(moments.FAILING))
        assert painted == [], "the same again is not painted"
        await app.push(
            moment(in_flight=(changed(moments.FLIGHTS[0], position=3_300_000_000), *moments.FLIGHTS[1:]))
        )
        assert {one.split()[0] for one in painted} <= {"in-flight", "header", "cards"}
        assert sum(int(one.split()[1]) for one in painted) < 40


async def test_a_paused_card_shows_its_advice_when_enlarged() -> None:
    async with running(moments.VOLUME_LOST) as app:
        await app.press("enter")
        await app.settled()
        assert "Plug it in or mount it again, then resume." in app.text


async def test_many_cards_scroll() -> None:
    cards = tuple(
        changed(B002, id=f"{number:02}", label=f"CARD{number:02}", state=State.RUNNING) for number in range(50)
    )
    async with running(moment(imports=cards)) as app:
        await app.press("G")
        assert ">CARD49" in app.text
        assert "CARD00 " not in app.text
        await app.press("home")
        assert ">CARD00 " in app.text


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_long_reason_leaves_room_for_the_rest_of_the_header(size: tuple[int, int]) -> None:
    reason = "/Volumes/" + "a long name " * 20 + "does not answer any more"
    paused = moment(imports=(changed(B002, state=State.PAUSED, reason=reason, rate=0.0, seconds_left=None),))
    async with running(paused, size) as app:
        top = app.text.splitlines()[0]
        assert top.startswith(" Lading  ")
        assert "PAUSED" in top
        assert top.endswith("does not answer any more")
        assert len(top) <= size[0]
