"""What of a drive is not in the archive is found by content, whatever it is called."""

import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from core.errors import SourceError
from core.maintenance.source_reader import SourceReader
from core.models import Count
from core.results import CheckResult
from core.workers.source_messages import Entry
from tests.core.importing.rig import Rig, random_bytes, write

pytestmark = pytest.mark.process


async def missing(rig: Rig, source: Path) -> tuple[CheckResult, dict[bytes, str]]:
    told: dict[bytes, str] = {}
    reports: list[tuple[Count, Count]] = []

    async def tell(found: list[tuple[bytes, str]]) -> None:
        told.update(found)

    def progress(done: Count, total: Count) -> None:
        reports.append((done, total))

    result = await rig.engine.restore_check.missing(str(source), str(rig.archive), progress, tell)
    assert result.files_count >= len(told)
    done, total = reports[-1]
    assert done == total
    assert total.files >= result.safe.files
    return result, told


async def test_by_content_whatever_the_name(rig: Rig, tmp_path: Path) -> None:
    for number in range(4):
        write(rig.source / f"DCIM/{number}.jpg", random_bytes(3000, number))
    write(rig.source / "clip.mov", random_bytes(9 << 20, 9))
    view = await rig.imported()
    drive = tmp_path / "drive"
    write(drive / "renamed/one.jpg", random_bytes(3000, 1))
    write(drive / "a copy of one.jpg", random_bytes(3000, 1))
    write(drive / "clip.mov", random_bytes(9 << 20, 9))
    write(drive / "DCIM/2.jpg", random_bytes(3000, 22))
    write(drive / ".DS_Store", b"litter")
    strange = drive / os.fsdecode(b"caf\xe9\tnew\nline.jpg")
    write(strange, b"new")
    before = {path: path.stat().st_mtime_ns for path in (*drive.rglob("*"), *rig.archive.rglob("*"))}
    result, told = await missing(rig, drive)
    assert told == {os.fsencode(drive / "DCIM/2.jpg"): "", os.fsencode(strange): ""}
    assert (result.safe.files, result.files_count, result.junk) == (3, 2, 1)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    # What is no longer there, or damaged, the archive lacks.
    os.unlink(rig.archive / (await rig.rows(view.id))[b"DCIM/1.jpg"].payload)
    _, told = await missing(rig, drive)
    assert {path.rpartition(b"/")[2] for path in told} >= {b"one.jpg", b"a copy of one.jpg", b"2.jpg"}
    # The archive's own source lacks only that.
    result, told = await missing(rig, rig.source)
    assert list(told) == [os.fsencode(rig.source / "DCIM/1.jpg")]


async def test_what_cannot_be_read_or_listed_is_told(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(rig.source / "a.jpg", b"a")
    await rig.imported()
    with pytest.raises(SourceError):
        await missing(rig, tmp_path / "nowhere")
    write(rig.source / "b.jpg", b"b")
    (rig.source / "link.jpg").symlink_to("a.jpg")
    entries = SourceReader.entries

    async def with_another(reader: SourceReader) -> AsyncGenerator[list[Entry], None]:
        async for page in entries(reader):
            yield [*page, Entry(b"aside", "failed", 0, 0, "other", b"aside", "cannot be listed: it is locked")]

    monkeypatch.setattr(SourceReader, "entries", with_another)
    result, told = await missing(rig, rig.source)
    assert told == {
        os.fsencode(rig.source / "b.jpg"): "",
        os.fsencode(rig.source / "aside"): "cannot be listed: it is locked",
    }
    assert dict(result.reasons) == {
        "are not in the archive": 1,
        "could not be listed": 1,
        "symbolic links: recorded with their targets, but not copied (--accept links)": 1,
    }
