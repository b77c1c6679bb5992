"""The journals of two copies of an archive, where a mirror meets lines that one lacks, has twice, or has torn."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.journal.journal_format import sealed
from core.maintenance import mirror_records
from core.workers import batch_messages
from core.workers.pool import Worker
from tests.core.importing.rig import Rig, random_bytes, write
from tests.core.maintenance.mirroring import (
    filled,
    mirrored,
    mirrored_both,
)

pytestmark = pytest.mark.process


async def test_into_the_archive_that_is_imported_into(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an import has published, and not yet committed, is left to it."""
    await filled(rig)
    copy = rig.root / "backup"
    await mirrored(rig.engine, rig.archive, copy)
    reached, gate, ask = asyncio.Event(), asyncio.Event(), Worker.ask

    async def late(self: Worker, request: object, wanted: type) -> object:
        answer: object = await ask(self, request, wanted)  # type: ignore[arg-type]
        if isinstance(request, batch_messages.Publish) and not reached.is_set():
            reached.set()
            await gate.wait()
        return answer

    monkeypatch.setattr(Worker, "ask", late)
    write(rig.source / "new.jpg", random_bytes(3000, 50))
    name = await rig.begun()
    await reached.wait()
    back, forth = await mirrored_both(rig.engine, rig.archive, copy)
    gate.set()
    assert (await rig.ended(name)).archived.files == 1
    assert await rig.engine.database.read("SELECT path FROM item GROUP BY path HAVING count(*) > 1") == []
    assert (back.lacking, forth.lacking) == ((), ())
    result = await mirrored(rig.engine, rig.archive, copy)
    assert (result.held, result.total.files, result.lacking) == (result.total, 5, ())


async def test_two_mirrors_into_one_copy_at_the_same_moment(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other: neither appends to a journal what the other one does."""
    await filled(rig)
    third, copy, link = rig.root / "third", rig.root / "backup", rig.root / "link"
    await mirrored(rig.engine, rig.archive, third)
    await mirrored(rig.engine, rig.archive, copy)
    (journal,) = rig.journals()
    for archive in (rig.archive, third):
        with (archive / journal.relative_to(rig.archive)).open("ab") as file:
            file.write(sealed({"accepted": 1.0, "by": "me"}))
    link.symlink_to(copy)
    append, appending = mirror_records.RecordCopier._append, asyncio.Event()

    async def late(self: mirror_records.RecordCopier, path: str, lines: AsyncIterator[bytes]) -> None:
        if not appending.is_set():
            appending.set()
            await asyncio.sleep(1)  # for the other one
        await append(self, path, lines)

    monkeypatch.setattr(mirror_records.RecordCopier, "_append", late)
    pairs = (rig.archive, copy), (rig.archive, link), (third, copy)
    results = await asyncio.gather(*(mirrored(rig.engine, *pair) for pair in pairs))
    assert [result.lacking for result in results] == [(), (), ()]
    assert (copy / journal.relative_to(rig.archive)).read_bytes() == journal.read_bytes()


async def test_journals_grow_and_part(rig: Rig) -> None:
    """What was added to one is added to the copy's; where both went on apart, it is named, and both stay."""
    await filled(rig)
    copy = rig.root / "backup"
    await mirrored(rig.engine, rig.archive, copy)
    (journal,) = rig.journals()
    there = copy / journal.relative_to(rig.archive)
    with journal.open("ab") as file:
        file.write(sealed({"accepted": 1.0, "by": "me"}) + b"torn")
    result = await mirrored(rig.engine, rig.archive, copy)
    assert (result.others, result.lacking_count) == (1, 0)
    assert journal.read_bytes() == there.read_bytes() + b"torn", "only whole lines"
    with there.open("ab") as file:
        file.write(sealed({"accepted": 2.0, "by": "you"}))
    before = there.read_bytes()
    with journal.open("ab") as file:
        file.write(b"\n" + sealed({"accepted": 3.0, "by": "me"}))
    result = await mirrored(rig.engine, rig.archive, copy)
    assert "another journal" in result.lacking[0][1]
    assert there.read_bytes() == before


@pytest.mark.parametrize("fault", ["torn", "doubled", "joined twice", "doubled in pieces"])
async def test_a_journal_that_a_power_cut_has_left_in_the_copy(rig: Rig, fault: str) -> None:
    """What is torn there, or there twice, is no other journal: what lacks is added behind it."""
    await filled(rig)
    copy = rig.root / "backup"
    await mirrored(rig.engine, rig.archive, copy)
    (journal,) = rig.journals()
    there = copy / journal.relative_to(rig.archive)
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) > 5
    left = {
        "torn": [*lines[:-2], lines[-2][:-7]],
        "doubled": [*lines, *lines],
        "joined twice": [*lines, *lines[2:]],
        "doubled in pieces": [*lines[:3], *lines[:3], *lines[3:-1], *lines[3:-1]],
    }
    there.write_bytes(b"".join(left[fault]))
    for number in range(2):
        for brought in (1, 0):
            before = there.read_bytes()
            result = await mirrored(rig.engine, rig.archive, copy)
            assert result.lacking == ()
            assert (there.read_bytes() != before) is (
                brought == 1 and (number == 1 or lines[-1] not in left[fault])
            )
        with journal.open("ab") as file:
            file.write(sealed({"accepted": float(number), "by": "me"}))
    await mirrored(rig.engine, rig.archive, copy)
    (row,) = await rig.engine.catalog.imports()
    await rig.restarted("new home")
    await rig.engine.maintenance.rebuild(str(copy))
    (again,) = await rig.engine.catalog.imports()
    assert (again.name, again.state, again.verdict) == (row.name, row.state, row.verdict)
    assert set(there.read_bytes().splitlines()) >= set(journal.read_bytes().splitlines())
    # A line of another import is one all the same, wherever it stands.
    there.write_bytes(b"".join([*lines[:2], sealed({"accepted": 9.0, "by": "you"}), *lines[2:]]))
    await rig.restarted("third home")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    assert "another journal" in (await mirrored(rig.engine, rig.archive, copy)).lacking[0][1]


async def test_a_torn_line_that_the_other_copy_never_had(rig: Rig) -> None:
    """As in a copy that was brought from another one."""
    await filled(rig)
    copy = rig.root / "backup"
    await mirrored(rig.engine, rig.archive, copy)
    (journal,) = rig.journals()
    there = copy / journal.relative_to(rig.archive)
    *lines, last = journal.read_bytes().splitlines(keepends=True)
    torn, more = lines[3][:-9] + b"\n", sealed({"accepted": 1.0, "by": "me"})
    journal.write_bytes(b"".join([*lines[:3], torn, *lines[3:], last, more]))
    for brought in (1, 0):
        result = await mirrored(rig.engine, rig.archive, copy)
        assert (result.others, result.lacking) == (brought, ())
    assert there.read_bytes() == b"".join([*lines, last, more])
    # A line that is damaged is not torn: the copy's is another one.
    journal.write_bytes(b"".join([*lines[:3], torn, *lines[4:], last, more]))
    result = await mirrored(rig.engine, rig.archive, copy)
    assert "another journal" in result.lacking[0][1]
