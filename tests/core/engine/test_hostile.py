"""Clients that say what none may say, or more than is good, or never listen."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from core.protocol import CALLS, LARGEST_REQUEST, Answer, Call, Pushed, pack
from core.protocol.import_requests import WaitForImports
from core.protocol.replies import Done
from core.protocol.requests import Hello, Look, Subscribe
from core.server.server import CLIENTS_AT_ONCE
from tests.core.engine.stub import Raw, serving
from tests.rigs.engines import soon

pytestmark = pytest.mark.timeout(120)


def frame(value: object) -> bytes:
    data = msgspec.msgpack.encode(value)
    return len(data).to_bytes(4, "big") + data


HELLO = pack(Call(number=1, request=Hello(version="1")))

DEEP = b"\x83\xa4type\xa4call\xa6number\x02\xa7request" + b"\x91" * 90_000

HOSTILE = {
    "nothing": b"\0\0\0\0",
    "far too large": b"\xff\xff\xff\xff",
    "a little too large": (LARGEST_REQUEST + 1).to_bytes(4, "big"),
    "no MessagePack": b"\0\0\0\4\xc1\xc1\xc1\xc1",
    "a list of four thousand million": b"\0\0\0\5\xdd\xff\xff\xff\xff",
    "a map of four thousand million": b"\0\0\0\5\xdf\xff\xff\xff\xff",
    "bytes that are not there": b"\0\0\0\5\xc6\xff\xff\xff\xff",
    "deeper than any stack": (100_000).to_bytes(4, "big") + b"\x91" * 100_000,
    "a deep request": len(DEEP).to_bytes(4, "big") + DEEP,
    "no text": b"\0\0\0\3\xa2\xff\xfe",
    "no map": frame([1, 2, 3]),
    "an answer": pack(Answer(number=1, reply=Done())),
    "no number": frame({"type": "call", "request": {"type": "look"}}),
    "number nought": frame({"type": "call", "number": 0, "request": {"type": "look"}}),
    "an endless number": frame({"type": "call", "number": 2**63, "request": {"type": "look"}}),
    "no request": frame({"type": "call", "number": 2, "request": {"type": "nothing"}}),
    "a field of another kind": frame({"type": "call", "number": 2, "request": {"type": "pause", "id": 7}}),
    "an endless name": frame({"type": "call", "number": 2, "request": {"type": "pause", "id": "x" * 201}}),
}


@pytest.mark.parametrize("greeted", [True, False])
@pytest.mark.parametrize("what", HOSTILE)
async def test_what_none_may_say_ends_that_connection_only(tmp_path: Path, what: str, greeted: bool) -> None:
    async with serving(tmp_path) as (server, _), Raw(tmp_path) as good, Raw(tmp_path) as bad:
        await good.hello()
        if greeted:
            await bad.hello()
        await bad.send(HOSTILE[what])
        assert await bad.ended()
        assert isinstance(await good.ask(Look()), Answer)
        await soon(lambda: _true(len(server.clients) == 1))


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(some.lists(some.binary(max_size=40), max_size=5))
def test_no_bytes_trouble_the_server(tmp_path: Path, pieces: list[bytes]) -> None:
    async def talk() -> None:
        async with serving(tmp_path) as _, Raw(tmp_path) as bad, Raw(tmp_path) as good:
            await bad.send(HELLO)
            for piece in pieces:
                try:
                    await bad.send(len(piece).to_bytes(4, "big") + piece)
                except ConnectionError:
                    break
            assert isinstance(await good.ask(Hello(version="1")), Answer)

    asyncio.run(talk())


async def test_who_does_not_say_hello_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.server.session.GREETING", 0.05)
    async with serving(tmp_path) as (server, _), Raw(tmp_path) as silent, Raw(tmp_path) as rude:
        await rude.call(Look())
        assert await rude.ended()
        assert await silent.ended()
        assert server.attached == 0


async def test_a_number_twice_ends_the_connection(tmp_path: Path) -> None:
    async with serving(tmp_path), Raw(tmp_path) as bad:
        await bad.hello()
        await bad.send(2 * pack(Call(number=7, request=WaitForImports(ids=("one",)))))
        assert await bad.ended()


async def test_snapshots_are_pushed(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, stub), Raw(tmp_path) as one:
        await one.hello()
        await one.ask(Subscribe())
        for text in ("a", "b"):
            stub.text = text
            while (pushed := await one.read()) != Pushed(snapshot=stub.snapshot()):
                assert isinstance(pushed, Pushed)


async def test_a_client_that_does_not_read_costs_one_frame(tmp_path: Path) -> None:
    many, size = 8, 1 << 20
    async with serving(tmp_path) as (server, stub), Raw(tmp_path) as good:
        stub.text = "x" * size
        largest = len(pack(Pushed(snapshot=stub.snapshot())))
        stalled = [Raw(tmp_path) for _ in range(many)]
        try:
            for one in stalled:
                await one.__aenter__()
                await one.hello()
                await one.ask(Subscribe())
                for _ in range(CALLS):
                    await one.call(Look())
            await good.hello()
            await good.ask(Subscribe())
            for _ in range(10):
                assert isinstance(await good.read(), Pushed)
                assert server.buffered <= (many + 1) * largest
            assert len(server.clients) == many + 1
            # Who begins to read again gets what was under way, then the newest.
            stub.text = "new"
            while not isinstance(found := await stalled[0].read(), Pushed) or found.snapshot.version != "new":
                pass
        finally:
            for one in stalled:
                await one.__aexit__()


async def test_a_client_with_too_many_calls_is_not_read(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, stub), Raw(tmp_path) as greedy, Raw(tmp_path) as good:
        await greedy.hello()
        for _ in range(CALLS + 8):
            await greedy.call(WaitForImports(ids=("one",)))
        await good.hello()
        await good.ask(Look())
        assert stub.told.count("wait") == CALLS
        stub.go.set()
        for _ in range(CALLS + 8):
            await greedy.read()


async def test_only_so_many_clients_are_let_in(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, _):
        clients = [Raw(tmp_path) for _ in range(CLIENTS_AT_ONCE)]
        for one in clients:
            await one.__aenter__()
            await one.hello()
        async with Raw(tmp_path) as late:
            assert await late.ended()
        await clients.pop().__aexit__()
        await soon(lambda: _true(len(server.clients) < CLIENTS_AT_ONCE))
        async with Raw(tmp_path) as later:
            await later.hello()
        for one in clients:
            await one.__aexit__()


async def _true(value: bool) -> bool:
    return value
