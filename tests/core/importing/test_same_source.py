"""An import that stood still goes on with the source that it began with, and with no other in its place."""

import errno
import os
import shutil
from collections.abc import Awaitable, Callable

import pytest

from core.catalog import Selection
from core.importing import same_content, same_source, verdict
from core.importing.halt_reasons import HaltError
from core.importing.import_run import Run
from core.importing.keep_reasons import KEEP_REASONS, said
from core.importing.scan import AskWorker
from core.models import Outcome, Side, State, Verdict, Waits
from core.snapshot import ImportView
from core.volumes import find_volume
from core.volumes.filesystems import StorageKind
from core.volumes.find_volume import VolumeFinder
from core.volumes.mounts import Mount
from core.workers.messages import Fault, Place, Source
from tests.core.importing.rig import Rig, Row, expected, photos, random_bytes, videos, write

pytestmark = pytest.mark.process

COUNT, FILMS = 100, 12
SLOW = 20_000_000
"""Bytes read in a second: some films are still to do when the first files are archived."""


def fill(rig: Rig) -> None:
    photos(rig.source, COUNT)
    for number in range(FILMS):
        os.truncate(write(rig.source / f"{number}.mov", bytes([number])), 9 << 20)
    rig.engine.factory.read_limit = SLOW


async def left(rig: Rig) -> ImportView:
    """An import that has lost its source in the middle; that lies beside now."""
    fill(rig)
    name = await rig.begun()
    await rig.until(lambda: rig.view(name).archived.files > 0)
    os.rename(rig.source, rig.root / "away")
    at_full_speed(rig)
    view = await rig.ended(name)
    assert (view.state, view.waits) == (State.PAUSED, Waits.SOURCE)
    assert view.todo.files > 0
    return view


def at_full_speed(rig: Rig) -> None:
    """What is still being read, and what is read from here on, is no longer slowed down."""
    rig.engine.factory.read_limit = 0


def put_twin(rig: Rig) -> None:
    """Another source in its place with equal names, sizes and times, with other content."""
    twin = rig.root / "twin"
    for number in range(COUNT):
        write(twin / f"{number:04}.jpg", random_bytes(20_000, 10_000 + number))
    for number in range(FILMS):
        os.truncate(write(twin / f"{number}.mov", bytes([100 + number])), 9 << 20)
    for path in (rig.root / "away").iterdir():
        shutil.copystat(path, twin / path.name)
    os.rename(twin, rig.source)


def put_another(rig: Rig) -> None:
    """Another source with the same names in its place, with other content."""
    for number in range(COUNT):
        write(rig.source / f"{number:04}.jpg", random_bytes(20_000, 10_000 + number))
    for number in range(FILMS):
        write(rig.source / f"{number}.mov", random_bytes(1000, 20_000 + number))


async def settled(rig: Rig, name: str) -> dict[bytes, Row]:
    return {path: row for path, row in (await rig.rows(name)).items() if row.outcome is not Outcome.TODO}


async def is_left(rig: Rig, name: str, told: str) -> ImportView:
    """It is left paused for this reason, and tries nothing by itself."""
    await rig.until(lambda: rig.view(name).state is State.PAUSED and "began with" in rig.view(name).reason)
    view = await rig.ended(name)
    assert told in view.reason
    assert f"lading cancel {name}" in view.advice
    assert (view.waits, name in rig.engine.imports.waiting, rig.engine.imports.running) == (
        Waits.NOTHING,
        False,
        0,
    )
    return view


Found = tuple[bytes, Fault | None]


def unreadable(side: Waits) -> Callable[..., Awaitable[list[Found]]]:
    """Blocks of files of which none can be read on this side."""

    async def read(ask: AskWorker, run: Run, place: Place, wanted: list[object], waits: Waits) -> list[Found]:
        fault = Fault(Side.UNKNOWN, "Input/output error", errno.EIO) if waits is side else None
        return [(b"", fault) for _ in wanted]

    return read


