"""What the engine does for each request that is about imports and archives."""

import os
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

from core import records
from core.errors import UsageError
from core.models import Count
from core.protocol import (
    Audit,
    Audited,
    Cancel,
    Done,
    Find,
    Imports,
    Look,
    Message,
    Part,
    Pause,
    Progress,
    Prospect,
    Pushed,
    Receipt,
    Records,
    Reply,
    Request,
    Resume,
    Start,
    Started,
    Surveys,
    Wait,
    pack,
)

if TYPE_CHECKING:
    from core.engine import Engine


class Asker(Protocol):
    """The client that waits for the reply."""

    def offer(self, frame: bytes) -> None: ...
    async def send(self, message: Message) -> None: ...


async def reply(engine: "Engine", request: Request, number: int, asker: Asker) -> Reply:
    """Carry out a request. Raises LadingError."""
    match request:
        case Start(requests=wanted):
            names = await engine.start_imports([one.request() for one in wanted])
            return Started(ids=tuple(names))
        case Resume(id=name):
            await engine.resume_import(name)
        case Pause(id=name, reason=reason):
            await engine.pause_import(name, reason)
        case Cancel(id=name):
            if name not in engine.under_way:
                # To be closed with its receipt, it has to be opened.
                await engine.resume_import(name)
            await engine.cancel_import(name)
        case Wait(ids=names):
            await engine.wait(names)
        case Look():
            return Pushed(snapshot=engine.snapshot())
        case Prospect(requests=wanted):
            return Surveys(surveys=tuple(await engine.survey([one.request() for one in wanted])))
        case Audit(archive=archive):

            def progress(checked: Count, total: Count) -> None:
                asker.offer(pack(Progress(number=number, checked=checked, total=total)))

            return Audited(result=await engine.audit(os.fsdecode(archive), progress))
        case Imports(before=before, unfinished=unfinished):
            page = await records.page(engine.database.read, engine.under_way, before, unfinished=unfinished)
            return Records(records=tuple(page))
        case Find(name=name):
            return Records(records=(await records.find(engine.database.read, engine.under_way, name),))
        case Receipt(name=name, form=form):
            async with aclosing(records.receipt(engine.database.read, name, form)) as parts:
                async for text in parts:
                    await asker.send(Part(number=number, text=text))
        case _:
            raise UsageError(f"{type(request).__name__} is not understood.")
    return Done()
