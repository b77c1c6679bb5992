"""Removing files that were just read, where a server removes no file that is open."""

import os
from pathlib import Path

import msgspec
import pytest

from core import archive_layout
from core.files import in_use, noreplace
from core.workers import (
    archive_messages,
    batch_messages,
    messages,
    restore_messages,
    source_messages,
    text_messages,
)
from core.workers.dispatch import Dispatcher
from core.workers.messages import Place, Reply, Request
from core.workers.shared_memory import Control
from tests.core.importing.rig import write
from tests.core.workers.rig import STAGING
from tests.rigs.open_files import Server

NAME = "1.jsonl"
APPLEDOUBLE = b"\0\5\26\7\0\2\0\0Mac OS X"


class Rig:
    """An archive on such a server, and what a worker answers."""

    def __init__(self, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(in_use, "DELAYS", (0.0,) * 4)
        self._worker = Dispatcher(Control.create().slot(0))
        self.base, self.archive = base, base / "archive"
        made = self.ask(archive_messages.OpenArchive(os.fsencode(self.archive), True))
        assert isinstance(made, archive_messages.ArchiveFacts)
        self.place = Place(made.root, made.device, made.inode, noreplace.LOOK, "server", True)
        self.server = Server(monkeypatch)

    def ask(self, request: Request) -> Reply:
        """The reply, which is no failure."""
        reply = self._worker.answer(request)
        assert not isinstance(reply, messages.Failed), reply
        return reply

    def names(self, folder: str) -> list[str]:
        """What lies below a folder of the archive."""
        return sorted(path.name for path in (self.archive / folder).rglob("*"))

    def check(self) -> None:
        """Files were open, and nothing of them stays."""
        assert self.server.refused
        assert self.server.stuck == []
        assert self.names(archive_layout.STAGING) == []


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    return Rig(tmp_path, monkeypatch)


def test_the_parts_of_a_journal_go_when_they_are_joined(rig: Rig) -> None:
    path = f"{archive_layout.JOURNALS}/{NAME}"
    for line in (b"one\n", b"two\n", b"three\n"):
        rig.ask(text_messages.AppendJournal(rig.place, path, line, flush=True))
    rig.ask(text_messages.JoinJournal(rig.place, path))
    assert rig.names(archive_layout.JOURNALS) == [NAME]
    assert (rig.archive / path).read_bytes().split() == [b"one", b"two", b"three"]
    rig.check()


def test_the_lock_goes(rig: Rig) -> None:
    rig.ask(archive_messages.Lock(rig.place, "mine", ""))
    rig.ask(archive_messages.Unlock(rig.place, "mine"))
    assert not (rig.archive / archive_layout.LOCK).exists()
    rig.check()


def test_junk_that_was_looked_at_goes(rig: Rig) -> None:
    for path in ("locations/._a.jpg", "locations/@eaDir/._b.jpg"):
        write(rig.archive / path, APPLEDOUBLE)
    junk = [b"locations/._a.jpg", b"locations/@eaDir"]
    reply = rig.ask(archive_messages.Tidy(rig.place, junk, remove=True))
    assert isinstance(reply, archive_messages.Tidied)
    assert [(gone, left) for _, gone, left, _ in reply.found] == [(1, 0), (1, 0)]
    assert rig.names("locations") == []
    rig.check()


def test_what_was_staged_and_read_back_goes(rig: Rig) -> None:
    write(rig.base / "card/a.jpg", b"a")
    looked = rig.ask(source_messages.LookAtPath(os.fsencode(rig.base / "card")))
    assert isinstance(looked, source_messages.Looked)
    files = [source_messages.ToRead(1, b"a.jpg", 1, "image")]
    rig.ask(source_messages.ReadBatch(looked.source, files, keep=True))
    orders = [batch_messages.ToStage(1, "locations/x/data/images/aa/a.jpg", "archived")]
    rig.ask(batch_messages.StageBatch(rig.place, STAGING, orders))
    rig.ask(batch_messages.Journal("import"))
    rig.ask(batch_messages.Flush())
    rig.ask(batch_messages.Verify("read"))
    rig.ask(batch_messages.Drop())
    rig.ask(archive_messages.CleanStaging(rig.place, ["import"]))
    rig.check()


def test_payload_that_has_two_names_loses_the_first(rig: Rig) -> None:
    names = "locations/a/data/a.jpg", "locations/b/data/a.jpg"
    for name in names:
        write(rig.archive / name, b"a")
    (digest,) = (one for one in _digests(rig, rig.archive / names[0]))
    # A thumbnail may just have been made of it.
    os.close(os.open(rig.archive / names[0], os.O_RDONLY))
    reply = rig.ask(archive_messages.Carry(rig.place, [(*names, 1, digest.xxh128, digest.sha256)], copy=False))
    assert reply == archive_messages.Carried([None])
    assert [(rig.archive / name).exists() for name in names] == [False, True]
    rig.check()


def _digests(rig: Rig, path: Path) -> list[source_messages.Digest]:
    looked = rig.ask(source_messages.LookAtPath(os.fsencode(path.parent)))
    assert isinstance(looked, source_messages.Looked)
    files = [source_messages.ToRead(1, os.fsencode(path.name), 1, "image")]
    reply = rig.ask(source_messages.ReadBatch(looked.source, files, keep=False))
    assert isinstance(reply, source_messages.Digests)
    return reply.files


def test_what_was_downloaded_for_a_restore_goes(rig: Rig) -> None:
    folder = rig.base / "restored"
    opened = rig.ask(restore_messages.OpenTarget(os.fsencode(folder), rig.place))
    assert isinstance(opened, restore_messages.TargetOpened)
    target = msgspec.structs.replace(opened.target, way=noreplace.LOOK)
    for name in ("one", "two"):
        made = rig.ask(restore_messages.MakeDownloads(target, name))
        assert isinstance(made, restore_messages.Downloads)
        path = Path(os.fsdecode(made.place.root)) / "a.jpg"
        write(path, b"a")
        os.close(os.open(path, os.O_RDONLY))
    rig.ask(restore_messages.RemoveDownloads(target, "one"))
    rig.ask(restore_messages.CloseTarget(target))
    assert list(folder.iterdir()) == []
    rig.check()
