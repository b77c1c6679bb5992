"""The archive's lock: one engine at a time imports into it, on whatever machine."""

import asyncio
import getpass
import logging
import uuid
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from core import host
from core.errors import ArchiveHeldError, WorkerDiedError
from core.workers import archive_messages, messages
from core.workers.messages import Place
from core.workers.pool import Pool, TaskFailedError

log = logging.getLogger("lading.lock")

RENEWAL_INTERVAL = 10.0
"""Seconds between two renewals."""

RENEWAL_RETRY_DELAY = 1.0
"""Seconds until a failed renewal is retried: a server may be overloaded for a moment."""

STALE = 35.0
"""Seconds without a renewal after which another machine's lock counts as stale."""


RETAKE_TIMEOUT = 10.0
"""Seconds until releasing the lock times out."""


class Holder(msgspec.Struct, frozen=True, omit_defaults=True):
    """The content of the lock file, as JSON. `beat` counts the renewals; `engine` is unique to each holder.

    `at` is [device, inode] of the archive's root on the holder's machine. It shows that a lock was copied along
    with an archive in use, and so is about another archive. `born` is the holder's `core.host.birth`. Locks of
    older versions lack both.
    """

    engine: str
    machine: str
    host: str
    user: str
    pid: int
    started: float
    since: str
    beat: int = 0
    at: tuple[int, int] | None = None
    born: str = ""

    def text(self) -> str:
        """The content of the lock file."""
        return msgspec.json.encode(self).decode() + "\n"


def _parsed(text: str) -> Holder | None:
    try:
        return msgspec.json.decode(text, type=Holder)
    except (ValueError, RecursionError):
        return None


def _here(holder: Holder | None) -> bool:
    """Whether the holder is on this machine. A clone of the machine has its id, but hardly its host name."""
    return holder is not None and (holder.machine, holder.host) == (host.machine(), host.host())


def holder_is_gone(holder: Holder | None) -> bool:
    """Whether the holder is a process of this machine that no longer runs, or this process, which no longer holds
    it."""
    if holder is None or not _here(holder):
        return False
    pid, started = host.myself()
    mine = holder.born == host.birth(pid) if holder.born else abs(started - holder.started) <= 1
    if holder.pid == pid and mine:
        return holder.engine not in _held
    return not host.runs(holder.pid, holder.started, holder.born)


_held: set[str] = set()
"""The locks that this process holds, by `Holder.engine`."""


class Lock:
    """The lock of one archive, held from `take` to `release`.

    `lost` is set when another engine has the lock, or when it can no longer be renewed; `why` says which. `away`:
    it was lost because the archive does not answer.
    """

    def __init__(self, pool: Pool, place: Place) -> None:
        pid, started = host.myself()
        self._pool = pool
        self._place = place
        self._me = Holder(
            uuid.uuid4().hex,
            host.machine(),
            host.host(),
            getpass.getuser(),
            pid,
            started,
            datetime.now(UTC).isoformat(timespec="seconds"),
            at=(place.device, place.inode),
            born=host.birth(pid),
        )
        self.lost = asyncio.Event()
        self.why = ""
        self.away = False
        self._leaving = asyncio.Event()
        self._renewing: asyncio.Task[None] | None = None

    async def take(self, stale: float | None = None) -> None:
        """Take the lock. Raises ArchiveHeldError, TaskFailedError, WorkerDiedError.

        A lock that a dead process of this machine has left is replaced at once. A lock of another machine, or one
        that was copied from elsewhere, is replaced only after it has not been renewed for `stale` seconds (default
        STALE) of our own clock: one archive can be mounted twice, with two device numbers.
        """
        stale = STALE if stale is None else stale
        replace, waited = "", False
        while True:
            async with self._pool.worker("lock") as worker:
                request = archive_messages.Lock(self._place, self._me.text(), replace)
                found = (await worker.ask_twice(request, archive_messages.LockText)).text
            if found == self._me.text():
                break
            holder = _parsed(found)
            if holder_is_gone(holder) and found != replace:
                replace = found
                continue
            if not (_here(holder) and self._of_here(holder)) and not waited:
                # Another machine's lock: if it is unchanged after this time, it is stale.
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

    def _of_here(self, holder: Holder | None) -> bool:
        return holder is None or holder.at in (None, self._me.at)

    async def _renew(self) -> None:
        """Renew the lock until `release`. If renewing ends for any other reason, the lock is lost."""
        try:
            await self._beats()
        except Exception as error:
            log.exception("an archive's lock is not renewed any more", extra={"archive": self._place.root})
            self.lose(f"the archive's lock cannot be renewed: {type(error).__name__}: {error}")

    async def _beats(self) -> None:
        """Renew the lock, and lose it before another machine may take it: an archive that hangs gives no error."""
        loop = asyncio.get_running_loop()
        renewed, pause = loop.time(), RENEWAL_INTERVAL
        while not await self._released_within(pause):
            pause = min(RENEWAL_RETRY_DELAY, RENEWAL_INTERVAL)
            began = loop.time()
            deadline = max(renewed + STALE - RENEWAL_INTERVAL, began + RENEWAL_INTERVAL)
            new = msgspec.structs.replace(self._me, beat=self._me.beat + 1)
            with suppress(TaskFailedError, WorkerDiedError, TimeoutError, OSError):
                async with asyncio.timeout_at(deadline), self._pool.worker("lock") as worker:
                    request = archive_messages.Beat(self._place, self._me.text(), new.text())
                    if (await worker.ask(request, archive_messages.LockText)).text != new.text():
                        self.lose("another engine took the archive over")
                        return
                self._me, renewed, pause = new, began, RENEWAL_INTERVAL
            if loop.time() >= renewed + STALE - RENEWAL_INTERVAL:
                self.lose("the archive does not answer any more", away=True)
                return

    async def _released_within(self, seconds: float) -> bool:
        """Whether `release` was called within `seconds`."""
        try:
            await asyncio.wait_for(self._leaving.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def lose(self, why: str, *, away: bool = False) -> None:
        """The lock counts as lost. `away`: the archive does not answer, so it is not asked to remove the lock
        file."""
        self.why, self.away = self.why or why, self.away or away
        self.lost.set()
        _held.discard(self._me.engine)
        if self._renewing is not None and self._renewing is not asyncio.current_task():
            self._renewing.cancel()

    async def release(self) -> None:
        """Release the lock. If the archive does not answer, the lock file is left there and becomes stale."""
        deadline = asyncio.get_running_loop().time() + RETAKE_TIMEOUT
        if self._renewing is not None:
            # A renewal that is under way has to end first: it would write the lock file again.
            self._leaving.set()
            await asyncio.wait([self._renewing], timeout=RETAKE_TIMEOUT)
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        if not self.lost.is_set():
            with suppress(TaskFailedError, WorkerDiedError, TimeoutError, OSError):
                async with asyncio.timeout_at(deadline), self._pool.worker("lock") as worker:
                    await worker.ask(archive_messages.Unlock(self._place, self._me.text()), messages.Done)
        _held.discard(self._me.engine)
