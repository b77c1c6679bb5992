"""The new import: choosing, counting, starting."""

from functools import partial
from pathlib import Path

import msgspec
import pytest

from core.config import Config
from core.errors import ArchiveError
from core.listings import ImportRecord
from core.models import ImportRequest, Verdict
from core.results import Survey
from core.volumes.filesystems import SENDS_LATER, UNFLUSHED, StorageKind, filesystem
from core.volumes.macos_permissions import warning
from core.volumes.volume import Volume
from tests.tui.app import moments, pictures
from tests.tui.app.fake import Fake
from tests.tui.app.pilot import SIZES, Running, running
from tests.tui.app.volumes import GB, card, several, volume
from tests.tui.views import HOSTILE, count
from tui.import_form import Choice
from tui.last_answers import Remembered, recall, remember
from tui.path_completion import PathEntry
from tui.screens.dashboard import Dashboard
from tui.screens.new_import import NewImport
from tui.screens.prompt import Ask
from tui.source_warnings import cautions
from tui.widgets.dry_run_pane import Prospect
from tui.widgets.source_tree import Inside

pytestmark = pytest.mark.terminal

SURVEY = Survey(
    source="/Volumes/A001",
    files=count(1278, 45 * GB),
    new=count(412, 12 * GB),
    duplicate=count(866, 33 * GB),
    by_kind={"images": count(1200, 40 * GB), "videos": count(66, 5 * GB), "sidecars": count(12, 4096)},
    pairs=400,
    takes=3,
    indexes=2,
    cameras="Canon",
    needed=12 * GB,
    free=400 * GB,
    seconds=194.0,
)

RECORD = ImportRecord(
    row=1,
    id="20251205-090000-0001",
    started=moments.NOW - 86400,
    source="/Volumes/Z9",
    archive="/nas/archive",
    location="Mill Creek",
    state="done",
    verdict=Verdict.SAFE,
)


