"""Why files of an import failed, and trying them again."""

import pytest

from core.errors import SourceError
from core.listings import Failure, FailureGroup
from core.models import State
from core.snapshot import ErrorGroup, ImportView
from tests.tui.app import moments, pictures
from tests.tui.app.fake import Fake
from tests.tui.app.moments import A001, C003, QUEUES, changed, moment
from tests.tui.app.pilot import SIZES, Running, running
from tests.tui.app.records import EVIL, RECORDS, engine, opened, record
from tests.tui.views import HOSTILE
from tui.screens.failures import Failures
from tui.screens.imports import Imports

pytestmark = pytest.mark.terminal

EIO = "source: Input/output error"
FULL = "archive: File too large"
LISTING = "cannot be listed: Permission denied"

GROUPS = [
    FailureGroup(
        cause=EIO,
        count=900,
        stage="read",
        attempts=3,
        advice="Try another card reader, then retry.",
        newest="DCIM/100GOPRO/GX020117.MP4",
    ),
    FailureGroup(
        cause=FULL,
        count=2,
        stage="copy",
        attempts=1,
        advice="Check the archive's disk, then retry.",
        newest="a.mov",
    ),
    FailureGroup(
        cause=LISTING, count=1, stage="list", attempts=0, advice="Give yourself the right.", newest="deep"
    ),
]


def failure(number: int, cause: str = EIO, **changed: object) -> Failure:
    values: dict[str, object] = {
        "id": number,
        "path": f"/Volumes/C003/DCIM/100GOPRO/GX{number:06}.MP4",
        "size": 4_000_000_000,
        "stage": "read",
        "attempts": 3,
        "cause": cause,
    }
    return Failure(**(values | changed))  # type: ignore[arg-type]


def failing() -> Fake:
    fake = engine()
    fake.groups = list(GROUPS)
    fake.failed = [*(failure(number) for number in range(1, 901)), failure(901, FULL), failure(902, FULL)]
    return fake


async def shown(app: Running) -> None:
    await opened(app, "w")
    await app.until(lambda: "CAUSES, 903 files" in app.text and "FILES, 900" in app.text)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_it_looks_as_it_should(size: tuple[int, int]) -> None:
    async with running(None, size, fake=failing()) as app:
        await shown(app)
        assert isinstance(app.app.screen, Failures)
        assert pictures.same(app.app, f"failures-{size[0]}x{size[1]}")


async def test_a_cause_is_retried_and_a_file_and_all() -> None:
    async with running(None, fake=failing()) as app:
        await shown(app)
        await app.press("j", "r")
        assert ("retry", C003.id, FULL, ()) in app.fake.asked
        assert "2 files tried again." in app.foot
        await app.until(lambda: "FILES, 2" in app.text)
        await app.press("enter", "j", "r")
        assert ("retry", C003.id, "", (902,)) in app.fake.asked
        assert "1 file tried again." in app.foot
        await app.press("a")
        assert ("retry", C003.id, "", ()) in app.fake.asked
        await app.press("escape")
        assert isinstance(app.app.screen, Failures)
        await app.press("escape")
        assert isinstance(app.app.screen, Imports)


async def test_the_full_path_is_copied() -> None:
    async with running(None, fake=failing()) as app:
        await shown(app)
        await app.press("2", "end")
        await app.until(lambda: "GX000900" in app.text)
        await app.press("y")
        assert app.app.clipboard == "/Volumes/C003/DCIM/100GOPRO/GX000900.MP4"
        pages = [asked[-1] for asked in app.fake.asked if asked[0] == "failures"]
        assert 800 in pages
        assert 400 not in pages, "pages in between are not fetched"


