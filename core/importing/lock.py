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

AGAIN = 1.0
"""Seconds after which a renewal that failed is tried again: a server may have too much to do for a moment."""

STALE = 35.0
"""Seconds without a renewal after which another machine's lock counts as left behind."""


ANSWER = 10.0
"""Seconds that the archive gets to take the lock back."""


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
    """Whether the holder is a process of this machine that does not run any more, or gave it up without a word."""
    if holder is None or not _here(holder):
        return False
    pid, started = machine.myself()
    if holder.pid == pid and abs(started - holder.started) <= 1:
        return holder.engine not in _held
    found = machine.started(holder.pid)
    return found is None or abs(found - holder.started) > 1


_held: set[str] = set()
"""The locks that this process holds, by `Holder.engine`."""


class Lock:
    """The lock of one archive, held from `take` to `release`.

    `lost` is set when it is no longer ours, or can no longer be known to be; `why` says which. `away`: because the
    archive does not answer.
    """

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
        self.why = ""
        self.away = False
        self._leaving = asyncio.Event()
        self._renewing: asyncio.Task[None] | None = None

    async def take(self, stale: float | None = None) -> None:
        """Take the lock. Raises ArchiveHeldError, TaskFailedError, WorkerDiedError.

        One left behind by a process of this machine that is gone is replaced at once; another machine's only
        after it has not been renewed for `stale` seconds (STALE), by our own clock.
        """
        stale = STALE if stale is None else stale
        replace, waited = "", False
        while True:
            async with self._pool.worker("lock") as worker:
                request = messages.Lock(self._place, self._me.text(), replace)
                found = (await worker.ask_twice(request, messages.Held)).text
            if found == self._me.text():
                break
            holder = _parsed(found)
            if _gone(holder) and found != replace:
                replace = found
                continue
            if not _here(holder) and not waited:
                # Somebody else's: seen again unchanged after a while, it is stale.
                await asyncio.sleep(stale)
                waited, replace = True, found
                continue
            who = f"{holder.user} on {holder.host} (process {holder.pid})" if holder else "somebody unknown"
            since = f" since {holder.since}" if holder else ""
            raise ArchiveHeldError(
                f"it is being written by {who}{since}.", "Wait until that is done, or import there."
            )
        _held.add(self._me.engine)
        self._renewing = asyncio.create_task(self._renew(), name="archive lock")

    async def _renew(self) -> None:
        """Renew the lock, and give it up before another machine may: an archive that hangs does not tell."""
        loop = asyncio.get_running_loop()
        renewed, pause = loop.time(), BEAT
        while not await self._left(pause):
            pause = min(AGAIN, BEAT)
            began = loop.time()
            deadline = max(renewed + STALE - BEAT, began + BEAT)
            new = msgspec.structs.replace(self._me, beat=self._me.beat + 1)
            with suppress(TaskFailedError, WorkerDiedError, TimeoutError, OSError):
                async with asyncio.timeout_at(deadline), self._pool.worker("lock") as worker:
                    request = messages.Beat(self._place, self._me.text(), new.text())
                    if (await worker.ask(request, messages.Held)).text != new.text():
                        self.lose("another engine took the archive over")
                        return
                self._me, renewed, pause = new, began, BEAT
            if loop.time() >= renewed + STALE - BEAT:
                self.lose("the archive does not answer any more", away=True)
                return

    async def _left(self, seconds: float) -> bool:
        """Whether `release` is called within `seconds`."""
        try:
            await asyncio.wait_for(self._leaving.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def lose(self, why: str, *, away: bool = False) -> None:
        """The lock is ours no more; `away`: the archive does not answer, and is not asked for anything."""
        self.why, self.away = self.why or why, self.away or away
        self.lost.set()
        _held.discard(self._me.engine)
        if self._renewing is not None and self._renewing is not asyncio.current_task():
            self._renewing.cancel()

    async def release(self) -> None:
        """Give the lock back; without an answer from the archive it is left to become stale."""
        deadline = asyncio.get_running_loop().time() + ANSWER
        if self._renewing is not None:
            # A renewal under way ends first: it would write the lock again.
            self._leaving.set()
            await asyncio.wait([self._renewing], timeout=ANSWER)
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        if not self.lost.is_set():
            with suppress(TaskFailedError, WorkerDiedError, TimeoutError, OSError):
                async with asyncio.timeout_at(deadline), self._pool.worker("lock") as worker:
                    await worker.ask(messages.Unlock(self._place, self._me.text()), messages.Done)
        _held.discard(self._me.engine)
