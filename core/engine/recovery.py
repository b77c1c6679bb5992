"""Recovery after a start: interrupted imports are resumed, except one during which engines keep crashing.

The column `unclean` counts the unclean ends of engines (crash, kill, power loss) while the import was running. An
orderly stop writes -1 to it, which the next start increments to 0.
"""

import asyncio
import logging
from contextlib import suppress

from core.catalog import Catalog, ImportRow
from core.engine.import_manager import ImportManager
from core.engine.volume_wait import waits_for
from core.errors import LadingError
from core.models import State

UNCLEAN = 3
"""Unclean ends of the engine during one import after which it is left paused."""

log = logging.getLogger("lading.takeup")


async def take_up(catalog: Catalog, imports: ImportManager, *, resume: bool) -> None:
    """Resume the imports that were running when the last engine ended, unless `resume` is false; where that fails,
    record the reason."""
    # The last engine may have died after the end of a group's last import, but before it deleted these rows.
    await catalog.forget_handed_on()
    if not resume:
        return
    found = await catalog.imports("i.state = ?", (State.RUNNING,))
    unclean = await catalog.unclean_ends()
    rows = [row for row in found if row.name not in imports.under_way]
    for row in await catalog.imports("i.state = ? AND i.waits != ''", (State.PAUSED,)):
        if row.name not in imports.under_way:
            await imports.waiting.add(row)
    # All at once, because a source that does not answer must not delay the others.
    await asyncio.gather(*(_take_up(catalog, imports, row, unclean[row.id] + 1) for row in rows))


async def _take_up(catalog: Catalog, imports: ImportManager, row: ImportRow, unclean: int) -> None:
    if unclean >= UNCLEAN:
        log.error("an import is left paused", extra={"import": row.name, "unclean": unclean})
        await catalog.set_import(
            row.id,
            state=State.PAUSED,
            reason=f"the engine ended {unclean} times in the middle of it",
            advice="See lading log; then resume it.",
            unclean=0,
        )
        return
    await catalog.set_import(row.id, unclean=unclean)
    log.info("an import is taken up", extra={"import": row.name, "unclean": unclean})
    try:
        # `go_on` resumes this import only, not its group: those of the group that were running are among the rows.
        await imports.go_on(row.name)
    except LadingError as error:
        log.warning("an import cannot go on", extra={"import": row.name, "reason": str(error)})
        waits = waits_for(error)
        await catalog.set_state(row.id, State.PAUSED, error.cause, error.advice, waits=waits)
        if waits and (left := await catalog.import_named(row.name)):
            await imports.waiting.add(left)
    except Exception as error:
        log.exception("an import cannot go on", extra={"import": row.name})
        await catalog.set_state(row.id, State.PAUSED, f"{type(error).__name__}: {error}", "Resume it.")


async def put_down(catalog: Catalog, imports: ImportManager, *, homeless: bool = False) -> None:
    """Stop all imports. Those that were not paused are marked to be resumed by the next engine. `homeless`: the
    state folder is gone, so that no next engine knows of them."""
    running: list[str] = []
    reason, advice = "Lading was stopped", "It goes on when Lading is started again."
    if homeless:
        reason = "the state folder was removed or replaced"
        advice = "Import again: what has arrived is not copied twice."
    for name, importer in list(imports.under_way.items()):
        if importer.run.paused:
            importer.halt((await _row(catalog, name)).reason, "Resume it whenever you like.")
        else:
            running.append(name)
            importer.halt(reason, advice)
    try:
        with suppress(Exception):
            # An error of an import is reported by the import itself.
            await imports.wait(running)
    finally:
        # This also happens when the wait was cancelled because of an archive that hangs.
        for name in running:
            row = await _row(catalog, name)
            if row.state == State.PAUSED:
                await catalog.set_import(row.id, state=State.RUNNING, waits="", unclean=-1)


async def _row(catalog: Catalog, name: str) -> ImportRow:
    return (await catalog.imports("i.name = ?", (name,)))[0]