async def test_what_cannot_be_retried_says_why() -> None:
    fake = failing()
    fake.records = [record(1, state="cancelled", failed=903)]
    fake.newest = moments.EMPTY
    async with running(None, fake=fake) as app:
        await app.press("i")
        await app.until(lambda: "IMPORTS, 1" in app.text)
        await app.press("r")
        assert "It was cancelled" in app.foot
        await app.press("w")
        await app.until(lambda: "FILES, 900" in app.text)
        await app.press("a")
        assert "It was cancelled" in app.foot


async def test_a_retry_that_fails_is_told() -> None:
    async with running(None, fake=failing()) as app:
        await shown(app)
        app.fake.fault = SourceError("/Volumes/C003 cannot be read.", "Check the path.")
        await app.press("r")
        assert "/Volumes/C003 cannot be read." in app.foot


async def test_nothing_has_failed() -> None:
    fake = engine()
    async with running(None, fake=fake) as app:
        await opened(app, "G", "w")
        assert "Nothing has failed." in app.foot
        await app.press("r")
        assert "Nothing has failed." in app.foot


async def test_a_done_import_is_retried_from_the_list() -> None:
    fake = failing()
    fake.records = [*RECORDS[:5], record(6, failed=2)]
    fake.newest = moments.EMPTY
    async with running(None, fake=fake) as app:
        await opened(app, "r")
        assert ("retry", fake.records[5].id, "", ()) in fake.asked


async def test_the_list_follows_the_import() -> None:
    async with running(None, fake=failing()) as app:
        await shown(app)
        app.fake.groups = GROUPS[1:]
        await app.push(moments.DONE)
        await app.until(lambda: "CAUSES, 3 files" in app.text and "FILES, 2" in app.text)
        app.fake.groups = []
        await app.push(moments.SAFE)
        await app.until(lambda: "Nothing has failed." in app.text and "None." in app.text)


async def test_hostile_names_do_nothing() -> None:
    fake = failing()
    evil = HOSTILE + "[/x][@click=app.exit]"
    fake.groups = [FailureGroup(cause=evil, count=1, stage=evil, attempts=1, advice=evil, newest=evil)]
    fake.failed = [failure(1, evil, path=evil, stage=evil)]
    async with running(None, fake=fake) as app:
        await opened(app, "w")
        await app.until(lambda: "FILES, 1" in app.text)
        assert not EVIL & set(app.text)
        await app.press("enter", "y")
        assert not EVIL & set(app.text)


@pytest.mark.parametrize("dead", [0, 1, 3])
async def test_background_jobs_that_failed_are_told_beside_files_that_did_not(dead: int) -> None:
    fake = failing()
    fake.newest = moment(queues=(*QUEUES[:-1], changed(QUEUES[-1], dead=dead)))
    told = {0: "", 1: "1 background job failed: dashboard, 5", 3: "3 background jobs failed: dashboard, 5"}[dead]
    async with running(None, fake=fake) as app:
        await opened(app, "G", "w")
        assert (f"No file has failed. {told}." if dead else "Nothing has failed.") in app.foot
        await app.press("g", "w")
        assert isinstance(app.app.screen, Failures)
        await app.until(lambda: "CAUSES, 903 files" in app.text)
        head = next(row for row in app.text.splitlines() if "CAUSES" in row)
        assert told in head
        assert ("background" in head) == bool(dead)


@pytest.mark.parametrize("imports", [(), (A001,), (changed(C003, state=State.CANCELLED),)], ids=len)
@pytest.mark.parametrize("enlarge", [(), ("enter",)], ids=["small", "enlarged"])
async def test_background_work_of_a_cause_is_retried_whatever_became_of_imports(
    imports: tuple[ImportView, ...], enlarge: tuple[str, ...]
) -> None:
    group = ErrorGroup(
        import_id="", queue="thumbnail", cause="it is no picture.", advice="Retry.", count=3, newest="a.jpg"
    )
    async with running(moment(imports=imports, errors=(group,))) as app:
        await app.press("5", *enlarge, "r")
        assert ("retry", "thumbnail") in app.fake.asked
        assert "3 jobs of thumbnail tried again." in app.foot
