"""Recovery after a start: interrupted imports are resumed, except one during which engines keep crashing.

The column `unclean` counts the unclean ends of engines (crash, kill, power loss) while the import was running. An
orderly stop writes -1 to it, which the next start increments to 0.
"""

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from core.catalog import ImportRow
from core.engine.volume_wait import waits_for
from core.errors import LadingError
from core.models import State

if TYPE_CHECKING:
    from core.engine.engine import Engine

UNCLEAN = 3
"""Unclean ends of the engine during one import after which it is left paused."""

log = logging.getLogger("lading.takeup")


async def take_up(engine: "Engine") -> None:
    """Resume the imports that were running when the last engine ended; where that fails, record the reason."""
    # The last engine may have died between the end of a group's last import and this.
    await engine.catalog.forget_handed_on()
    if not engine.config.resume_at_start:
        return
    found = await engine.catalog.imports("i.state = ?", (State.RUNNING,))
    unclean = await engine.catalog.unclean_ends()
    rows = [row for row in found if row.name not in engine.imports.under_way]
    for row in await engine.catalog.imports("i.state = ? AND i.waits != ''", (State.PAUSED,)):
        if row.name not in engine.imports.under_way:
            await engine.imports.waiting.add(row)
    # All at once, because a source that does not answer must not delay the others.
    await asyncio.gather(*(_take_up(engine, row, unclean[row.id] + 1) for row in rows))


async def _take_up(engine: "Engine", row: ImportRow, unclean: int) -> None:
    if unclean >= UNCLEAN:
        log.error("an import is left paused", extra={"import": row.name, "unclean": unclean})
        await engine.catalog.set_import(
            row.id,
            state=State.PAUSED,
            reason=f"the engine ended {unclean} times in the middle of it",
            advice="See lading log; then resume it.",
            unclean=0,
        )
        return
    await engine.catalog.set_import(row.id, unclean=unclean)
    log.info("an import is taken up", extra={"import": row.name, "unclean": unclean})
    try:
        await engine.imports.resume_import(row.name)
    except LadingError as error:
        log.warning("an import cannot go on", extra={"import": row.name, "reason": str(error)})
        waits = waits_for(error)
        await engine.catalog.set_state(row.id, State.PAUSED, error.cause, error.advice, waits=waits)
        if waits and (left := await engine.catalog.import_named(row.name)):
            await engine.imports.waiting.add(left)
    except Exception as error:
        log.exception("an import cannot go on", extra={"import": row.name})
        await engine.catalog.set_state(row.id, State.PAUSED, f"{type(error).__name__}: {error}", "Resume it.")


async def put_down(engine: "Engine") -> None:
    """Stop all imports. Those that were not paused are marked to be resumed by the next engine."""
    running: list[str] = []
    for name, importer in list(engine.imports.under_way.items()):
        if importer.run.paused:
            importer.halt((await _row(engine, name)).reason, "Resume it whenever you like.")
        else:
            running.append(name)
            importer.halt("Lading was stopped", "It goes on when Lading is started again.")
    try:
        with suppress(Exception):
            # An error of an import is reported by the import itself.
            await engine.imports.wait(running)
    finally:
        # This also happens when the wait was cancelled because of an archive that hangs.
        for name in running:
            row = await _row(engine, name)
            if row.state == State.PAUSED:
                await engine.catalog.set_import(row.id, state=State.RUNNING, waits="", unclean=-1)


async def _row(engine: "Engine", name: str) -> ImportRow:
    return (await engine.catalog.imports("i.name = ?", (name,)))[0]