@pytest.mark.promise(26)
async def test_it_does_not_go_on_by_itself_with_another_one(rig: Rig) -> None:
    name = (await left(rig)).id
    before = await rig.rows(name)
    put_another(rig)
    view = await is_left(rig, name, "with another size or time")
    assert view.level == "medium", "what was archived before was read back"
    # Nor when a person asks for it, with the same engine or another.
    await rig.engine.imports.resume_import(name)
    await is_left(rig, name, "with another size or time")
    await rig.restarted()
    await rig.engine.imports.resume_import(name)
    view = await is_left(rig, name, "with another size or time")
    assert await rig.rows(name) == before, "nothing that was known of the first one is lost"
    shutil.rmtree(rig.source)
    os.rename(rig.root / "away", rig.source)
    view = await rig.resumed(name)
    assert (view.verdict, view.seen.files) == (Verdict.SAFE, COUNT + FILMS)
    assert rig.contents() == expected(rig.source)


@pytest.mark.promise(26)
async def test_another_one_with_equal_names_sizes_and_times(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A camera whose clock was never set, or a file system without times, and pictures without compression."""
    name = (await left(rig)).id
    before = await rig.rows(name)
    put_twin(rig)
    view = await is_left(rig, name, "with other content, although size and time are the same")
    assert "lading audit" in view.advice
    assert await rig.rows(name) == before
    # What cannot be read says nothing about it.
    for side, where in (Waits.SOURCE, "there"), (Waits.ARCHIVE, "in the archive"):
        with monkeypatch.context() as patched:
            patched.setattr(same_content, "_read", unreadable(side))
            await rig.engine.imports.resume_import(name)
            await is_left(rig, name, f"none could be read {where}")
    assert await rig.rows(name) == before
    shutil.rmtree(rig.source)
    os.rename(rig.root / "away", rig.source)
    view = await rig.resumed(name)
    assert (view.verdict, view.seen.files) == (Verdict.SAFE, COUNT + FILMS)
    assert rig.contents() == expected(rig.source)


@pytest.mark.control(26)
async def test_it_would_be_safe_if_no_content_was_compared(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    name = (await left(rig)).id
    monkeypatch.setattr(same_content, "SAMPLES", 0)
    put_twin(rig)
    await rig.until(lambda: rig.view(name).state is State.DONE)
    assert (await rig.ended(name)).verdict is Verdict.SAFE
    assert not expected(rig.root / "away") <= rig.contents()


@pytest.mark.control(26)
async def test_what_is_damaged_in_the_archive_says_nothing_about_the_source(rig: Rig) -> None:
    name = (await left(rig)).id
    payload = list(rig.archive.glob("locations/*/data/*/*/*"))
    for path in payload:
        path.write_bytes(b"x" * path.stat().st_size)
    os.rename(rig.root / "away", rig.source)
    await is_left(rig, name, "with other content")
    await rig.engine.maintenance.audit(str(rig.archive), lambda done, total: None)
    view = await rig.resumed(name)
    assert (view.state, view.verdict) == (State.DONE, Verdict.KEEP)
    assert said(len(payload), KEEP_REASONS["missing"]) in view.verdict_reason


@pytest.mark.control(26)
async def test_it_would_go_on_if_nobody_looked(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    name = (await left(rig)).id
    before = await settled(rig, name)

    async def nobody(run: Run, *, paused: bool = False) -> None:
        """Looks."""

    monkeypatch.setattr(same_source, "check", nobody)
    put_another(rig)
    await rig.until(lambda: rig.view(name).state is State.DONE)
    view = await rig.ended(name)
    assert not expected(rig.root / "away") <= rig.contents()
    # The verdict sees it still: what was settled is as it was.
    assert view.verdict is Verdict.KEEP
    assert "changed since it was archived" in view.verdict_reason
    assert (await settled(rig, name)).items() >= before.items()


@pytest.mark.promise(26)
async def test_what_was_archived_is_gone(rig: Rig) -> None:
    name = (await left(rig)).id
    archived = await settled(rig, name)
    for path in archived:
        (rig.root / "away" / os.fsdecode(path)).unlink()
    os.rename(rig.root / "away", rig.source)
    await is_left(rig, name, f"of the {len(archived)} archived from it, {len(archived)} gone (such as ")
    await rig.engine.imports.cancel_import(name)
    view = await rig.ended(name)
    assert (view.state, view.verdict) == (State.CANCELLED, Verdict.KEEP)
    # What is left there is another import's.
    assert (await rig.imported()).verdict is Verdict.SAFE


@pytest.mark.promise(26)
async def test_a_paused_one_whose_source_is_swapped(rig: Rig) -> None:
    """The engine keeps its place: nothing is listed anew but for this."""
    fill(rig)
    name = await rig.begun()
    await rig.until(lambda: rig.view(name).archived.files > 0 and rig.view(name).listed)
    await rig.engine.imports.pause_import(name)
    at_full_speed(rig)
    put_another(rig)
    await rig.engine.imports.resume_import(name)
    await is_left(rig, name, "with another size or time")


async def listed(rig: Rig) -> str:
    """An import that is paused before anything is archived; its id."""
    size = videos(rig)
    name = await rig.begun()
    await rig.until(lambda: rig.view(name).listed)
    await rig.engine.imports.pause_import(name)
    assert (rig.view(name).archived.files, rig.view(name).todo.bytes) == (0, size)
    return name


@pytest.mark.promise(26)
async def test_as_long_as_nothing_is_archived_what_was_listed_counts(rig: Rig) -> None:
    name = await listed(rig)
    (rig.source / "1.mov").unlink()
    for number in (2, 3):
        write(rig.source / f"{number}.mov", b"another")
    await rig.engine.imports.resume_import(name)
    await is_left(
        rig,
        name,
        "of the 4 listed from it, 1 gone (such as 1.mov), 2 with another size or time (such as 2.mov)",
    )


@pytest.mark.control(26)
async def test_until_something_is_archived_a_person_may_tidy_up(rig: Rig) -> None:
    name = await listed(rig)
    (rig.source / "2.mov").unlink()
    write(rig.source / "3.mov", b"another")
    view = await rig.resumed(name)
    assert (view.state, view.archived.files) == (State.DONE, 3)
    assert rig.contents() == expected(rig.source)
    assert view.verdict is Verdict.KEEP, "what is gone was never archived"
    assert (await settled(rig, name))[b"2.mov"].outcome is Outcome.FAILED


@pytest.mark.usefixtures("bound")
@pytest.mark.promise(26)
async def test_a_retry_of_one_that_is_done(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    file = write(rig.source / "b.jpg", b"b")
    file.chmod(0)
    name = (await rig.imported()).id
    shutil.rmtree(rig.source)
    write(rig.source / "b.jpg", b"of another card")
    await rig.engine.imports.retry_import(name, Selection())
    await is_left(rig, name, "of the 1 archived from it, 1 gone (such as a.jpg)")
    assert len(rig.payload()) == 1


async def all_failed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> str:
    """A paused import of which every entry has failed; its id."""
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        write(rig.source / name, name.encode()).chmod(0)
    write(rig.source / "folder/d.jpg", b"d").parent.chmod(0)

    async def broken(run: Run, whole: Source, root: bytes, only: bytes) -> tuple[Verdict, str]:
        raise HaltError("the receipt cannot be written", "Resume it.")

    with monkeypatch.context() as patch:
        patch.setattr(verdict, "verdict", broken)
        view = await rig.imported()
    assert (view.state, view.failed.files, view.seen.files) == (State.PAUSED, 4, 4)
    return view.id


@pytest.mark.usefixtures("bound")
@pytest.mark.promise(26)
async def test_what_has_failed_counts_when_nothing_is_archived(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    name = await all_failed(rig, monkeypatch)
    os.rename(rig.source, rig.root / "away")
    for other in ("a.jpg", "b.jpg", "c.jpg"):
        write(rig.source / other, b"of another card")
    before = await rig.rows(name)
    await rig.engine.imports.resume_import(name)
    await is_left(
        rig, name, "of the 4 listed from it, 1 gone (such as folder), 3 with another size or time (such as a.jpg)"
    )
    assert await rig.rows(name) == before


@pytest.mark.usefixtures("bound")
@pytest.mark.control(26)
async def test_what_has_failed_may_be_mended(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    name = await all_failed(rig, monkeypatch)
    for path in rig.source.iterdir():
        path.chmod(0o755)
    view = await rig.resumed(name)
    assert (view.verdict, view.archived.files, view.failed.files) == (Verdict.SAFE, 4, 0)


@pytest.fixture
def deleted_at_the_end(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """All that was archived is deleted from the source before the verdict."""

    def arrange() -> None:
        before: Callable[[Run, Source, bytes, bytes], Awaitable[tuple[Verdict, str]]] = verdict.verdict

        async def after(run: Run, whole: Source, root: bytes, only: bytes) -> tuple[Verdict, str]:
            (rig.source / "0000.jpg").unlink()
            return await before(run, whole, root, only)

        monkeypatch.setattr(verdict, "verdict", after)

    return arrange


@pytest.mark.promise(26)
async def test_the_verdict_is_about_all_that_was_ever_settled(
    rig: Rig, deleted_at_the_end: Callable[[], None]
) -> None:
    name = (await left(rig)).id
    deleted_at_the_end()
    os.rename(rig.root / "away", rig.source)
    await rig.until(lambda: rig.view(name).state is State.DONE)
    view = await rig.ended(name)
    assert view.verdict is Verdict.KEEP
    assert view.verdict_reason == "1 was archived and is gone, or differs by now (such as 0000.jpg)"


@pytest.mark.control(26)
async def test_one_that_never_stood_still(rig: Rig, deleted_at_the_end: Callable[[], None]) -> None:
    """A person may delete what is archived: nothing is lost."""
    photos(rig.source, 3)
    deleted_at_the_end()
    assert (await rig.imported()).verdict is Verdict.SAFE


def _mount(path: str, device: str) -> Mount:
    return Mount(mount=path, device=device, filesystem="exfat", kind=StorageKind.LOCAL, read_only=False)


@pytest.mark.parametrize("old", ["uuid:1234-ABCD", "dev:/dev/null:exfat:1000"])
@pytest.mark.promise(26)
def test_an_old_place_that_is_mounted_still_is_not_bypassed(monkeypatch: pytest.MonkeyPatch, old: str) -> None:
    """Two cards with one UUID: udev names only one of them, the other one's identity is its device."""
    first, second = _mount("/media/first", "/dev/null"), _mount("/media/second", "/dev/zero")
    here = {first: old, second: "uuid:1234-ABCD"}

    monkeypatch.setattr(find_volume, "mounts", lambda: list(here))
    monkeypatch.setattr(find_volume, "identify", lambda mount: here[mount])
    places = VolumeFinder().places
    assert places("uuid:1234-ABCD", b"DCIM", 0.0, b"/media/first/DCIM") == [b"/media/first/DCIM"]
    # Once it is not, the volume is wherever one says that it is it.
    del here[first]
    assert places("uuid:1234-ABCD", b"DCIM", 0.0, b"/media/first/DCIM") == [b"/media/second/DCIM"]
    # A card of another identity at the old place is no reason to wait.
    here[first] = "uuid:9999-0000"
    assert places("uuid:1234-ABCD", b"DCIM", 0.0, b"/media/first/DCIM") == [b"/media/second/DCIM"]
