"""Tasks on an archive in the app: their questions, stopping them, and results in the words of the commands."""

import asyncio
import re
from pathlib import Path

import msgspec
import pytest
from textual.command import CommandList

from core import log as core_log
from core.config import Config
from core.details import LocationView
from core.errors import SourceError
from core.models import Count, JobState, Verdict
from core.protocol.archive_requests import (
    Audit,
    Check,
    DescribeLocation,
    ListLocations,
    Restore,
    StartMirror,
)
from core.protocol.import_requests import HashList, ListCards, MoveImport
from core.protocol.queue_requests import ListJobs
from core.results import AuditResult, CardView, CheckResult, Exported, Moved, RestoreResult
from core.snapshot import JobView
from tests.tui.app import moments, pictures
from tests.tui.app.fake import Fake
from tests.tui.app.pilot import Running, running
from tests.tui.app.records import FILES, RECORDS
from tui.last_answers import recall
from tui.screens.dashboard import Dashboard
from tui.screens.task import Task
from tui.screens.tasks import TASK_ENTRIES, Tasks

pytestmark = pytest.mark.terminal

PLACE = LocationView(
    name="Mill Creek",
    folder="mill-creek-1",
    files=3,
    bytes=3,
    description="An asylum",
    latitude=46.4,
    longitude=11.8,
)


def settings(home: Path) -> Config:
    return Config(home=str(home), archive="/nas/archive", copies=2)


def calls(app: Running, kind: type) -> list[object]:
    return [asked[1] for asked in app.fake.asked if asked[0] == "call" and isinstance(asked[1], kind)]


async def begin(app: Running, name: str) -> None:
    """Choose a task in the list."""
    if not isinstance(app.app.screen, Tasks):
        await app.press("t")
    await app.press("home", *["j"] * [entry.name for entry in TASK_ENTRIES].index(name), "enter")


async def test_a_card_is_checked_as_the_command_does(tmp_path: Path) -> None:
    fake = Fake(moments.EMPTY)
    fake.answers[Check] = CheckResult(
        source="/Volumes/A001",
        verdict=Verdict.KEEP,
        reasons=(("new", 2),),
        files=(("a.jpg", "new"),),
        files_count=1,
    )
    async with running(None, fake=fake, settings=settings(tmp_path)) as app:
        await app.press("t")
        assert pictures.same(app.app, "tasks-80x24")
        await begin(app, "check")
        await app.press(*"/Volumes/A001", "enter")
        await app.until(lambda: "KEEP  /Volumes/A001" in app.text)
        assert "2 new" in app.text
        await app.press("escape", "escape")
        assert isinstance(app.app.screen, Dashboard)
        assert calls(app, Check) == [Check(source=b"/Volumes/A001", archive=b"/nas/archive", copies=2)]
        assert recall(str(tmp_path)).places == ("/Volumes/A001",)
        # A recent place is offered, so two keys choose it.
        await begin(app, "check by content")
        await app.until(lambda: "  /Volumes/A001" in app.text)
        await app.press("down", "enter")
        await app.until(lambda: len(calls(app, Check)) == 2)
        assert calls(app, Check)[1] == Check(source=b"/Volumes/A001", archive=b"/nas/archive", copies=2, read=True)


async def test_work_tells_how_far_it_is_and_is_stopped_only_when_that_is_meant(tmp_path: Path) -> None:
    fake = Fake(moments.EMPTY)
    fake.answers[Audit] = asyncio.Event()
    async with running(None, fake=fake, settings=settings(tmp_path)) as app:
        await begin(app, "audit")
        await app.until(lambda: "1 of 2 files" in app.text)
        await app.press("escape")
        assert "Stop: audit?" in app.text
        await app.press("n")
        assert isinstance(app.app.screen, Task)
        task = app.app.screen._doing
        await app.press("escape", "y")
        assert isinstance(app.app.screen, Tasks)
        assert task
        await app.until(task.cancelled)


async def test_healing_restoring_and_mirroring_ask_where(tmp_path: Path) -> None:
    fake = Fake(moments.EMPTY)
    fake.records = RECORDS
    fake.answers[Audit] = AuditResult(checked=Count(files=1, bytes=1), seconds=1.0)
    fake.answers[Restore] = RestoreResult(restored=Count(files=3, bytes=3))
    fake.answers[StartMirror] = "20260101-m1"
    async with running(None, fake=fake, settings=settings(tmp_path)) as app:
        await begin(app, "heal")
        await app.press("enter")
        await app.until(lambda: "WELL" in app.text)
        await app.press("escape")
        await begin(app, "restore")
        await app.press(*RECORDS[0].location, "enter", *"/out", "enter")
        await app.until(lambda: "RESTORED  3 files" in app.text)
        await app.press("escape")
        await begin(app, "mirror")
        await app.press(*"/backup", "enter")
        await app.until(lambda: isinstance(app.app.screen, Dashboard))
        (audit,) = calls(app, Audit)
        assert isinstance(audit, Audit)
        assert (audit.copies, audit.heal) == (True, ())
        assert calls(app, Restore) == [Restore(name=RECORDS[0].location, target=b"/out")]
        assert calls(app, StartMirror) == [StartMirror(source=b"/nas/archive", target=b"/backup")]


