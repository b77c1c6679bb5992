"""Handlers of the requests about imports, their files and their receipts, and of the snapshot."""

import asyncio
import os
from contextlib import aclosing

from core import results
from core.catalog import Selection, card_list, failures, file_list, import_list, in_use
from core.engine.engine import Engine
from core.importing.halt_reasons import advice
from core.listings import Failure, FailureGroup, FilePage, ImportRecord
from core.models import ImportRequest, State
from core.paths import encodable
from core.protocol import import_requests as imports
from core.protocol.requests import Look
from core.receipts import spool as receipt_spool
from core.server.caller import Caller, HandlerTable
from core.snapshot import Snapshot

HANDLERS = HandlerTable()


@HANDLERS.of(Look)
async def look(engine: Engine, request: Look, caller: Caller) -> Snapshot:
    return engine.snapshot()


@HANDLERS.of(imports.StartImports)
async def start_imports(engine: Engine, request: imports.StartImports, caller: Caller) -> list[str]:
    return await engine.imports.start_imports(_requests(request))


@HANDLERS.of(imports.WatchCards)
async def watch_cards(engine: Engine, request: imports.WatchCards, caller: Caller) -> None:
    async with engine.arrivals.watched():
        # Ended by its client, or with that.
        await asyncio.Event().wait()


@HANDLERS.of(imports.HoldCards)
async def hold_cards(engine: Engine, request: imports.HoldCards, caller: Caller) -> int:
    return engine.arrivals.hold()


@HANDLERS.of(imports.DryRun)
async def dry_run(engine: Engine, request: imports.DryRun, caller: Caller) -> list[results.Survey]:
    return await engine.imports.survey(_requests(request))


@HANDLERS.of(imports.ResumeImport)
async def resume_import(engine: Engine, request: imports.ResumeImport, caller: Caller) -> None:
    if request.id in engine.mirrors:
        await engine.mirrors.resume(request.id)
    else:
        await engine.imports.resume_import(request.id, request.accept)


@HANDLERS.of(imports.RetryImport)
async def retry_import(engine: Engine, request: imports.RetryImport, caller: Caller) -> int:
    return await engine.imports.retry_import(request.id, Selection(cause=request.cause, ids=request.files))


@HANDLERS.of(imports.PauseImport)
async def pause_import(engine: Engine, request: imports.PauseImport, caller: Caller) -> None:
    if request.id in engine.mirrors:
        await engine.mirrors.pause(request.id)
    else:
        await engine.imports.pause_import(request.id, request.reason)


@HANDLERS.of(imports.CancelImport)
async def cancel_import(engine: Engine, request: imports.CancelImport, caller: Caller) -> None:
    if request.id in engine.mirrors:
        await engine.mirrors.cancel(request.id)
    else:
        await engine.imports.cancel_import(request.id)


@HANDLERS.of(imports.WaitForImports)
async def wait_for_imports(engine: Engine, request: imports.WaitForImports, caller: Caller) -> None:
    await engine.imports.wait(request.ids)
    for id in request.ids:
        # The verdict of an import may wait for its mirrors.
        await engine.mirrors.wait(id)


@HANDLERS.of(imports.WaitForJobs)
async def wait_for_jobs(engine: Engine, request: imports.WaitForJobs, caller: Caller) -> None:
    await engine.imports.finish(request.ids)


@HANDLERS.of(imports.AcceptImport)
async def accept_import(engine: Engine, request: imports.AcceptImport, caller: Caller) -> list[str]:
    return await engine.maintenance.accept(request.name, request.by)


@HANDLERS.of(imports.MoveImport)
async def move_import(engine: Engine, request: imports.MoveImport, caller: Caller) -> results.Moved:
    moved = await engine.maintenance.move(request.name, request.location, caller.progress)
    await engine.locations_changed()
    return moved


@HANDLERS.of(imports.DistinctSources)
async def distinct_sources(engine: Engine, request: imports.DistinctSources, caller: Caller) -> list[bytes]:
    return list(map(os.fsencode, await engine.restore_check.distinct(list(map(os.fsdecode, request.sources)))))


