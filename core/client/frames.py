"""Calls as frames, and what their replies mean."""

from typing import TypeVar

import msgspec

from core.errors import EngineError, EngineLostError, UsageError
from core.protocol import (
    FRAME,
    LARGEST_REQUEST,
    Call,
    Failed,
    FromEngine,
    Reply,
    Request,
    encodable,
    pack,
    unpacker,
)

R = TypeVar("R")

ANSWER = 10.0
"""Seconds an engine has for its greeting."""

told: "msgspec.msgpack.Decoder[FromEngine]" = unpacker(FromEngine)
"""Takes apart what an engine says."""


def frame(number: int, request: Request) -> bytes:
    """A call. Raises UsageError when it cannot be sent."""
    try:
        made = pack(Call(number=number, request=request))
    except UnicodeEncodeError as error:
        raise UsageError(f"{encodable(error.object)!r} is not text.", "Give text in UTF-8.") from error
    if len(made) - FRAME > LARGEST_REQUEST:
        raise UsageError("that is too much for one request.", "Give fewer sources at once.")
    return made


def meant(reply: Reply, wanted: type[R]) -> R:
    """The reply that was wanted. Raises the engine's LadingError, EngineError for any other."""
    if isinstance(reply, Failed):
        raise reply.error()
    if not isinstance(reply, wanted):
        raise EngineError(f"it answered with {type(reply).__name__}.")
    return reply


def lost() -> EngineLostError:
    """The error for an engine that ends before its answer."""
    return EngineLostError("it went before it had answered.", "What it was doing: lading status")


def silent(seconds: float) -> EngineError:
    """The error for an engine that does not even greet."""
    return EngineError(
        f"it does not answer within {seconds:.0f} seconds.", "See what it does: lading log; or end its process."
    )
