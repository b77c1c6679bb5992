"""Journals in one file, and in the parts that a network gets."""

import os
import time

import msgspec
import pytest

from core import archive_layout
from core.files import in_use
from core.workers import archive_messages, journal_files, messages, text_messages
from core.workers.archive_files import append_journal
from core.workers.dir_fds import Folders
from core.workers.messages import Place
from core.workers.open_archive import open_archive
from tests.core.importing.rig import write
from tests.core.workers.rig import Rig

pytestmark = pytest.mark.process

NAME = "1.jsonl"
PATH = f"{archive_layout.JOURNALS}/{NAME}"
HOUR, YEAR = 3600 * 10**9, 365 * 86_400 * 10**9


@pytest.fixture
async def server(rig: Rig) -> Place:
    """The archive as if it were on a network."""
    return msgspec.structs.replace(rig.place, level="server", network=True)


async def ask(rig: Rig, *requests: messages.Request) -> None:
    async with rig.pool.worker() as worker:
        for request in requests:
            await worker.ask(request, messages.Done)


async def text(rig: Rig, at: int = 0) -> bytes:
    """The journal from `at`, asked for until nothing comes."""
    found = b""
    async with rig.pool.worker() as worker:
        while True:
            request = text_messages.ReadText(rig.place, PATH, at + len(found), 5)
            data = (await worker.ask(request, text_messages.TextRead)).data
            if not data:
                return found
            found += data


async def sizes(rig: Rig) -> list[tuple[str, int]]:
    async with rig.pool.worker() as worker:
        return (
            await worker.ask(
                text_messages.JournalNames(rig.place, archive_layout.JOURNALS), archive_messages.NamesCounted
            )
        ).names


def files(rig: Rig) -> list[str]:
    return sorted(path.name for path in (rig.archive / archive_layout.JOURNALS).iterdir())


async def test_a_torn_line_damages_no_other(rig: Rig) -> None:
    await ask(
        rig,
        text_messages.AppendJournal(rig.place, PATH, b"one\n", flush=True),
        text_messages.AppendJournal(rig.place, PATH, b"tw"),
        text_messages.AppendJournal(rig.place, PATH, b"three\n"),
    )
    assert await text(rig) == b"one\ntw\nthree\n"
    assert files(rig) == [NAME]
    assert await sizes(rig) == [(NAME, 13)]


async def test_parts_are_read_as_one(rig: Rig, server: Place) -> None:
    for data in (b"one\n", b"tw", b"three\n"):
        await ask(rig, text_messages.AppendJournal(server, PATH, data, flush=True))
    assert len(files(rig)) == 3
    whole = await text(rig)
    assert whole.split() == [b"one", b"tw", b"three"]
    assert await text(rig, 4) == whole[4:]
    assert await sizes(rig) == [(NAME, len(whole))]
    await ask(rig, text_messages.JoinJournal(server, PATH))
    assert files(rig) == [NAME]
    assert await text(rig) == whole
    assert rig.staged() == []
    # What comes later comes after it.
    await ask(rig, text_messages.AppendJournal(server, PATH, b"four\n"))
    assert (await text(rig)).split() == [b"one", b"tw", b"three", b"four"]


def opened_by(folder: os.PathLike[str]) -> Place:
    """The archive in `folder`, opened as if it were on a network."""
    facts = open_archive(archive_messages.OpenArchive(os.fsencode(folder), True))
    return Place(facts.root, facts.device, facts.inode, facts.way, "server", True, parts_from=facts.parts_from)


@pytest.mark.parametrize("steps", [(0, -HOUR, -2 * HOUR), (0, -56 * YEAR, 0), (YEAR, 0, -56 * YEAR)])
@pytest.mark.parametrize("reopened", [False, True])
async def test_parts_are_in_their_order_whatever_the_clock_says(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, steps: tuple[int, ...], reopened: bool
) -> None:
    real = time.time_ns
    place = opened_by(rig.archive)
    for number, step in enumerate(steps):
        monkeypatch.setattr(time, "time_ns", lambda step=step: real() + step)
        if reopened:
            place = opened_by(rig.archive)
        append_journal(text_messages.AppendJournal(place, PATH, b"%d\n" % number, flush=True))
    assert len(files(rig)) == len(steps)
    assert (await text(rig)).split() == [b"0", b"1", b"2"]


async def test_a_part_whose_time_is_no_clocks_is_read_too(rig: Rig) -> None:
    write(rig.archive / f"{PATH}.{'9' * 20}-00000000", b"\nlast\n")
    place = opened_by(rig.archive)
    append_journal(text_messages.AppendJournal(place, PATH, b"first\n", flush=True))
    assert (await text(rig)).split() == [b"first", b"last"]


async def test_an_archive_that_was_on_a_network_goes_on_in_one_file(rig: Rig, server: Place) -> None:
    await ask(rig, text_messages.AppendJournal(server, PATH, b"one\n"))
    await ask(rig, text_messages.AppendJournal(rig.place, PATH, b"two\n"))
    assert files(rig) == [NAME]
    assert (await text(rig)).split() == [b"one", b"two"]


async def test_a_join_cut_short_says_the_same(rig: Rig, server: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (b"one\n", b"two\n"):
        await ask(rig, text_messages.AppendJournal(server, PATH, data))

    def fail(*_: object) -> None:
        raise OSError(5, "no")

    root = os.open(rig.archive, os.O_RDONLY)
    with Folders(root) as folders:
        monkeypatch.setattr(in_use, "remove", fail)
        with pytest.raises(OSError, match="no"):
            journal_files.join(folders, PATH, ".lading/staging/x")
        monkeypatch.undo()
    os.close(root)
    assert (await text(rig)).split() == [b"one", b"two", b"one", b"two"]
    await ask(rig, text_messages.JoinJournal(server, PATH))
    assert files(rig) == [NAME]


async def test_a_batch_writes_a_part(rig: Rig, server: Place) -> None:
    rig.place = server
    rig.put("a.jpg", b"12345")
    async with rig.pool.worker() as worker:
        await rig.stage(worker, await rig.read(worker, "a.jpg"))
    (part,) = [name for name in files(rig) if name.startswith("import.jsonl.")]
    assert b'"file":"a.jpg"' in (rig.archive / archive_layout.JOURNALS / part).read_bytes()