@HANDLERS.of(imports.ListImports)
async def list_imports(engine: Engine, request: imports.ListImports, caller: Caller) -> list[ImportRecord]:
    unfinished = request.unfinished
    return await import_list.page(
        engine.database.read, engine.imports.under_way, request.before, unfinished=unfinished
    )


@HANDLERS.of(imports.FindImport)
async def find_import(engine: Engine, request: imports.FindImport, caller: Caller) -> ImportRecord:
    return await import_list.find(engine.database.read, engine.imports.under_way, request.name)


@HANDLERS.of(imports.ListFiles)
async def list_files(engine: Engine, request: imports.ListFiles, caller: Caller) -> FilePage:
    total, more, files = await file_list.page(
        engine.database.read, request.name, request.outcomes, request.text, request.offset
    )
    return FilePage(total=total, more=more, files=tuple(files))


@HANDLERS.of(imports.FilePosition)
async def file_position(engine: Engine, request: imports.FilePosition, caller: Caller) -> int:
    return await file_list.position(engine.database.read, request.file)


@HANDLERS.of(imports.RecogniseFiles)
async def recognise_files(engine: Engine, request: imports.RecogniseFiles, caller: Caller) -> list[bool]:
    source, archive = os.fsdecode(request.source), os.fsdecode(request.archive)
    return await engine.imports.recognise(source, archive, request.files)


@HANDLERS.of(imports.ListCards)
async def list_cards(engine: Engine, request: imports.ListCards, caller: Caller) -> list[results.CardView]:
    return await card_list.cards(engine.database.read, frozenset(engine.imports.under_way))


@HANDLERS.of(imports.ListInUse)
async def list_in_use(engine: Engine, request: imports.ListInUse, caller: Caller) -> results.InUse:
    opened = [archive.path for archive, _ in engine.archives.opened.values()]
    running = [view for view in engine.mirrors.views() if view.state is State.RUNNING]
    return await in_use.in_use(
        engine.database.read, [*opened, *(path for view in running for path in (view.source, view.target))]
    )


@HANDLERS.of(imports.DismissImport)
async def dismiss_import(engine: Engine, request: imports.DismissImport, caller: Caller) -> None:
    engine.views.dismiss(request.id)


@HANDLERS.of(imports.FileDetails)
async def file_details(engine: Engine, request: imports.FileDetails, caller: Caller) -> list[tuple[str, str]]:
    return await file_list.details(engine.database.read, request.file)


@HANDLERS.of(imports.FailureCauses)
async def failure_causes(engine: Engine, request: imports.FailureCauses, caller: Caller) -> list[FailureGroup]:
    return await failures.groups(engine.database.read, request.name, advice)


@HANDLERS.of(imports.FailedFiles)
async def failed_files(engine: Engine, request: imports.FailedFiles, caller: Caller) -> list[Failure]:
    return await failures.page(engine.database.read, request.name, request.cause, request.offset)


@HANDLERS.of(imports.GetReceipt)
async def get_receipt(engine: Engine, request: imports.GetReceipt, caller: Caller) -> None:
    async with aclosing(receipt_spool.receipt(engine.database.read, request.name, request.form)) as parts:
        async for text in parts:
            await caller.text(text)


@HANDLERS.of(imports.HashList)
async def hash_list(engine: Engine, request: imports.HashList, caller: Caller) -> results.Exported:
    if request.folder:
        folder = os.fsdecode(request.folder)
        path, files, left_out = await engine.hash_lists.beside(request.name, folder, classic=request.classic)
        return results.Exported(path=encodable(path), files=files, left_out=left_out)
    with receipt_spool.Spool() as spool:
        files, left_out = await engine.hash_lists.manifest(request.name, spool.add, classic=request.classic)
        for text in spool.pieces():
            await caller.text(text)
    return results.Exported(path="", files=files, left_out=left_out)


@HANDLERS.of(imports.GetReport)
async def get_report(engine: Engine, request: imports.GetReport, caller: Caller) -> None:
    await caller.whole_text(engine.pages.report(request.name, embed=request.embed))


def _requests(request: imports.StartImports | imports.DryRun) -> list[ImportRequest]:
    return [source.request() for source in request.sources]
