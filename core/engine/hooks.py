"""Hooks: commands, addresses, mails and services that are told how an import has ended. No import waits for them.

A message is kept in the catalog (`core.catalog.hook_outbox`) until it was delivered, or has failed for good. An
engine that ends before that leaves it to the next engine. So does an engine that is killed between a delivery and
its record: a message is delivered at least once, and may be delivered twice.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from core.catalog import Catalog, ImportRow
from core.engine import hook_message
from core.errors import LadingError
from core.models import ENDED
from core.presets import Hook

PAUSES = (2.0, 30.0, 300.0)
"""Seconds before each retry."""

log = logging.getLogger("lading.hooks")


class Hooks:
    """Runs one task for each hook and import that ended, and another one when a verdict changes after the end."""

    def __init__(self, catalog: Catalog, configured: Callable[[], Sequence[Hook]]) -> None:
        """`configured` gives the hooks of the configuration as it is now."""
        self._catalog = catalog
        self._configured = configured
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Whether a message is still to be delivered, or a delivery to be retried."""
        return bool(self._tasks)

    async def start(self) -> None:
        """Tell what an earlier engine has left. Hooks that are not configured any more are dropped."""
        catalog = self._catalog
        hooks = {hook.key: hook for hook in self._configured()}
        for id, name, key in await catalog.outbox():
            if key in hooks:
                self._begin(hooks[key], name, id)
            else:
                log.warning("a hook is not configured any more, and was not told", extra={"import": name})
                await catalog.delivered(id)
        for name in await catalog.unannounced():
            await self._announce(name)

    def ended(self, row: ImportRow) -> None:
        """Tell the hooks of an import that has ended, or was judged again. Nothing is done for other states."""
        if row.state in ENDED:
            self._own(asyncio.create_task(self._announce(row.name), name=f"hooks of {row.name}"))

    async def stop(self) -> None:
        """Cancel all hooks; running commands are killed."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _announce(self, name: str) -> None:
        hooks = self._configured()
        ids = await self._catalog.announce(name, [hook.key for hook in hooks])
        for hook, id in zip(hooks, ids, strict=True):
            self._begin(hook, name, id)

    def _begin(self, hook: Hook, name: str, id: int) -> None:
        self._own(asyncio.create_task(self._tell(hook, name, id), name=f"hook of {name}"))

    def _own(self, task: "asyncio.Task[None]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a hook was not told", exc_info=error)

    async def _tell(self, hook: Hook, name: str, id: int) -> None:
        facts = {"import": name, "hook": hook.name}
        try:
            for pause in (*PAUSES, None):
                why = await self._deliver(hook, name)
                if not why:
                    log.info("a hook was told", extra=facts)
                    break
                log.warning("a hook failed", extra=facts | {"reason": why, "again_in": pause or "never"})
                if pause is not None:
                    await asyncio.sleep(pause)
        except asyncio.CancelledError:
            log.warning("a hook was not told yet: the engine ends, and the next one tells it", extra=facts)
            raise
        except (LadingError, ValueError) as error:
            log.warning("a hook was not told", extra=facts | {"reason": str(error)})
        await self._catalog.delivered(id)

    async def _deliver(self, hook: Hook, name: str) -> str:
        """One attempt. Returns why it failed; empty if it did not, or if there is nothing to tell, because the
        import goes on and is told at its new end."""
        # Imported here: clients of mail and web are a part of an engine's start, and few engines have a hook.
        from core.engine import hook_delivery

        message = await hook_message.ending(self._catalog, name)
        return await hook_delivery.deliver(hook, message) if message.state in ENDED else ""
