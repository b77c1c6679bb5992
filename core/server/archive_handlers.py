"""Handlers of the requests about archives: what is done to them, and what they hold."""

import os

from core import details, results
from core.catalog import archive_places
from core.engine.engine import Engine
from core.paths import encodable, encode, is_remote
from core.protocol import archive_requests as archives
from core.server.caller import Caller, HandlerTable

HANDLERS = HandlerTable()


@HANDLERS.of(archives.Audit)
async def audit(engine: Engine, request: archives.Audit, caller: Caller) -> results.AuditResult:
    return await engine.maintenance.audit(os.fsdecode(request.archive), caller.progress, request.scope())


@HANDLERS.of(archives.Check)
async def check(engine: Engine, request: archives.Check, caller: Caller) -> results.CheckResult:
    source, archive = os.fsdecode(request.source), os.fsdecode(request.archive)
    return await engine.restore_check.check(
        source, archive, caller.progress, read=request.read, copies=request.copies
    )


@HANDLERS.of(archives.Missing)
async def missing(engine: Engine, request: archives.Missing, caller: Caller) -> results.CheckResult:
    source, archive = os.fsdecode(request.source), os.fsdecode(request.archive)

    async def tell(found: list[tuple[bytes, str]]) -> None:
        if lines := "".join(f"{encode(path)}\t{why}\n" for path, why in found):
            await caller.text(encodable(lines))

    return await engine.restore_check.missing(source, archive, caller.progress, tell)


@HANDLERS.of(archives.Restore)
async def restore(engine: Engine, request: archives.Restore, caller: Caller) -> results.RestoreResult:
    return await engine.restore_check.restore(
        request.name,
        os.fsdecode(request.target),
        caller.progress,
        request.options(),
        archive=os.fsdecode(request.archive),
        find=request.find,
        environ=request.environ,
    )


@HANDLERS.of(archives.StartMirror)
async def start_mirror(engine: Engine, request: archives.StartMirror, caller: Caller) -> str:
    source, target = os.fsdecode(request.source), os.fsdecode(request.target)
    return await engine.mirrors.start(source, target, both=request.both, environ=request.environ)


@HANDLERS.of(archives.MirrorResults)
async def mirror_results(
    engine: Engine, request: archives.MirrorResults, caller: Caller
) -> list[results.MirrorResult]:
    return list(await engine.mirrors.results(request.id))


@HANDLERS.of(archives.GetOffsiteResult)
async def get_offsite_result(
    engine: Engine, request: archives.GetOffsiteResult, caller: Caller
) -> results.OffsiteResult:
    return await engine.mirrors.offsite_result(request.id)


@HANDLERS.of(archives.Rebuild)
async def rebuild(engine: Engine, request: archives.Rebuild, caller: Caller) -> results.Rebuilt:
    if is_remote(request.archive):
        return await engine.offsite.rebuild(os.fsdecode(request.archive), request.environ)
    return await engine.maintenance.rebuild(os.fsdecode(request.archive), caller.progress)


@HANDLERS.of(archives.AdjustDates)
async def adjust_dates(engine: Engine, request: archives.AdjustDates, caller: Caller) -> results.Adjusted:
    return await engine.maintenance.adjust(request.text, request.correction, request.by, dry=request.dry)


@HANDLERS.of(archives.Tidy)
async def tidy(engine: Engine, request: archives.Tidy, caller: Caller) -> results.Tidied:
    return await engine.maintenance.tidy(os.fsdecode(request.archive), remove=not request.dry)


@HANDLERS.of(archives.AddMissingJobs)
async def add_missing_jobs(engine: Engine, request: archives.AddMissingJobs, caller: Caller) -> int:
    return await engine.maintenance.derive(os.fsdecode(request.archive))


@HANDLERS.of(archives.GetSheet)
async def get_sheet(engine: Engine, request: archives.GetSheet, caller: Caller) -> None:
    await caller.whole_text(engine.pages.sheet(request.what, embed=request.embed))


@HANDLERS.of(archives.GetThumbnail)
async def get_thumbnail(engine: Engine, request: archives.GetThumbnail, caller: Caller) -> bytes:
    return await engine.pages.thumbnail(bytes.fromhex(request.sha256))


@HANDLERS.of(archives.GetFilmStrip)
async def get_film_strip(engine: Engine, request: archives.GetFilmStrip, caller: Caller) -> bytes:
    return await engine.film_strips.of(bytes.fromhex(request.sha256))


@HANDLERS.of(archives.CopyToView)
async def copy_to_view(engine: Engine, request: archives.CopyToView, caller: Caller) -> str:
    return await engine.view_copies.of(bytes.fromhex(request.sha256), request.name)


@HANDLERS.of(archives.ShowItems)
async def show_items(engine: Engine, request: archives.ShowItems, caller: Caller) -> list[details.ItemView]:
    return await engine.queries.show(request.wanted, request.path, raw=request.raw)


@HANDLERS.of(archives.ListArchives)
async def list_archives(
    engine: Engine, request: archives.ListArchives, caller: Caller
) -> list[results.ArchivePlace]:
    return await archive_places.places(engine.database.read)


@HANDLERS.of(archives.ListLocations)
async def list_locations(
    engine: Engine, request: archives.ListLocations, caller: Caller
) -> list[details.LocationView]:
    return await engine.queries.locations(os.fsdecode(request.archive))


@HANDLERS.of(archives.DescribeLocation)
async def describe_location(
    engine: Engine, request: archives.DescribeLocation, caller: Caller
) -> details.LocationView:
    view = await engine.queries.describe(os.fsdecode(request.archive), request.location, request.changes())
    if request.name is not None:
        await engine.locations_changed()
    return view
