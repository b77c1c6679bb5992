"""Journals that were cut, damaged, or never made any sense."""

import os

import pytest

from core.archives.archive import Archive
from core.errors import ArchiveError
from core.journal import journal_format
from core.models import Outcome, State, Verdict
from tests.core.importing.rig import Rig, write

pytestmark = pytest.mark.process


@pytest.mark.parametrize("cut", [1, 20, 200])
async def test_a_torn_last_line(rig: Rig, cut: int) -> None:
    for number in range(5):
        write(rig.source / f"{number}.jpg", b"%d" % number)
    await rig.imported()
    (path,) = rig.journals()
    os.truncate(path, path.stat().st_size - cut)
    await rig.restarted("fresh home")
    view = await rig.imported()
    assert (view.archived.files + view.duplicate.files, view.verdict) == (5, Verdict.SAFE)
    assert view.archived.files == (cut > 150)
    first = (await rig.engine.catalog.imports())[0]
    assert first.state == State.PAUSED
    # It can be taken up, and its journal stays readable.
    view = await rig.resumed(first.name)
    assert (view.state, view.verdict, view.seen.files) == (State.DONE, Verdict.SAFE, 5)
    lines = [line for line in path.read_bytes().splitlines() if line]
    assert sum(journal_format.unsealed(line) is None for line in lines) <= 1


async def test_a_damaged_line(rig: Rig) -> None:
    for number in range(5):
        write(rig.source / f"{number}.jpg", b"%d" % number)
    view = await rig.imported()
    (path,) = rig.journals()
    lines = path.read_bytes().splitlines(keepends=True)
    index = next(index for index, line in enumerate(lines) if b'"3.jpg"' in line)
    lines[index] = lines[index].replace(b"3.jpg", b"X.jpg")
    path.write_bytes(b"".join(lines))
    await rig.restarted("fresh home")
    await rig.imported(write(rig.root / "other/z.jpg", b"z").parent)
    assert set(await rig.rows(view.id)) == {b"0.jpg", b"1.jpg", b"2.jpg", b"4.jpg"}
    # Its payload is there, but nobody knows of it: it is found equal, and taken.
    again = await rig.imported()
    assert (again.archived.files, again.duplicate.files) == (1, 4)
    assert len(rig.contents()) == 6


@pytest.mark.parametrize("text", [b"", b"rubbish\n", b'{"import":"x"}\n', b"\xff\xfe\x00\n" * 10])
async def test_a_journal_of_rubbish(rig: Rig, text: bytes) -> None:
    await rig.imported()
    write(rig.archive / ".lading/imports/rubbish.jsonl", text)
    write(rig.source / "a.jpg", b"a")
    assert (await rig.imported()).archived.files == 1


async def test_lines_that_make_no_sense(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    view = await rig.imported()
    (path,) = rig.journals()
    lines = path.read_bytes().splitlines(keepends=True)
    good = journal_format.unsealed(next(line for line in lines if b'"file"' in line))
    assert good is not None
    bad: list[dict[str, object]] = [
        {"file": "no digest.jpg", "outcome": "archived", "size": 1, "mtime_ns": 1, "payload": "x"},
        {**good, "file": "%zz"},
        {**good, "file": "odd.jpg", "outcome": "eaten"},
        {**good, "file": "odd.jpg", "size": "many"},
        {**good, "file": "odd.jpg", "payload": "../../outside.jpg"},
        {**good, "file": "odd.jpg", "payload": "locations/../../outside.jpg"},
        {"folder": 7},
        {"entry": None, "outcome": "skipped"},
    ]
    lines[-1:-1] = [journal_format.sealed(line) for line in bad]
    path.write_bytes(b"".join(lines))
    await rig.restarted("fresh home")
    await rig.imported(write(rig.root / "other/z.jpg", b"z").parent)
    assert set(await rig.rows(view.id)) <= {b"a.jpg", b"no digest.jpg"}
    assert (await rig.rows(view.id))[b"a.jpg"].outcome is Outcome.ARCHIVED


async def test_a_journal_of_another_archive(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    await rig.imported()
    (foreign,) = rig.journals()
    rig.archive = rig.root / "second"
    await rig.imported(write(rig.root / "other/z.jpg", b"z").parent)
    write(rig.archive / ".lading/imports" / foreign.name, foreign.read_bytes())
    await rig.restarted("fresh home")
    await rig.imported(rig.root / "other")
    assert foreign.stem not in {row.name for row in await rig.engine.catalog.imports()}


async def test_a_damaged_archive_toml(rig: Rig) -> None:
    await rig.imported()
    write(rig.archive / ".lading/archive.toml", b"id = ")
    with pytest.raises(ArchiveError, match="is damaged"):
        await rig.begun()
    with pytest.raises(ArchiveError, match="there is no archive"):
        await Archive.open(str(rig.root / "nowhere"), rig.engine.pool, rig.engine.catalog, create=False)
