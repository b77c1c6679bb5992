"""Handlers of the requests about queues of background jobs."""

from core.engine.engine import Engine
from core.listings import PAGE
from core.protocol import queue_requests as queues
from core.server.caller import Caller, HandlerTable
from core.snapshot import JobView

HANDLERS = HandlerTable()


@HANDLERS.of(queues.PauseQueue)
async def pause_queue(engine: Engine, request: queues.PauseQueue, caller: Caller) -> None:
    await engine.jobs.worker.pause(request.queue)


@HANDLERS.of(queues.ResumeQueue)
async def resume_queue(engine: Engine, request: queues.ResumeQueue, caller: Caller) -> None:
    await engine.jobs.worker.resume(request.queue)


@HANDLERS.of(queues.SetSlots)
async def set_slots(engine: Engine, request: queues.SetSlots, caller: Caller) -> None:
    await engine.jobs.worker.resize(request.queue, request.slots)


@HANDLERS.of(queues.ListJobs)
async def list_jobs(engine: Engine, request: queues.ListJobs, caller: Caller) -> list[JobView]:
    return await engine.jobs.page(request.state, request.queue, request.after, PAGE)


@HANDLERS.of(queues.RetryJobs)
async def retry_jobs(engine: Engine, request: queues.RetryJobs, caller: Caller) -> int:
    return await engine.jobs.retry(request.queue, request.ids, request.cause)
