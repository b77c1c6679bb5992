"""Messages as they travel."""

from typing import get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from core import errors, protocol
from core.errors import LadingError, SourceError, UsageError
from core.importing.halt_reasons import HaltError
from core.ipc import PREFIX_LENGTH
from core.models import ImportRequest
from core.protocol import Answer, Call, Failed, Pushed, Welcome, pack
from core.protocol.any_request import AnyRequest
from core.protocol.import_requests import PauseImport, SourceToImport, StartImports, sources
from core.protocol.replies import Done, reply_of
from core.protocol.requests import Hello, reply_type, request_types
from core.server.handlers import HANDLERS
from core.snapshot import Snapshot

CALL, FROM_ENGINE = protocol.unpacker(Call[AnyRequest]), protocol.unpacker(protocol.FromEngine)


def unpacked(frame: bytes, decoder: "msgspec.msgpack.Decoder[object]" = CALL) -> object:
    assert int.from_bytes(frame[:PREFIX_LENGTH], "big") == len(frame) - PREFIX_LENGTH
    return decoder.decode(frame[PREFIX_LENGTH:])


def test_a_frame_is_what_the_docstring_says() -> None:
    frame = pack(Call(number=1, request=Hello(version="1.2")))
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    assert msgspec.msgpack.decode(frame[4:]) == {
        "type": "call",
        "number": 1,
        "request": {"type": "hello", "version": "1.2"},
    }


def test_a_default_may_be_left_out() -> None:
    whole = {"type": "call", "number": 7, "request": {"type": "pauseimport", "id": "x"}}
    call = CALL.decode(msgspec.msgpack.encode(whole))
    assert call == Call(number=7, request=PauseImport(id="x"))


def test_every_message_says_its_name() -> None:
    kinds = [*protocol.Message.__subclasses__(), *request_types()]
    assert len(kinds) == len({kind.__name__.lower() for kind in kinds})
    assert all(kind.__struct_config__.tag == kind.__name__.lower() for kind in kinds)


def test_a_request_keeps_bytes_that_are_no_text() -> None:
    request = ImportRequest(
        source="/a\udcff", archive="/b\udc80", location="Müll", exclude=("\udcfe*",), note="n", libraries=True
    )
    frame = pack(Call(number=1, request=StartImports(sources=sources([request]))))
    call = unpacked(frame)
    assert isinstance(call, Call)
    assert isinstance(call.request, StartImports)
    assert [source.request() for source in call.request.sources] == [request]


def test_a_request_has_every_field() -> None:
    assert SourceToImport.__struct_fields__ == ImportRequest.__struct_fields__
    ours, theirs = msgspec.structs.fields(SourceToImport), msgspec.structs.fields(ImportRequest)
    assert [field.default for field in ours] == [field.default for field in theirs]


def test_an_error_travels() -> None:
    sent = Failed.of(SourceError("a\udcff is gone", "Look \x1b."))
    answer = unpacked(pack(Answer(number=1, reply=sent)), FROM_ENGINE)
    assert isinstance(answer, Answer)
    assert isinstance(answer.reply, Failed)
    error = answer.reply.error()
    assert type(error) is SourceError
    assert (error.title, error.cause, error.advice) == (SourceError.title, "a\\udcff is gone", "Look \x1b.")


def test_an_error_of_elsewhere_counts_as_its_nearest_kind() -> None:
    error = Failed.of(HaltError("x", "y")).error()
    assert type(error) is LadingError
    assert error.title == HaltError.title


@pytest.mark.parametrize("kind", ["Nothing", "annotations", "__name__", "os"])
def test_an_unknown_kind_of_error_is_any(kind: str) -> None:
    assert type(Failed(kind=kind, title="t", cause="c").error()) is LadingError


def test_every_error_travels() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, LadingError)]
    assert UsageError in kinds
    for kind in kinds:
        assert type(Failed.of(kind("c")).error()) is kind


@given(some.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    for decoder in (CALL, FROM_ENGINE):
        try:
            decoder.decode(data)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            continue


LEAVES = some.none() | some.integers(-5, 5) | some.text(max_size=5) | some.binary(max_size=5)


@given(some.recursive(LEAVES, some.lists))
def test_any_value_is_a_message_or_refused(value: object) -> None:
    whole = {"type": "call", "number": 1, "request": {"type": "hello", "version": value}}
    try:
        assert isinstance(CALL.decode(msgspec.msgpack.encode(whole)), Call)
    except msgspec.ValidationError:
        assert not isinstance(value, str)


@given(some.integers(0, 2**32 - 1), some.sampled_from(["hello", "startimports", "waitforimports", "nothing", ""]))
def test_a_number_is_positive(number: int, kind: str) -> None:
    whole = {
        "type": "call",
        "number": number,
        "request": {"type": kind, "version": "1", "sources": [], "ids": []},
    }
    try:
        call = CALL.decode(msgspec.msgpack.encode(whole))
    except msgspec.ValidationError:
        assert number == 0 or kind in ("nothing", "")
    else:
        assert call.number == number > 0


@pytest.mark.parametrize(
    "message",
    [
        Answer(number=3, reply=Done()),
        Answer(number=3, reply=Welcome(version="1", pid=2, busy=True)),
        Answer(number=3, reply=reply_of(["a", "b"])),
        Pushed(snapshot=Snapshot(time=1.0, version="1")),
        protocol.Part(number=1, text="ä"),
    ],
)
def test_what_the_engine_says_is_understood(message: protocol.Message) -> None:
    assert unpacked(pack(message), FROM_ENGINE) == message


def test_every_request_has_its_handler_which_returns_its_reply() -> None:
    connection = {"Hello", "Status", "Stop", "Subscribe", "Forget"}
    assert {kind.__name__ for kind in request_types()} == {kind.__name__ for kind in HANDLERS} | connection
    for kind, handler in HANDLERS.items():
        hints = get_type_hints(handler)
        assert hints["request"] is kind
        assert hints["return"] == reply_type(kind)