async def test_lists_are_shown_searched_and_scrolled_sideways(tmp_path: Path) -> None:
    fake = Fake(moments.EMPTY)
    job = JobView(id=7, queue="thumbnail", state=JobState.DEAD, subject="DCIM/IMG_7.CR2", error="x" * 90 + "END")
    fake.answers[ListJobs] = [[job], []]
    fake.answers[ListLocations] = [[PLACE]]
    async with running(None, fake=fake, settings=settings(tmp_path)) as app:
        await begin(app, "failed jobs")
        await app.until(lambda: "IMG_7.CR2" in app.text)
        assert "END" not in app.text
        await app.press("right", "right", "right", "right")
        assert "END" in app.text
        await app.press("left", "left", "left", "left", "slash", *"retry", "enter")
        assert any(line.startswith(">Try what is dead") for line in app.text.splitlines())
        await app.press("slash", *"nowhere", "enter")
        assert "Nothing has nowhere." in app.foot
        await app.press("escape")
        await begin(app, "locations")
        await app.until(lambda: "An asylum" in app.text or "mill-creek-1" in app.text)
        await app.press("escape")
        await begin(app, "settings")
        await app.until(lambda: "read_limit" in app.text)
        assert "default" in app.text


async def test_cards_log_and_machine_are_shown(tmp_path: Path) -> None:
    fake = Fake(moments.EMPTY)
    values = {
        "source": "/Volumes/A001",
        "archive": "/nas/archive",
        "location": "Mill",
        "import_id": "1",
        "state": "done",
    }
    seen = {"reason": "", "started": 0.0, "ended": 60.0, "imports": 2}
    card = CardView(identity="uuid:1", label="A001", verdict=Verdict.SAFE, **values, **seen)  # type: ignore[arg-type]
    other = msgspec.structs.replace(card, label="A002", damaged=1)
    fake.answers[ListCards] = [[card, other], []]
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / core_log.NAME).write_text("not JSON at all\n")
    async with running(None, fake=fake, settings=settings(tmp_path)) as app:
        await begin(app, "cards")
        await app.until(lambda: re.search(r"A001  SAFE +1970-01-01 00:01  archive  Mill", app.text) is not None)
        assert "A002  SAFE, 1 damaged since  1970-01-01" in app.text
        assert "lading audit names it" in app.text
        await app.press("escape")
        await begin(app, "cards")
        await app.until(lambda: "Nothing was imported yet." in app.text)
        await app.press("escape")
        await begin(app, "log")
        await app.until(lambda: "not JSON at all" in app.text)


async def test_what_goes_wrong_is_told(tmp_path: Path) -> None:
    fake = Fake(moments.EMPTY)
    async with running(None, fake=fake, settings=Config(home=str(tmp_path))) as app:
        await begin(app, "audit")
        assert "no archive is configured" in app.foot
        app.app.settings = settings(tmp_path)
        app.fake.fault = SourceError(
            "it is not there.", "Plug it in, as often as it takes, and try it once more. " * 3 + "END"
        )
        await begin(app, "check")
        await app.press(*"/x", "enter")
        await app.until(lambda: "it is not there." in app.text and "Plug it in" in app.text)
        assert ("END" in app.text, "check: not done" in app.text) == (True, True)


async def test_a_fault_of_the_program_ends_a_task(tmp_path: Path) -> None:
    async def work(progress: object, out: object) -> None:
        raise ValueError("odd")

    async with running(moments.EMPTY, settings=settings(tmp_path)) as app:
        app.app.push_screen(Task("CHECK", work))
        await app.until(
            lambda: "A fault of the program: ValueError: odd" in app.text and "check: not done" in app.text
        )


