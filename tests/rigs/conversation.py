"""One batch through a worker, without an engine: `python -m tests.rigs.conversation SOURCE ARCHIVE WAY`.

The same worker gets the same requests as from the engine. For each line on standard input one child process does
all of it: it prints `ready` and its process id, and starts at SIGUSR1, so that strace can be attached; afterwards
its exit status is printed. WAY is one of `core.files.noreplace`; empty: the one that is found by trying.
"""

import os
import signal
import sys
from pathlib import Path
from typing import TypeVar

import msgspec

from core.workers import archive_messages, batch_messages, messages, source_messages
from core.workers.batch_messages import ToStage
from core.workers.dispatch import Dispatcher
from core.workers.messages import Place
from core.workers.read_source import ARENA
from core.workers.shared_memory import Control
from core.workers.source_messages import ToRead

R = TypeVar("R")
STAGING = ".lading/staging/import/1"


def command(source: Path, archive: Path, way: str) -> list[str]:
    """The command line that runs this module."""
    return [sys.executable, "-m", "tests.rigs.conversation", str(source), str(archive), way]


class Conversation:
    """The engine's requests to a worker, for one source."""

    def __init__(self, source: str, archive: str, way: str) -> None:
        self._worker = Dispatcher(Control.create().slot(0))
        self._source = source
        facts = self._ask(archive_messages.OpenArchive(os.fsencode(archive), True), archive_messages.ArchiveFacts)
        self._place = Place(facts.root, facts.device, facts.inode, way or facts.way, "medium")

    def _ask(self, request: messages.Request, wanted: type[R]) -> R:
        reply = self._worker.answer(request)
        if not isinstance(reply, wanted):
            raise TypeError(f"{type(request).__name__}: {msgspec.to_builtins(reply)}")
        return reply

    def run(self) -> None:
        """Archive all files of the source: the large ones one by one, the small ones in one batch."""
        looked = self._ask(source_messages.LookAtPath(os.fsencode(self._source)), source_messages.Looked)
        entries = self._ask(source_messages.ListTree(looked.source), source_messages.Listed).entries
        files = [ToRead(at, one.path, one.size, "images") for at, one in enumerate(entries, 1) if one.size]
        for file in [file for file in files if file.size > ARENA]:
            request = batch_messages.CopyLarge(looked.source, self._place, STAGING, file)
            self._arrive(self._ask(request, source_messages.Digests))
        small = [file for file in files if file.size <= ARENA]
        self._arrive(self._ask(source_messages.ReadBatch(looked.source, small, True), source_messages.Digests))

    def _arrive(self, digests: source_messages.Digests) -> None:
        orders = [ToStage(one.number, self._payload(one), "archived") for one in digests.files]
        self._well(self._ask(batch_messages.StageBatch(self._place, STAGING, orders), batch_messages.Checked))
        self._ask(batch_messages.Journal("import"), messages.Done)
        self._well(self._ask(batch_messages.Flush(), batch_messages.Checked))
        self._well(self._ask(batch_messages.Verify("readback"), batch_messages.Checked))
        arrived = self._ask(batch_messages.Publish(), batch_messages.Published)
        if arrived.faults or arrived.taken:
            raise RuntimeError(f"not published: {arrived}")
        self._ask(batch_messages.Drop(), messages.Done)

    @staticmethod
    def _well(checked: batch_messages.Checked) -> None:
        if checked.faults:
            raise RuntimeError(f"faults: {checked.faults}")

    @staticmethod
    def _payload(digest: source_messages.Digest) -> str:
        name = digest.xxh128.hex()
        return f"locations/here/data/images/{name[:2]}/{name}.jpg"


def _said(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def serve(source: str, archive: str, way: str) -> None:
    """Archive the source once for each line that is read. Nothing is buffered, because the children share the
    pipe."""
    while os.read(0, 1):
        child = os.fork()
        if not child:
            conversation = Conversation(source, archive, way)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
            _said(f"ready {os.getpid()}")
            # No call here may be about files, because the process may be killed at any of those.
            signal.sigwait([signal.SIGUSR1])
            conversation.run()
            os._exit(0)
        _said(f"ended {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}")


if __name__ == "__main__":
    serve(*sys.argv[1:4])
