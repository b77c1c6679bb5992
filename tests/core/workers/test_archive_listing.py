"""Listing the archive's own folders: every name once, nothing followed, nothing opened but folders."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core.bagit.folder import BagFolder
from core.errors import ArchiveError
from core.files.open_beneath import LostError
from core.workers import archive_listing, archive_messages, batch_messages, dispatch, source_messages
from core.workers.messages import Place, Request, Source
from core.workers.pool import Pool
from core.workers.shared_memory import Control

pytestmark = pytest.mark.process

READS: dict[str, Callable[[Place], Request]] = {
    "compare": lambda place: archive_messages.Blocks(place, [(b"a.jpg", 0, 3)]),
    "audit": lambda place: archive_messages.Audit(place, [("a.jpg", 3, b"", b"")]),
    "checksums": lambda place: archive_messages.Checksums(place, "a.jpg", 3, b"", b"", ("md5",)),
}


@pytest.mark.parametrize("what", READS)
@pytest.mark.parametrize("icloud", [True, False])
def test_a_worker_fetches_nothing_by_the_policy_of_an_earlier_import(
    tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch, what: str, icloud: bool
) -> None:
    policies = list[bool]()
    monkeypatch.setattr(dispatch, "fetch", policies.append)
    (tmp_path / "a.jpg").write_bytes(b"abc")
    worker = dispatch.Dispatcher(Control.create().slot(0))
    origin = Source(place.root, place.device, place.inode, fetch=icloud)
    worker.answer(source_messages.ReadBatch(origin, [source_messages.ToRead(1, b"a.jpg", 3, "images")], True))
    worker.answer(batch_messages.Verify("source"))
    assert policies == [icloud], "a batch keeps the policy of its source"
    worker.answer(READS[what](place))
    assert policies == [icloud, False]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    facts = os.stat(tmp_path)
    return Place(os.fsencode(tmp_path), facts.st_dev, facts.st_ino, "rename", "medium")


def test_names_in_pieces(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_listing, "NAMES_PER_REPLY", 3)
    folder = tmp_path / "locations" / "x"
    (folder / "below").mkdir(parents=True)
    (folder / "link").symlink_to(folder / "below")
    names = [os.fsdecode(b"\xff"), "a", "b", "line\nbreak", "z"]
    for name in names:
        (folder / name).touch()
    found: list[tuple[bytes, str]] = []
    more = True
    while more:
        reply = archive_listing.list_folder(archive_messages.ListFolder(place, b"locations/x", len(found)))
        assert len(reply.names) == 3 or not reply.more
        assert reply.mtime_ns == os.stat(folder).st_mtime_ns
        found += reply.names
        more = reply.more
    wanted = [(os.fsencode(name), "file") for name in names]
    assert sorted(found) == sorted([*wanted, (b"below", "folder"), (b"link", "other")])


@pytest.mark.parametrize("path", [b"nothing", b"file", b"link"])
def test_what_is_no_folder(tmp_path: Path, place: Place, path: bytes) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("/")
    with pytest.raises(OSError):  # noqa: PT011 - of whatever kind
        archive_listing.list_folder(archive_messages.ListFolder(place, path))


def test_another_folder_in_the_roots_place(tmp_path: Path, place: Place) -> None:
    other = Place(place.root, place.device, place.inode + 1, place.way, place.level)
    with pytest.raises(LostError):
        archive_listing.list_folder(archive_messages.ListFolder(other, b""))
    with pytest.raises(LostError):
        archive_listing.file_sizes(archive_messages.FileSizes(other, [b"a"]))
    with pytest.raises(LostError):
        archive_listing.make_folder(archive_messages.MakeFolder(other, "made"))
    assert os.listdir(tmp_path) == []


def test_sizes_of_what_is_no_regular_file_are_minus_one(tmp_path: Path, place: Place) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "five").write_bytes(b"12345")
    (tmp_path / "a" / os.fsdecode(b"\xff")).write_bytes(b"1")
    (tmp_path / "link").symlink_to(tmp_path / "a" / "five")
    paths = [b"a/five", b"a/\xff", b"a", b"link", b"a/none", b"none/none", b"a/five/none"]
    assert archive_listing.file_sizes(archive_messages.FileSizes(place, paths)).sizes == [5, 1, -1, -1, -1, -1, -1]


def test_folder_is_made_once(tmp_path: Path, place: Place) -> None:
    for _ in range(2):
        archive_listing.make_folder(archive_messages.MakeFolder(place, "locations/x/data"))
    assert (tmp_path / "locations" / "x" / "data").is_dir()


async def test_through_a_worker(tmp_path: Path, place: Place) -> None:
    data = tmp_path / "locations" / "x" / "data"
    (data / "b").mkdir(parents=True)
    for name in ("b/2", "b/1", "a"):
        (data / name).write_bytes(name.encode())
    moved: list[None] = []
    pool = Pool()
    try:
        folder = BagFolder(pool, place, "x", lambda: moved.append(None))
        assert [entry async for part in folder.files(b"data") for entry in part] == [
            (b"data/a", "file"),
            (b"data/b/1", "file"),
            (b"data/b/2", "file"),
        ]
        assert [part async for part in folder.names(b"none")] == []
        assert await folder.sizes([b"data/a", b"data/none"]) == [1, -1]
        assert moved
    finally:
        await pool.stop()


async def test_folder_that_changes_while_it_is_listed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    replies = [
        archive_messages.FolderListed([(b"a", "file")], True, 1),
        archive_messages.FolderListed([(b"b", "file")], False, 2),
    ]

    async def ask(self: BagFolder, request: object, wanted: object) -> archive_messages.FolderListed:
        return replies.pop(0)

    monkeypatch.setattr(BagFolder, "ask", ask)
    pool = Pool()
    try:
        with pytest.raises(ArchiveError, match="changed"):
            [part async for part in BagFolder(pool, place, "x", lambda: None).names(b"data")]
    finally:
        await pool.stop()