@pytest.fixture(autouse=True)
def _inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the made-up volumes hold."""
    when = int(moments.NOW - 90_000) * 10**9
    found = [
        PathEntry(name=b"DCIM", folder=True, mtime_ns=when),
        PathEntry(name=b"notes.txt", folder=False, count=count(1, 2_000), mtime_ns=when),
    ]
    monkeypatch.setattr("tui.path_completion.entries", lambda path, order="name": (found, 0))


def engine() -> Fake:
    fake = Fake(moments.EMPTY)
    fake.records = [RECORD]
    fake.surveys = [SURVEY]
    return fake


def home(path: Path) -> Config:
    return Config(home=str(path), operator="Ann")


async def opened(app: Running) -> Running:
    await app.press("n")
    await app.until(lambda: "Looking for volumes" not in app.text)
    return app


def requests(app: Running) -> list[ImportRequest]:
    started = [asked for asked in app.fake.asked if asked[0] == "start"]
    assert len(started) == 1
    return list(started[0][1:])


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_it_looks_as_it_should(tmp_path: Path, size: tuple[int, int]) -> None:
    async with running(None, size, fake=engine(), settings=home(tmp_path), volumes=several) as app:
        await opened(app)
        await app.press("a")
        await app.until(lambda: "about 3m14s as before, done 14:03" in app.text)
        await app.until(lambda: "2.00 kB new" in app.text)
        assert "Mill Creek" in app.text
        assert "does not answer" in app.text
        assert pictures.same(app.app, f"new-import-{size[0]}x{size[1]}")


async def test_nothing_plugged_in(tmp_path: Path) -> None:
    async with running(None, fake=engine(), settings=home(tmp_path)) as app:
        await opened(app)
        assert "Nothing is plugged in." in app.text
        await app.press("a")
        assert "No card of a camera is plugged in." in app.foot
        await app.press("enter")
        assert "Pick a source first: space." in app.foot
        assert pictures.same(app.app, "new-import-empty-80x24")


async def test_cards_come_first_and_a_dead_volume_says_so(tmp_path: Path) -> None:
    async with running(None, fake=engine(), settings=home(tmp_path), volumes=several) as app:
        await opened(app)
        lines = app.text.splitlines()
        assert "A001" in lines[2]
        assert "EOS R5" in lines[2]
        assert "42.0 of 64.0 GB" in lines[2]
        assert "B002" in lines[3]
        assert "does not answer" in lines[4]


async def test_card_in_enter_done(tmp_path: Path) -> None:
    """The only card is picked already, the rest is as last time: n, one line to read, Enter."""
    async with running(None, fake=engine(), settings=home(tmp_path), volumes=lambda: [card("B002")]) as app:
        await opened(app)
        await app.until(lambda: "412 new, 866 duplicates" in app.text)
        await app.press("enter")
        assert isinstance(app.app.screen, Dashboard)
        (request,) = requests(app)
        assert request == ImportRequest(
            source="/Volumes/B002", archive="/nas/archive", location="Mill Creek", label="B002", operator="Ann"
        )
    expected = Remembered(
        archive="/nas/archive", location="Mill Creek", operator="Ann", archives=("/nas/archive",)
    )
    assert recall(str(tmp_path)) == expected


async def test_all_cards(tmp_path: Path) -> None:
    async with running(None, fake=engine(), settings=home(tmp_path), volumes=several) as app:
        await opened(app)
        await app.press("a", "s")
        assert [request.source for request in requests(app)] == ["/Volumes/A001", "/Volumes/B002"]


async def test_space_picks_and_leaves_out(tmp_path: Path) -> None:
    async with running(None, fake=engine(), settings=home(tmp_path), volumes=several) as app:
        await opened(app)
        await app.press("space", "j", "space", "j", "space", "k", "k", "space", "enter")
        assert [request.source for request in requests(app)] == ["/Volumes/B002", "/Volumes/Old drive"]


async def test_volumes_come_and_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.screens.source_picker.POLL_INTERVAL", 0.05)
    there: list[Volume] = [volume("disk")]
    async with running(None, fake=engine(), settings=home(tmp_path), volumes=lambda: list(there)) as app:
        await opened(app)
        there.append(card("A001"))
        await app.until(lambda: ">[x] A001" in app.text and "412 new, 866 duplicates" in app.text)
        await app.press("space")
        assert "[ ] A001" in app.text
        there.append(card("B002"))
        await app.until(lambda: "B002" in app.text)
        assert "[ ] B002" in app.text, "what a person left out, nobody picks"
        await app.press("space")
        assert "[x] A001" in app.text
        # Another card of the same camera, at the same place.
        there[1] = card("A001", identity="uuid:another")
        await app.until(lambda: "[ ] A001" in app.text)
        del there[1:]
        await app.until(lambda: "A001" not in app.text)
        assert "0 of 1 picked" in app.text


async def test_what_is_new_on_a_card_is_counted_without_being_asked(tmp_path: Path) -> None:
    async with running(None, fake=engine(), settings=home(tmp_path), volumes=several) as app:
        await opened(app)
        await app.until(lambda: app.text.count("412 new, 866 duplicates") == 2)
        asked = [asked[1:] for asked in app.fake.asked if asked[0] == "survey"]
        assert [[one.source for one in requests] for requests in asked] == [["/Volumes/A001"], ["/Volumes/B002"]]
        assert "0 of 5 picked" in app.text
        # Compared with another archive, it is counted anew.
        await app.press("4", "enter", *["backspace"] * 20, *"/other", "enter")
        await app.until(lambda: len([asked for asked in app.fake.asked if asked[0] == "survey"]) == 4)


async def test_what_will_happen_is_counted_again_when_the_archives_disk_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screens.source_picker.POLL_INTERVAL", 0.05)
    there: list[Volume] = [card("A001"), volume("nas")]
    fake = engine()
    async with running(None, (120, 40), fake=fake, settings=home(tmp_path), volumes=lambda: list(there)) as app:
        await opened(app)
        await app.until(lambda: "412 new, 866 duplicates" in app.text)
        away = "It cannot be imported: there is no archive at /nas"
        fake.surveys = [msgspec.structs.replace(one, warnings=(away,)) for one in fake.surveys]
        del there[1]
        await app.until(lambda: "there is no archive at /nas" in app.text)


async def test_the_cursor_stays_with_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.screens.source_picker.POLL_INTERVAL", 0.05)
    there: list[Volume] = [volume("disk"), volume("elsewhere")]
    async with running(None, fake=engine(), settings=home(tmp_path), volumes=lambda: list(there)) as app:
        await opened(app)
        await app.press("j", "space")
        there += [card("A001"), card("B002")]
        await app.until(lambda: "B002" in app.text)
        assert ">[x] elsewhere" in app.text


async def test_volumes_that_cannot_be_listed(tmp_path: Path) -> None:
    def fails() -> list[Volume]:
        raise OSError("no mounts here")

    async with running(None, fake=engine(), settings=home(tmp_path), volumes=fails) as app:
        await opened(app)
        assert "no mounts here" in app.text


async def test_libraries_and_icloud_are_asked_about(tmp_path: Path) -> None:
    fake = engine()
    fake.surveys = [
        Survey(source="/Volumes/B002", new=count(5, GB), needed=GB, free=9 * GB, libraries=1, icloud=7)
    ]
    async with running(None, (120, 40), fake=fake, settings=home(tmp_path), volumes=lambda: [card("B002")]) as app:
        await opened(app)
        await app.until(lambda: "1 photo library would stay out" in app.text)
        assert "7 files only in iCloud would stay out" in app.text
        await app.press("4", "j", "j", "j")
        assert ">photos     photo libraries stay out" in app.text
        await app.press("space", "j", "enter")
        assert "what is only in iCloud is fetched" in app.text
        await app.until(lambda: "counting" not in app.text and "2.00 kB new" in app.text)
        assert pictures.same(app.app, "new-import-asked-120x40")
        await app.press("s")
        (request,) = requests(app)
        assert (request.libraries, request.icloud) == (True, True)


async def test_room_for_each_but_not_for_all(tmp_path: Path) -> None:
    fake = engine()
    fake.surveys = [
        Survey(source=f"/Volumes/{name}", new=count(5, 6 * GB), needed=6 * GB, free=10 * GB)
        for name in ("A001", "B002")
    ]
    async with running(None, (120, 40), fake=fake, settings=home(tmp_path), volumes=several) as app:
        await opened(app)
        await app.press("a")
        await app.until(lambda: "room for each of these, not for all" in app.text)


async def test_privacy_under_ssh_on_a_mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
    choice = Choice(archive="/archive")
    told = warning({"SSH_CONNECTION": "x"}, "darwin")
    assert told not in cautions(choice)
    choice.add("/Volumes/A001")
    assert told in cautions(choice)


def test_an_archive_on_exfat_on_a_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    choice = Choice(archive="/Volumes/SSD/archive")
    choice.merge([volume("SSD", filesystem="exfat")])
    told = f"The archive: {UNFLUSHED}"
    assert told not in cautions(choice)
    monkeypatch.setattr("core.volumes.devices.filesystem", partial(filesystem, platform="darwin"))
    assert told in cautions(choice)
    choice.merge([volume("SSD", filesystem="apfs")])
    assert told not in cautions(choice)


def test_an_archive_on_a_network() -> None:
    choice = Choice(archive="/Volumes/SSD/archive")
    read_back = "The archive is on a network: copies are read back from the server."
    for name, told in (("smbfs", read_back), ("fuse.rclone", f"The archive: {SENDS_LATER}")):
        choice.merge([volume("SSD", filesystem=name, kind=StorageKind.NETWORK)])
        assert [one for one in cautions(choice) if "archive" in one] == [told]


def test_the_kernel_says_which_volume_the_archive_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.volumes.devices.filesystem", partial(filesystem, platform="darwin"))
    told = f"The archive: {UNFLUSHED}"
    choice = Choice(archive="/volumes/ssd/archive")
    choice.merge([volume("SSD", filesystem="exfat")])
    assert told not in cautions(choice), "the path alone does not tell: macOS takes any case"
    choice.archive_mount = (choice.archive, b"/Volumes/SSD")
    assert told in cautions(choice)
    choice.archive = "/elsewhere"
    assert told not in cautions(choice), "that was another path"
    # A link below that volume's mount point that leads to another one.
    choice.archive = "/Volumes/SSD/link"
    choice.archive_mount = (choice.archive, b"/")
    assert told not in cautions(choice)


async def test_the_form(tmp_path: Path) -> None:
    async with running(None, fake=engine(), settings=home(tmp_path), volumes=lambda: [card("B002")]) as app:
        await opened(app)
        await app.until(lambda: "412 new" in app.text)
        await app.press("4", "enter")
        assert isinstance(app.app.screen, Ask)
        await app.press(*["backspace"] * 20, *"/a", "enter")
        await app.press("j", "enter", *"/b:/c", "enter")
        await app.press("j", "enter", *["backspace"] * 20, *"mill")
        below = app.app.screen_stack[-2].query_one(Prospect)
        inside = app.app.screen_stack[-2].query_one(Inside)
        await app.until(lambda: "  Mill Creek" in app.text and not below.counting and bool(inside.new))
        assert pictures.same(app.app, "ask-80x24")
        await app.press("down", "enter")
        await app.press("j", "space", "j", "enter")
        await app.press("j", "enter", *"Card 1", "enter")
        await app.press("j", "enter", *["backspace"] * 5, *"Bob", "enter")
        await app.press("j", "enter", *"wet", "enter", "s")
        (request,) = requests(app)
        assert request == ImportRequest(
            source="/Volumes/B002",
            archive="/a",
            also=("/b", "/c"),
            copies=3,
            location="Mill Creek",
            label="Card 1",
            operator="Bob",
            note="wet",
            verify="source",
            known="record",
        )


async def test_an_archive_can_be_named_by_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    async with running(None, fake=engine(), settings=home(tmp_path), volumes=lambda: [card("B002")]) as app:
        await opened(app)
        await app.press("4", "enter", *"$HOME/archive", "enter", "s")
        (request,) = requests(app)
        assert request.archive == f"{tmp_path}/archive"


async def test_escape_leaves_an_answer_as_it_was(tmp_path: Path) -> None:
    async with running(None, fake=engine(), settings=home(tmp_path), volumes=lambda: [card("B002")]) as app:
        await opened(app)
        await app.press("4", "j", "j", "enter", *"xyz", "escape")
        assert "Mill Creek\n" in app.text
        await app.press("escape", "escape")
        assert isinstance(app.app.screen, Dashboard)


async def test_a_start_that_fails_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    async with running(None, fake=engine(), settings=home(tmp_path), volumes=lambda: [card("B002")]) as app:
        await opened(app)
        await app.until(lambda: "412 new" in app.text)
        app.fake.fault = ArchiveError("it is not there.", "Mount it.")
        await app.press("enter")
        assert "it is not there." in app.foot
        assert isinstance(app.app.screen, NewImport)


async def test_too_little_room_and_other_cautions(tmp_path: Path) -> None:
    fake = engine()
    fake.surveys = [
        Survey(source="/Volumes/B002", new=count(5, GB), needed=GB, free=5, warnings=("The archive lacks room.",))
    ]
    settings = Config(home=str(tmp_path), archive="/Volumes/archive/x", location="L", verify="none")
    async with running(None, (120, 40), fake=fake, settings=settings, volumes=several) as app:
        await opened(app)
        await app.press("j", "space", "j", "space")
        await app.until(lambda: "lacks room" in app.text)
        for caution in ("Old drive does not answer.", "Copies are not read back", "The archive is on a network"):
            assert caution in app.text


async def test_hostile_names_do_nothing(tmp_path: Path) -> None:
    evil = [card(HOSTILE + "[/x]", camera="X"), volume("[@click=app.exit]x[/]", error=HOSTILE)]
    fake = engine()
    fake.surveys = [Survey(source=HOSTILE, warnings=(HOSTILE,), by_kind={HOSTILE: count(1, 1)})]
    async with running(None, fake=fake, settings=home(tmp_path), volumes=lambda: evil) as app:
        await opened(app)
        await app.press("a", "j", "space", "4", "j", "j", "j", "j", "enter", "escape")
        await app.pilot.pause(0.6)
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(app.text)


async def test_the_limit_of_reading_is_shown_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LADING_HOME", str(tmp_path))
    (tmp_path / "config.toml").write_text("read_limit = 40\n")
    settings = Config(home=str(tmp_path), read_limit=40)
    async with running(None, fake=engine(), settings=settings, volumes=lambda: [card("B002")]) as app:
        await opened(app)
        await app.press("4", "end")
        assert ">limit      40 MB/s from each source at most; config.toml" in app.text
        await app.press("enter")
        assert "change read_limit with lading config edit" in app.foot
    monkeypatch.setenv("LADING_READ_LIMIT", "40")
    async with running(None, fake=engine(), settings=settings, volumes=lambda: [card("B002")]) as app:
        await opened(app)
        await app.press("4", "end")
        assert ">limit      40 MB/s from each source at most; LADING_READ_LIMIT" in app.text
        await app.press("enter")
        assert "change LADING_READ_LIMIT." in app.foot
    monkeypatch.delenv("LADING_READ_LIMIT")
    async with running(None, fake=engine(), settings=home(tmp_path), volumes=lambda: [card("B002")]) as app:
        await opened(app)
        await app.press("4", "end")
        assert ">limit      read_limit: none, as fast as it goes" in app.text


async def test_configured_places_are_offered_first(tmp_path: Path) -> None:
    remember(str(tmp_path), Remembered(places=("/typed",)))
    settings = Config(home=str(tmp_path), places=("/wanted",))
    async with running(None, fake=engine(), settings=settings, volumes=lambda: [card("B002")]) as app:
        await opened(app)
        await app.press("t")
        await app.until(lambda: "/typed" in app.text)
        assert app.text.index("/wanted") < app.text.index("/typed")


async def test_what_does_not_fit_beside_a_name_goes_below_it(tmp_path: Path) -> None:
    fake = engine()
    one = card("A card with a long name", mount="/v/A")
    fake.surveys = [msgspec.structs.replace(SURVEY, source="/v/A")]
    async with running(None, fake=fake, settings=home(tmp_path), volumes=lambda: [one]) as app:
        await opened(app)
        await app.until(lambda: "45.0 GB in all" in app.text)
        await app.until(lambda: "400 GB free in archive" in app.text)
