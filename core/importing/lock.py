"""The archive's lock: one importing engine at a time, on whatever machine."""

import asyncio
import getpass
import uuid
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from core import machine
from core.errors import ArchiveHeldError, WorkerDiedError
from core.workers import messages
from core.workers.messages import Place
from core.workers.pool import Pool, TaskFailedError

BEAT = 10.0
"""Seconds between two renewals."""

STALE = 35.0
"""Seconds without a renewal after which another machine's lock counts as left behind."""


class Holder(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the lock file says, as JSON. `beat` counts the renewals; `engine` differs for each holder."""

    engine: str
    machine: str
    host: str
    user: str
    pid: int
    started: float
    since: str
    beat: int = 0

    def text(self) -> str:
        """As it is written."""
        return msgspec.json.encode(self).decode() + "\n"


def _parsed(text: str) -> Holder | None:
    try:
        return msgspec.json.decode(text, type=Holder)
    except msgspec.DecodeError:
        return None


def _here(holder: Holder | None) -> bool:
    """Whether the holder is on this machine. A clone of it has its id, but hardly its name."""
    return holder is not None and (holder.machine, holder.host) == (machine.machine(), machine.host())


def _gone(holder: Holder | None) -> bool:
    """Whether the holder is a process of this machine that does not run any more."""
    if holder is None or not _here(holder):
        return False
    started = machine.started(holder.pid)
    return started is None or abs(started - holder.started) > 1


class Lock:
    """The lock of one archive, held from `take` to `release`. `lost` is set when it is no longer ours."""

    def __init__(self, pool: Pool, place: Place) -> None:
        pid, started = machine.myself()
        self._pool = pool
        self._place = place
        self._me = Holder(
            uuid.uuid4().hex,
            machine.machine(),
            machine.host(),
            getpass.getuser(),
            pid,
            started,
            datetime.now(UTC).isoformat(timespec="seconds"),
        )
        self.lost = asyncio.Event()
        self._renewing: asyncio.Task[None] | None = None

    async def take(self, stale: float = STALE) -> None:
        """Take the lock. Raises ArchiveHeldError, TaskFailedError.

        One left behind by a process of this machine that is gone is replaced at once; another machine's only
        after it has not been renewed for `stale` seconds, by our own clock.
        """
        replace, waited = "", 0.0
        while True:
            async with self._pool.worker("lock") as worker:
                request = messages.Lock(self._place, self._me.text(), replace)
                found = (await worker.ask(request, messages.Held)).text
            if found == self._me.text():
                break
            holder = _parsed(found)
            if _gone(holder):
                replace = found
                continue
            if not _here(holder):
                if replace != found and waited < stale:
                    # Somebody else's: seen again unchanged after a while, it is stale.
                    await asyncio.sleep(stale)
                    waited, replace = stale, found
                    continue
                if replace == found:
                    continue
            who = f"{holder.user} on {holder.host} (process {holder.pid})" if holder else "somebody unknown"
            since = f" since {holder.since}" if holder else ""
            raise ArchiveHeldError(
                f"it is being written by {who}{since}.", "Wait until that is done, or import there."
            )
        self._renewing = asyncio.create_task(self._renew(), name="archive lock")

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            new = msgspec.structs.replace(self._me, beat=self._me.beat + 1)
            with suppress(TaskFailedError, WorkerDiedError):
                async with self._pool.worker("lock") as worker:
                    request = messages.Beat(self._place, self._me.text(), new.text())
                    if (await worker.ask(request, messages.Held)).text != new.text():
                        self.lost.set()
                        return
                self._me = new

    async def release(self) -> None:
        """Give the lock back; without an answer from the archive it is left to become stale."""
        if self._renewing is not None:
            self._renewing.cancel()
            with suppress(asyncio.CancelledError):
                await self._renewing
        if not self.lost.is_set():
            with suppress(TaskFailedError, WorkerDiedError, TimeoutError):
                async with asyncio.timeout(BEAT), self._pool.worker("lock") as worker:
                    await worker.ask(messages.Unlock(self._place, self._me.text()), messages.Done)
