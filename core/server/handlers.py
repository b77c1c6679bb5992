"""All requests that are not about the connection, each with its handler: a module for each module of requests."""

from typing import TypeVar

from core.engine.engine import Engine
from core.errors import UsageError
from core.protocol import Request
from core.server import archive_handlers, import_handlers, queue_handlers
from core.server.caller import Caller

R = TypeVar("R")

HANDLERS = import_handlers.HANDLERS | archive_handlers.HANDLERS | queue_handlers.HANDLERS


async def handle(engine: Engine, request: Request[R], caller: Caller) -> R:
    """Carry out a request. Raises LadingError."""
    handler = HANDLERS.get(type(request))
    if handler is None:
        raise UsageError(f"{type(request).__name__} is not understood.")
    result: R = await handler(engine, request, caller)
    return result
