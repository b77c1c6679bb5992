"""Handlers of all requests that are not about the connection: one function for each class."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, Protocol, TypeVar

from core import results
from core.catalog import Selection, card_list, failures, file_list, import_list
from core.engine.engine import Engine
from core.errors import UsageError
from core.importing.halt_reasons import advice
from core.models import (
    PAGE,
    Count,
    Failure,
    FailureGroup,
    FilePage,
    ImportRecord,
    ImportRequest,
    JobView,
    Snapshot,
)
from core.paths import encodable, encode
from core.protocol import Message, Part, Progress, Request, pack
from core.protocol import archive_requests as archives
from core.protocol import import_requests as imports
from core.protocol import queue_requests as queues
from core.protocol.requests import Look
from core.receipts import pieces

Q = TypeVar("Q", bound=Request[Any])
R = TypeVar("R")


class MessageSink(Protocol):
    """The connection to the client that waits for the reply."""

    def offer(self, frame: bytes) -> None: ...
    async def send(self, message: Message) -> None: ...


class Caller:
    """The caller of a request, to whom progress and text are sent before the reply."""

    def __init__(self, session: MessageSink, number: int) -> None:
        self._session = session
        self._number = number

    def progress(self, checked: Count, total: Count) -> None:
        """Send the progress; skipped while the client has not read what was sent before."""
        self._session.offer(pack(Progress(number=self._number, checked=checked, total=total)))

    async def text(self, text: str) -> None:
        """Send a part of the text that was asked for. Raises ConnectionError."""
        await self._session.send(Part(number=self._number, text=text))


Handler = Callable[[Engine, Q, Caller], Awaitable[R]]

HANDLERS: dict[type[Request[Any]], Handler[Any, Any]] = {}


async def handle(engine: Engine, request: Request[R], caller: Caller) -> R:
    """Carry out a request. Raises LadingError."""
    handler = HANDLERS.get(type(request))
    if handler is None:
        raise UsageError(f"{type(request).__name__} is not understood.")
    result: R = await handler(engine, request, caller)
    return result


def handles(kind: Callable[..., Request[R]]) -> Callable[[Handler[Q, R]], Handler[Q, R]]:
    """Register the function below as the handler of this class; it returns the value of the reply."""

    def add(function: Handler[Q, R]) -> Handler[Q, R]:
        assert isinstance(kind, type)  # noqa: S101 - for the type checker
        HANDLERS[kind] = function
        return function

    return add


# Imports


@handles(Look)
async def look(engine: Engine, request: Look, caller: Caller) -> Snapshot:
    return engine.snapshot()


@handles(imports.StartImports)
async def start_imports(engine: Engine, request: imports.StartImports, caller: Caller) -> list[str]:
    return await engine.imports.start_imports(_wanted(request))


@handles(imports.WatchCards)
async def watch_cards(engine: Engine, request: imports.WatchCards, caller: Caller) -> None:
    async with engine.arrivals.watched():
        # Ended by its client, or with that.
        await asyncio.Event().wait()


@handles(imports.HoldCards)
async def hold_cards(engine: Engine, request: imports.HoldCards, caller: Caller) -> int:
    return engine.arrivals.hold()


@handles(imports.DryRun)
async def dry_run(engine: Engine, request: imports.DryRun, caller: Caller) -> list[results.Survey]:
    return await engine.imports.survey(_wanted(request))


@handles(imports.ResumeImport)
async def resume_import(engine: Engine, request: imports.ResumeImport, caller: Caller) -> None:
    if request.id in engine.mirrors:
        await engine.mirrors.resume(request.id)
    else:
        await engine.imports.resume_import(request.id)


@handles(imports.RetryImport)
async def retry_import(engine: Engine, request: imports.RetryImport, caller: Caller) -> int:
    return await engine.imports.retry_import(request.id, Selection(cause=request.cause, ids=request.files))


@handles(imports.PauseImport)
async def pause_import(engine: Engine, request: imports.PauseImport, caller: Caller) -> None:
    if request.id in engine.mirrors:
        await engine.mirrors.pause(request.id)
    else:
        await engine.imports.pause_import(request.id, request.reason)


@handles(imports.CancelImport)
async def cancel_import(engine: Engine, request: imports.CancelImport, caller: Caller) -> None:
    if request.id in engine.mirrors:
        await engine.mirrors.cancel(request.id)
    else:
        await engine.imports.cancel_import(request.id)


@handles(imports.WaitForImports)
async def wait_for_imports(engine: Engine, request: imports.WaitForImports, caller: Caller) -> None:
    await engine.imports.wait(request.ids)
    for id in request.ids:
        # The verdict of an import may wait for its mirrors.
        await engine.mirrors.wait(id)


@handles(imports.WaitForJobs)
async def wait_for_jobs(engine: Engine, request: imports.WaitForJobs, caller: Caller) -> None:
    await engine.imports.finish(request.ids)


@handles(imports.AcceptImport)
async def accept_import(engine: Engine, request: imports.AcceptImport, caller: Caller) -> list[str]:
    return await engine.maintenance.accept(request.name, request.by)


@handles(imports.MoveImport)
async def move_import(engine: Engine, request: imports.MoveImport, caller: Caller) -> results.Moved:
    moved = await engine.maintenance.move(request.name, request.location)
    await engine.locations_changed()
    return moved


@handles(imports.DistinctSources)
async def distinct_sources(engine: Engine, request: imports.DistinctSources, caller: Caller) -> list[bytes]:
    return list(map(os.fsencode, await engine.restore_check.distinct(list(map(os.fsdecode, request.sources)))))


@handles(imports.ListImports)
async def list_imports(engine: Engine, request: imports.ListImports, caller: Caller) -> list[ImportRecord]:
    unfinished = request.unfinished
    return await import_list.page(
        engine.database.read, engine.imports.under_way, request.before, unfinished=unfinished
    )


@handles(imports.FindImport)
async def find_import(engine: Engine, request: imports.FindImport, caller: Caller) -> ImportRecord:
    return await import_list.find(engine.database.read, engine.imports.under_way, request.name)


# Files


@handles(imports.ListFiles)
async def list_files(engine: Engine, request: imports.ListFiles, caller: Caller) -> FilePage:
    total, more, files = await file_list.page(
        engine.database.read, request.name, request.outcomes, request.text, request.offset
    )
    return FilePage(total=total, more=more, files=tuple(files))


@handles(imports.FilePosition)
async def file_position(engine: Engine, request: imports.FilePosition, caller: Caller) -> int:
    return await file_list.position(engine.database.read, request.file)


@handles(imports.RecogniseFiles)
async def recognise_files(engine: Engine, request: imports.RecogniseFiles, caller: Caller) -> list[bool]:
    source, archive = os.fsdecode(request.source), os.fsdecode(request.archive)
    return await engine.imports.recognise(source, archive, request.files)


@handles(imports.ListCards)
async def list_cards(engine: Engine, request: imports.ListCards, caller: Caller) -> list[results.CardView]:
    return await card_list.cards(engine.database.read, frozenset(engine.imports.under_way))


@handles(imports.DismissImport)
async def dismiss_import(engine: Engine, request: imports.DismissImport, caller: Caller) -> None:
    engine.views.dismiss(request.id)


@handles(imports.FileDetails)
async def file_details(engine: Engine, request: imports.FileDetails, caller: Caller) -> list[tuple[str, str]]:
    return await file_list.known(engine.database.read, request.file)


@handles(imports.FailureCauses)
async def failure_causes(engine: Engine, request: imports.FailureCauses, caller: Caller) -> list[FailureGroup]:
    return await failures.groups(engine.database.read, request.name, advice)


@handles(imports.FailedFiles)
async def failed_files(engine: Engine, request: imports.FailedFiles, caller: Caller) -> list[Failure]:
    return await failures.page(engine.database.read, request.name, request.cause, request.offset)


@handles(imports.GetReceipt)
async def get_receipt(engine: Engine, request: imports.GetReceipt, caller: Caller) -> None:
    async with aclosing(pieces.receipt(engine.database.read, request.name, request.form)) as parts:
        async for text in parts:
            await caller.text(text)


@handles(imports.HashList)
async def hash_list(engine: Engine, request: imports.HashList, caller: Caller) -> results.Exported:
    if request.folder:
        folder = os.fsdecode(request.folder)
        path, files, left_out = await engine.hash_lists.beside(request.name, folder, classic=request.classic)
        return results.Exported(path=encodable(path), files=files, left_out=left_out)
    with pieces.Spool() as spool:
        files, left_out = await engine.hash_lists.manifest(request.name, spool.add, classic=request.classic)
        for text in spool.pieces():
            await caller.text(text)
    return results.Exported(path="", files=files, left_out=left_out)


# Archives


@handles(archives.Audit)
async def audit(engine: Engine, request: archives.Audit, caller: Caller) -> results.AuditResult:
    return await engine.maintenance.audit(os.fsdecode(request.archive), caller.progress, request.scope())


@handles(archives.Check)
async def check(engine: Engine, request: archives.Check, caller: Caller) -> results.CheckResult:
    source, archive = os.fsdecode(request.source), os.fsdecode(request.archive)
    return await engine.restore_check.check(
        source, archive, caller.progress, read=request.read, copies=request.copies
    )


@handles(archives.Missing)
async def missing(engine: Engine, request: archives.Missing, caller: Caller) -> results.CheckResult:
    source, archive = os.fsdecode(request.source), os.fsdecode(request.archive)

    async def tell(found: list[tuple[bytes, str]]) -> None:
        if lines := "".join(f"{encode(path)}\t{why}\n" for path, why in found):
            await caller.text(encodable(lines))

    return await engine.restore_check.missing(source, archive, caller.progress, tell)


@handles(archives.Restore)
async def restore(engine: Engine, request: archives.Restore, caller: Caller) -> results.RestoreResult:
    return await engine.restore_check.restore(
        request.name,
        os.fsdecode(request.target),
        caller.progress,
        by_date=request.by_date,
        portable=request.portable,
        archive=os.fsdecode(request.archive),
        naming=request.naming,
        dry=request.dry,
        find=request.find,
        links=request.links,
    )


@handles(archives.StartMirror)
async def start_mirror(engine: Engine, request: archives.StartMirror, caller: Caller) -> str:
    source, target = os.fsdecode(request.source), os.fsdecode(request.target)
    return await engine.mirrors.start(source, target, both=request.both)


@handles(archives.MirrorResults)
async def mirror_results(
    engine: Engine, request: archives.MirrorResults, caller: Caller
) -> list[results.MirrorResult]:
    return list(await engine.mirrors.results(request.id))


@handles(archives.Rebuild)
async def rebuild(engine: Engine, request: archives.Rebuild, caller: Caller) -> results.Rebuilt:
    return await engine.maintenance.rebuild(os.fsdecode(request.archive), caller.progress)


@handles(archives.AdjustDates)
async def adjust_dates(engine: Engine, request: archives.AdjustDates, caller: Caller) -> results.Adjusted:
    return await engine.maintenance.adjust(request.text, request.correction, request.by, dry=request.dry)


@handles(archives.Tidy)
async def tidy(engine: Engine, request: archives.Tidy, caller: Caller) -> results.Tidied:
    return await engine.maintenance.tidy(os.fsdecode(request.archive), remove=not request.dry)


@handles(archives.AddMissingJobs)
async def add_missing_jobs(engine: Engine, request: archives.AddMissingJobs, caller: Caller) -> int:
    return await engine.maintenance.derive(os.fsdecode(request.archive))


@handles(imports.GetReport)
async def get_report(engine: Engine, request: imports.GetReport, caller: Caller) -> None:
    await _give(engine.pages.report(request.name, embed=request.embed), caller)


@handles(archives.GetSheet)
async def get_sheet(engine: Engine, request: archives.GetSheet, caller: Caller) -> None:
    await _give(engine.pages.sheet(request.what, embed=request.embed), caller)


@handles(archives.GetThumbnail)
async def get_thumbnail(engine: Engine, request: archives.GetThumbnail, caller: Caller) -> bytes:
    return await engine.pages.thumbnail(bytes.fromhex(request.sha256))


@handles(archives.GetFilmStrip)
async def get_film_strip(engine: Engine, request: archives.GetFilmStrip, caller: Caller) -> bytes:
    return await engine.film_strips.of(bytes.fromhex(request.sha256))


@handles(archives.ShowItems)
async def show_items(engine: Engine, request: archives.ShowItems, caller: Caller) -> list[results.ItemView]:
    return await engine.queries.show(request.wanted, request.path, raw=request.raw)


@handles(archives.ListLocations)
async def list_locations(
    engine: Engine, request: archives.ListLocations, caller: Caller
) -> list[results.LocationView]:
    return await engine.queries.locations(os.fsdecode(request.archive))


@handles(archives.DescribeLocation)
async def describe_location(
    engine: Engine, request: archives.DescribeLocation, caller: Caller
) -> results.LocationView:
    view = await engine.queries.describe(os.fsdecode(request.archive), request.location, request.changes())
    if request.name is not None:
        await engine.locations_changed()
    return view


# Queues


@handles(queues.PauseQueue)
async def pause_queue(engine: Engine, request: queues.PauseQueue, caller: Caller) -> None:
    await engine.jobs.worker.pause(request.queue)


@handles(queues.ResumeQueue)
async def resume_queue(engine: Engine, request: queues.ResumeQueue, caller: Caller) -> None:
    await engine.jobs.worker.resume(request.queue)


@handles(queues.SetSlots)
async def set_slots(engine: Engine, request: queues.SetSlots, caller: Caller) -> None:
    await engine.jobs.worker.resize(request.queue, request.slots)


@handles(queues.ListJobs)
async def list_jobs(engine: Engine, request: queues.ListJobs, caller: Caller) -> list[JobView]:
    return await engine.jobs.page(request.state, request.queue, request.after, PAGE)


@handles(queues.RetryJobs)
async def retry_jobs(engine: Engine, request: queues.RetryJobs, caller: Caller) -> int:
    return await engine.jobs.retry(request.queue, request.ids, request.cause)


async def _give(text: AsyncIterator[str], caller: Caller) -> None:
    """Send a text to the caller, after all of it was made."""
    with pieces.Spool() as spool:
        async for piece in text:
            spool.add(piece)
        for part in spool.pieces():
            await caller.text(part)


def _wanted(request: imports.StartImports | imports.DryRun) -> list[ImportRequest]:
    return [source.request() for source in request.sources]
