"""What the engine does for each request that is about imports and archives."""

import os
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

from core.catalog import Selection, browse, failures, records
from core.errors import UsageError
from core.importing.advice import advice
from core.models import Count
from core.protocol import PAGE, Message, Part, Progress, Pushed, Reply, Request, encodable, pack, replies, requests
from core.receipts import history, mhl
from core.shown import Changes

if TYPE_CHECKING:
    from core.engine.engine import Engine


class Asker(Protocol):
    """The client that waits for the reply."""

    def offer(self, frame: bytes) -> None: ...
    async def send(self, message: Message) -> None: ...


async def reply(engine: "Engine", request: Request, number: int, asker: Asker) -> Reply:
    """Carry out a request. Raises LadingError."""

    def progress(checked: Count, total: Count) -> None:
        asker.offer(pack(Progress(number=number, checked=checked, total=total)))

    match request:
        case requests.Start(requests=wanted):
            names = await engine.start_imports([one.request() for one in wanted])
            return replies.Started(ids=tuple(names))
        case requests.Resume(id=name):
            await engine.resume_import(name)
        case requests.Again(id=name, cause=cause, files=ids):
            selection = Selection(cause=cause, ids=ids)
            return replies.Revived(count=await engine.retry_import(name, selection))
        case requests.Errors(name=name):
            groups = await failures.groups(engine.database.read, name, advice)
            return replies.ErrorGroups(groups=tuple(groups))
        case requests.Failures(name=name, cause=cause, offset=offset):
            found = await failures.page(engine.database.read, name, cause, offset)
            return replies.FailurePage(failures=tuple(found))
        case requests.Pause(id=name, reason=reason):
            await engine.pause_import(name, reason)
        case requests.Cancel(id=name):
            await engine.cancel_import(name)
        case requests.Wait(ids=names):
            await engine.wait(names)
        case requests.Look():
            return Pushed(snapshot=engine.snapshot())
        case requests.Prospect(requests=wanted):
            return replies.Surveys(surveys=tuple(await engine.survey([one.request() for one in wanted])))
        case requests.Check(source=source, archive=archive, read=read):
            said = await engine.outward.check(os.fsdecode(source), os.fsdecode(archive), progress, read=read)
            return replies.Checked(result=said)
        case requests.Restore(name=name, target=target, by_date=by_date):
            made = await engine.outward.restore(name, os.fsdecode(target), progress, by_date=by_date)
            return replies.Restored(result=made)
        case requests.Audit(archive=archive):
            scope = request.scope()
            return replies.Audited(result=await engine.upkeep.audit(os.fsdecode(archive), progress, scope))
        case requests.Rebuild(archive=archive):
            return replies.Rebuilt(result=await engine.upkeep.rebuild(os.fsdecode(archive), progress))
        case requests.Imports(before=before, unfinished=unfinished):
            page = await records.page(engine.database.read, engine.under_way, before, unfinished=unfinished)
            return replies.Records(records=tuple(page))
        case requests.Find(name=name):
            return replies.Records(records=(await records.find(engine.database.read, engine.under_way, name),))
        case requests.Files(name=name, outcomes=outcomes, text=text, offset=offset):
            total, more, files = await browse.page(engine.database.read, name, outcomes, text, offset)
            return replies.FilePage(total=total, more=more, files=tuple(files))
        case requests.Known(file=file):
            return replies.Facts(facts=tuple(await browse.known(engine.database.read, file)))
        case requests.Receipt(name=name, form=form):
            async with aclosing(records.receipt(engine.database.read, name, form)) as parts:
                async for text in parts:
                    await asker.send(Part(number=number, text=text))
        case requests.Move(name=name, location=location):
            return replies.Moved(result=await engine.upkeep.move(name, location))
        case requests.HashList(name=name, folder=folder) if folder:
            path, *counts = await history.begin(engine.database.read, engine.pool, name, os.fsdecode(folder))
            return replies.Exported(path=encodable(path), files=counts[0], left_out=counts[1])
        case requests.HashList(name=name):
            with records.Spool() as spool:
                counted = await mhl.write_mhl(engine.database.read, name, spool.add)
                for text in spool.pieces():
                    await asker.send(Part(number=number, text=text))
            return replies.Exported(path="", files=counted[0], left_out=counted[1])
        case requests.PauseQueue(queue=queue):
            await engine.queue_pause(queue)
        case requests.ResumeQueue(queue=queue):
            await engine.queue_resume(queue)
        case requests.SetSlots(queue=queue, slots=slots):
            await engine.queue_slots(queue, slots)
        case requests.Jobs(state=state, queue=queue, after=after):
            return replies.JobPage(jobs=tuple(await engine.jobs(state, queue, after, PAGE)))
        case requests.Retry(queue=queue, ids=ids):
            return replies.Revived(count=await engine.retry(queue, ids))
        case requests.Derive(archive=archive):
            return replies.Revived(count=await engine.upkeep.derive(os.fsdecode(archive)))
        case requests.Show(wanted=text, path=path, raw=raw):
            return replies.Items(items=tuple(await engine.known.show(text, path, raw=raw)))
        case requests.Locations(archive=archive):
            return replies.Located(locations=tuple(await engine.known.locations(os.fsdecode(archive))))
        case requests.Describe(archive=archive, location=location):
            changes = Changes(**{name: getattr(request, name) for name in Changes.__struct_fields__})
            return replies.Located(
                locations=(await engine.known.describe(os.fsdecode(archive), location, changes),)
            )
        case requests.Finish(ids=names):
            await engine.finish(names)
        case _:
            raise UsageError(f"{type(request).__name__} is not understood.")
    return replies.Done()
