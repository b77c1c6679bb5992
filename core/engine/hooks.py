"""Hooks: configured commands and addresses that are told how an import has ended. No import waits for them."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

from core import archive_layout
from core.catalog import Catalog, ImportRow, import_list
from core.errors import LadingError
from core.models import ENDED, Value, Verdict
from core.presets import Hook
from core.receipts.timestamps import stamp
from core.threads import aside

PAUSES = (2.0, 30.0, 300.0)
"""Seconds before each retry."""

SAID = 500
"""The most bytes of a failed command's standard error that are logged."""

log = logging.getLogger("lading.hooks")


class Ending(Value, frozen=True, kw_only=True):
    """The JSON that a hook receives. Counts are files; times are ISO 8601.

    levels: archived files by verification level. copies: how many contents of the import were verified in another
    copy of the archive, by that copy's path. receipt: the receipt's path below the archive, without its extension
    (.txt, .json, .tsv). receipt_sha256: of its text; empty without a receipt.
    """

    event: str = "ended"
    id: str
    label: str
    source: str
    archive: str
    location: str
    state: str
    verdict: Verdict
    reason: str
    seen: int
    archived: int
    duplicate: int
    skipped: int
    failed: int
    levels: dict[str, int]
    copies: dict[str, int]
    receipt: str
    receipt_sha256: str
    started: str
    ended: str


class Hooks:
    """Runs one task for each hook and import that ended, and another one when a verdict changes after the end."""

    def __init__(self, catalog: Catalog, configured: Callable[[], Sequence[Hook]]) -> None:
        """`configured` gives the hooks of the configuration as it is now."""
        self._catalog = catalog
        self._configured = configured
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Whether a hook is still to be told, or to be retried."""
        return bool(self._tasks)

    def ended(self, row: ImportRow) -> None:
        """Tell the hooks of an import that has ended, or was judged again. Nothing is done for other states."""
        hooks = self._configured() if row.state in ENDED else ()
        for hook in hooks:
            task = asyncio.create_task(self._tell(hook, row.name), name=f"hook of {row.name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Cancel all hooks; running commands are killed."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _tell(self, hook: Hook, name: str) -> None:
        facts = {"import": name, "hook": hook.url or hook.command[0]}
        try:
            data = msgspec.json.encode(await self._ending(name))
            for pause in (*PAUSES, None):
                why = await (_post(hook, data) if hook.url else _run(hook, data))
                if not why:
                    log.info("a hook was told", extra=facts)
                    return
                log.warning("a hook failed", extra=facts | {"reason": why, "again_in": pause or "never"})
                if pause is not None:
                    await asyncio.sleep(pause)
        except asyncio.CancelledError:
            log.warning("a hook was not told: the engine ends", extra=facts)
            raise
        except (LadingError, ValueError) as error:
            log.warning("a hook was not told", extra=facts | {"reason": str(error)})

    async def _ending(self, name: str) -> Ending:
        """Raises UsageError."""
        record = await import_list.find(self._catalog.database.read, (), name)
        row = await self._catalog.import_named(name)
        return Ending(
            id=name,
            label=record.label,
            source=record.source,
            archive=record.archive,
            location=record.location,
            state=record.state,
            verdict=record.verdict,
            reason=record.verdict_reason,
            seen=record.seen,
            archived=record.archived,
            duplicate=record.duplicate,
            skipped=record.skipped,
            failed=record.failed,
            levels=dict(record.proven),
            copies={path: count for path, count, _ in record.copies},
            receipt=archive_layout.receipt(row.location_folder, name) if row else "",
            receipt_sha256=row.receipt if row else "",
            started=stamp(record.started),
            ended=stamp(record.ended or record.started),
        )


async def _run(hook: Hook, data: bytes) -> str:
    """Run the hook's command with `data` on its standard input. Returns why it failed; empty if it did not."""
    try:
        process = await asyncio.create_subprocess_exec(
            *hook.command,
            cwd="/",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            process_group=0,
        )
    except (OSError, ValueError) as error:
        return f"it cannot be started: {getattr(error, 'strerror', None) or error}"
    said = b""
    try:
        async with asyncio.timeout(hook.timeout):
            _, said = await process.communicate(data)
    except TimeoutError:
        # A process that the command has left running may hold its standard error open; that is not a failure.
        if process.returncode is None:
            return f"it took longer than {hook.timeout} s"
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return (
        f"status {process.returncode}: {said[:SAID].decode(errors='replace').strip()}"
        if process.returncode
        else ""
    )


async def _post(hook: Hook, data: bytes) -> str:
    """Send `data` to the hook's address by POST. Returns why that failed; empty if it did not."""
    headers = {"Content-Type": "application/json", "User-Agent": "lading"}

    def send() -> str:
        # Imported here: they are a twentieth of an engine's start, and few engines have a hook.
        import urllib.request
        from http.client import HTTPException

        try:
            wanted = urllib.request.Request(hook.url or "", data, headers)  # noqa: S310 - checked by presets.tables
            with urllib.request.urlopen(wanted, timeout=hook.timeout):  # noqa: S310
                return ""
        except (OSError, HTTPException, ValueError) as error:
            return str(error) or type(error).__name__

    try:
        return await aside(send, hook.timeout)
    except TimeoutError:
        return f"it took longer than {hook.timeout} s"
