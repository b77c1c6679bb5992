"""Encoding calls as frames, and turning replies into results or errors."""

from functools import cache
from types import NoneType
from typing import Any, TypeVar, get_type_hints

import msgspec

from core.client.silence import ADVICE
from core.errors import EngineError, EngineLostError, UsageError
from core.ipc import PREFIX_LENGTH
from core.paths import encodable
from core.protocol import (
    LARGEST_REQUEST,
    Call,
    Failed,
    FromEngine,
    Reply,
    Request,
    Returned,
    pack,
    unpacker,
)
from core.protocol.replies import Done
from core.protocol.requests import reply_type

R = TypeVar("R")

GREETING_TIMEOUT = 10.0
"""Seconds that an engine gets for its greeting."""

from_engine: "msgspec.msgpack.Decoder[FromEngine]" = unpacker(FromEngine)
"""Decodes an engine's messages."""


def frame(number: int, request: Request[Any]) -> bytes:
    """Encode a call. Raises UsageError when it cannot be sent."""
    try:
        made = pack(Call(number=number, request=request))
    except UnicodeEncodeError as error:
        raise UsageError(f"{encodable(error.object)!r} is not text.", "Give text in UTF-8.") from error
    except OverflowError as error:
        raise UsageError(f"{error}.", "Give a smaller number.") from error
    _check(request)
    if len(made) - PREFIX_LENGTH > LARGEST_REQUEST:
        raise UsageError(f"that is more than one request takes ({LARGEST_REQUEST:,} bytes).", "Give less at once.")
    return made


def _check(request: Request[Any]) -> None:
    """Raises UsageError for values for which the engine would close the connection."""
    kind = type(request)
    try:
        msgspec.convert(msgspec.to_builtins(request, builtin_types=(bytes,)), kind, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        for name, hint in get_type_hints(kind, include_extras=True).items():
            value = getattr(request, name)
            for limits in getattr(hint, "__metadata__", ()):
                if limits.max_length is not None and len(value) > limits.max_length:
                    of = "characters" if isinstance(value, str) else "entries"
                    raise UsageError(
                        f"{name}: {len(value):,} {of} are given, {limits.max_length:,} can be at most.",
                        "Give fewer.",
                    ) from error
        raise UsageError(f"{error}.", "Give what the help of the command says.") from error


def result_of(reply: Reply, request: Request[R]) -> R:
    """The value of the reply. Raises the engine's LadingError, and EngineError for a reply of another type."""
    wanted = reply_type(type(request))
    result: Any
    match reply:
        case Failed():
            raise reply.error()
        case Returned(value=value) if wanted is not NoneType:
            try:
                result = _decoder(type(request)).decode(value)
            except msgspec.MsgspecError as error:
                raise EngineError(f"its answer is not understood: {error}.") from error
        case Done() if wanted is NoneType:
            result = None
        case _ if isinstance(wanted, type) and isinstance(reply, wanted):
            result = reply
        case _:
            raise EngineError(f"it answered with {type(reply).__name__}.")
    answered: R = result
    return answered


@cache
def _decoder(kind: type[Request[Any]]) -> "msgspec.msgpack.Decoder[Any]":
    return msgspec.msgpack.Decoder(reply_type(kind))


def lost_error() -> EngineLostError:
    """The error for an engine that ends before its answer."""
    return EngineLostError("it went before it had answered.", "What it was doing: lading status")


def silent_error(pid: int) -> EngineError:
    """The error for an engine, process `pid` (0: unknown), that does not answer Hello in time."""
    who = f"process {pid}" if pid else "it"
    return EngineError(f"{who} does not answer within {GREETING_TIMEOUT:.0f} seconds.", ADVICE)