async def test_an_import_is_restored_moved_described_and_hashed(tmp_path: Path) -> None:
    fake = Fake(moments.EMPTY)
    fake.records = RECORDS[:1]
    newest = RECORDS[0]
    fake.answers[Restore] = RestoreResult(restored=Count(files=3, bytes=3))
    fake.answers[MoveImport] = Moved(id=newest.id, location="Elsewhere", files=3)
    fake.answers[HashList] = Exported(path="/out/ascmhl/0001.mhl", files=3, left_out=0)
    fake.answers[DescribeLocation] = PLACE
    async with running(None, fake=fake, settings=settings(tmp_path)) as app:
        await app.press("i")
        await app.until(lambda: bool(app.app.screen.query("#records")) and newest.location in app.text)
        await app.press("t", *"/out", "enter")
        await app.until(lambda: "RESTORED" in app.text)
        await app.press("escape", "m", *"Elsewhere", "enter")
        await app.until(lambda: "is in Elsewhere: 3 files moved" in app.text)
        await app.press("escape", "h", *"/out", "enter")
        await app.until(lambda: "0001.mhl: 3 files." in app.text)
        await app.press("escape", "l")
        await app.until(lambda: "its name; the folder stays" in app.text)
        # Esc after an answer: nothing is changed.
        await app.press(*"Another", "enter", "escape")
        assert "Mill Creek stays as it was." in app.foot
        await app.press("l")
        await app.until(lambda: "its name; the folder stays" in app.text)
        await app.press("enter", *"A mill", "enter", "enter", "enter")
        await app.until(lambda: len(calls(app, DescribeLocation)) == 3)
        assert calls(app, Restore) == [Restore(name=newest.id, target=b"/out")]
        assert calls(app, MoveImport) == [MoveImport(name=newest.id, location="Elsewhere")]
        changed = calls(app, DescribeLocation)[2]
        assert isinstance(changed, DescribeLocation)
        assert (changed.location, changed.name, changed.description, changed.position) == (
            "mill-creek-1",
            None,
            "A mill",
            None,
        )


async def test_marked_files_are_restored_else_the_chosen_one(tmp_path: Path) -> None:
    fake = Fake(moments.EMPTY)
    there = [msgspec.structs.replace(file, sha256=f"{file.id:064x}") for file in FILES[3:6]]
    fake.all_files = [FILES[0], *there]
    fake.answers[Restore] = RestoreResult(restored=Count(files=1, bytes=1))
    async with running(None, fake=fake, settings=settings(tmp_path)) as app:
        await app.press("slash", "down")
        await app.until(lambda: there[0].path.rpartition("/")[2] in app.text)
        await app.press("t")
        assert "That file is not in the archive." in app.foot
        await app.press("j", "space", "space")
        assert "2 marked" in app.text
        await app.press("t", *"/out", "enter")
        await app.until(lambda: app.text.count("RESTORED") == 2)
        assert calls(app, Restore) == [
            Restore(name=f"hash:{file.sha256}", target=b"/out", find=True) for file in there[:2]
        ]


async def test_what_an_audit_found_stands_with_the_file(tmp_path: Path) -> None:
    fake = Fake(moments.EMPTY)
    fake.all_files = [FILES[3], msgspec.structs.replace(FILES[4], damage="it is gone")]
    async with running(None, (120, 40), fake=fake, settings=settings(tmp_path)) as app:
        await app.press("slash", "down")
        await app.until(lambda: "DAMAGED" in app.text)
        (row,) = [line for line in app.text.splitlines() if "DAMAGED" in line]
        assert "IMG_00005.CR3" in row
        assert "it is gone" in row


async def test_enter_on_a_queue_lists_what_has_failed_in_it(tmp_path: Path) -> None:
    dead = msgspec.structs.replace(moments.QUEUES[0], dead=2)
    fake = Fake(msgspec.structs.replace(moments.RUNNING, queues=(dead, *moments.QUEUES[1:])))
    job = JobView(id=7, queue="exiftool", state=JobState.DEAD, subject="DCIM/IMG_7.CR2", error="it is no picture")
    fake.answers[ListJobs] = [[job], []]
    async with running(None, fake=fake, settings=settings(tmp_path)) as app:
        await app.press("3", "enter", "enter")
        assert "No job of this queue has failed for good." in app.foot
        await app.until(lambda: "exiftool" in app.text)
        await app.press(*"jjjjjj", "enter")
        await app.until(lambda: "it is no picture" in app.text)
        assert calls(app, ListJobs)[0] == ListJobs(state="dead", queue="exiftool")


async def test_the_palette_begins_a_task_from_any_screen(tmp_path: Path) -> None:
    fake = Fake(moments.EMPTY)
    fake.answers[Audit] = AuditResult(checked=Count(files=3, bytes=3), seconds=1.0)
    async with running(moments.EMPTY, fake=fake, settings=settings(tmp_path)) as app:
        await app.press("ctrl+p")
        await app.type("audit")
        await app.until(lambda: "read the archive again and compare" in app.text)
        await app.press("enter")
        await app.until(lambda: "AUDIT" in app.text)


async def test_the_palette_finds_words_of_a_description() -> None:
    async with running(moments.EMPTY) as app:
        await app.press("ctrl+p")
        await app.type("original names")
        palette = app.app.screen
        await app.until(lambda: "restore" in app.text)
        assert palette.query_one(CommandList).option_count == 1


@pytest.mark.parametrize("words", ["zzz", "[/x]"])
async def test_the_palette_says_that_nothing_fits(words: str) -> None:
    async with running(moments.EMPTY) as app:
        await app.press("ctrl+p")
        await app.type(words)
        await app.until(lambda: f"Nothing fits {words}." in app.text)
        await app.press("enter")
        assert isinstance(app.app.screen, Dashboard)
