"""One batch as a worker brings it in, without an engine: `python -m tests.rigs.conversation SOURCE ARCHIVE WAY`.

The same worker, asked the same as the engine asks. For each line it gets it does all of it in a process of its
own: that says `ready` and its number, and begins at SIGUSR1, so that strace can be attached; how it ended is told
afterwards. WAY is that of `core.files.noreplace`; empty for the one that is found.
"""

import os
import signal
import sys
from pathlib import Path
from typing import TypeVar

import msgspec

from core.workers import messages
from core.workers.control import Control
from core.workers.messages import Place, ToRead, ToStage
from core.workers.reading import ARENA
from core.workers.worker import Worker

R = TypeVar("R")
STAGING = ".lading/staging/import/1"


def command(source: Path, archive: Path, way: str) -> list[str]:
    """Its command line."""
    return [sys.executable, "-m", "tests.rigs.conversation", str(source), str(archive), way]


class Conversation:
    """What the engine says to its worker."""

    def __init__(self, source: str, archive: str, way: str) -> None:
        self._worker = Worker(Control.create().slot(0))
        self._source = source
        facts = self._ask(messages.OpenArchive(os.fsencode(archive), True), messages.ArchiveFacts)
        self._place = Place(facts.root, facts.device, facts.inode, way or facts.way, "medium")

    def _ask(self, request: messages.Request, wanted: type[R]) -> R:
        reply = self._worker.answer(request)
        if not isinstance(reply, wanted):
            raise TypeError(f"{type(request).__name__}: {msgspec.to_builtins(reply)}")
        return reply

    def run(self) -> None:
        """All files of the source: the large ones one by one, the small ones together."""
        looked = self._ask(messages.Look(os.fsencode(self._source)), messages.Looked)
        entries = self._ask(messages.ListTree(looked.source), messages.Listed).entries
        files = [ToRead(at, one.path, one.size, "images") for at, one in enumerate(entries, 1) if one.size]
        for file in [file for file in files if file.size > ARENA]:
            request = messages.CopyLarge(looked.source, self._place, STAGING, file)
            self._arrive(self._ask(request, messages.Digests))
        small = [file for file in files if file.size <= ARENA]
        self._arrive(self._ask(messages.ReadBatch(looked.source, small, True), messages.Digests))

    def _arrive(self, digests: messages.Digests) -> None:
        orders = [ToStage(one.number, self._payload(one), "archived") for one in digests.files]
        self._well(self._ask(messages.Stage(self._place, STAGING, orders), messages.Checked))
        self._ask(messages.Journal("import"), messages.Done)
        self._well(self._ask(messages.Flush(), messages.Checked))
        self._well(self._ask(messages.Verify("readback"), messages.Checked))
        arrived = self._ask(messages.Publish(), messages.Arrived)
        if arrived.faults or arrived.taken:
            raise RuntimeError(f"not published: {arrived}")
        self._ask(messages.Drop(), messages.Done)

    @staticmethod
    def _well(checked: messages.Checked) -> None:
        if checked.faults:
            raise RuntimeError(f"faults: {checked.faults}")

    @staticmethod
    def _payload(digest: messages.Digest) -> str:
        name = digest.xxh128.hex()
        return f"locations/here/data/images/{name[:2]}/{name}.jpg"


def _said(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def serve(source: str, archive: str, way: str) -> None:
    """Carry it out as often as a line comes. Nothing is buffered: children share the pipe."""
    while os.read(0, 1):
        child = os.fork()
        if not child:
            conversation = Conversation(source, archive, way)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
            _said(f"ready {os.getpid()}")
            # No call that has to do with files: at those it may be killed.
            signal.sigwait([signal.SIGUSR1])
            conversation.run()
            os._exit(0)
        _said(f"ended {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}")


if __name__ == "__main__":
    serve(*sys.argv[1:4])
