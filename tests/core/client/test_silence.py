"""An engine that answers nothing while a command waits for it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from core import VERSION
from core.client import connection, silence, sync_client
from core.client.api import Through
from core.client.connection import Connection
from core.client.silence import AGAIN, SILENT, Silence
from core.ipc import read_frame
from core.protocol import LARGEST_REQUEST, Answer, Call, Welcome, pack, transport, unpacker
from core.protocol.any_request import AnyRequest
from core.protocol.replies import Done
from core.protocol.requests import Hello, Status
from tests.core.engine.stub import serving

CALLS = unpacker(Call[AnyRequest])


@pytest.fixture
def told() -> Iterator[list[str]]:
    """What a person is told."""
    told: list[str] = []
    silence.tell_by(told.append)
    yield told
    silence.tell_no_more(told.append)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (connection, sync_client):
        monkeypatch.setattr(module, "PULSE", 0.005)


@asynccontextmanager
async def mute(home: Path, go_on: asyncio.Event, version: str = VERSION) -> AsyncIterator[list[Call[AnyRequest]]]:
    """An engine that greets, answers nothing until `go_on`, and then everything; the calls that it got."""
    calls: list[Call[AnyRequest]] = []
    serving: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        try:
            while True:
                call = CALLS.decode(await read_frame(reader, LARGEST_REQUEST))
                calls.append(call)
                if not isinstance(call.request, Hello):
                    await go_on.wait()
                    reply: Welcome | Done = Done()
                else:
                    reply = Welcome(version=version, pid=1, since=0.0, busy=False, running=0, clients=1)
                writer.write(pack(Answer(number=call.number, reply=reply)))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    listening, _ = transport.listen(str(home))
    async with await asyncio.start_unix_server(serve, sock=listening):
        yield calls
        go_on.set()
        await asyncio.wait({task for task in serving if task is not None})


def kinds(calls: list[Call[AnyRequest]]) -> list[type]:
    return [type(call.request) for call in calls]


async def test_it_is_told_once_and_that_it_ended(tmp_path: Path, told: list[str]) -> None:
    go_on = asyncio.Event()
    async with mute(tmp_path, go_on) as calls:
        open, _ = await Connection.open(str(tmp_path))
        waiting = asyncio.create_task(open.pause_import("one"))
        while open._silence.pulses < 2 * SILENT:  # noqa: ASYNC110 - pulses are counted, nothing tells of them
            await asyncio.sleep(0)
        (words,) = told
        assert "does not answer" in words
        assert "lading log" in words
        go_on.set()
        await waiting
        assert told[1:] == [AGAIN]
        assert kinds(calls).count(Status) == 1
        await open.close()


async def test_without_a_loop_it_is_told_as_well(tmp_path: Path, told: list[str]) -> None:
    go_on = asyncio.Event()

    def ask() -> None:
        line = sync_client.connect(str(tmp_path))
        assert line is not None
        with_calls = Through(line)
        sync_client.done(with_calls.pause_import("one"))
        line.close()

    async with mute(tmp_path, go_on):
        asking = asyncio.create_task(asyncio.to_thread(ask))
        while not told:  # noqa: ASYNC110 - it is told in another thread
            await asyncio.sleep(0.005)
        assert "does not answer" in told[0]
        go_on.set()
        await asking
    assert told[1:] == [AGAIN]


async def test_who_waits_for_snapshots_is_told(tmp_path: Path, told: list[str]) -> None:
    async with mute(tmp_path, asyncio.Event()):
        open, _ = await Connection.open(str(tmp_path))
        open.pushed = lambda _: None
        while not told:  # noqa: ASYNC110 - pulses are counted, nothing tells of them
            await asyncio.sleep(0)
        await open.close()


async def test_an_engine_at_work_is_not_silent(
    tmp_path: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says nothing of the call for as long as that takes, but answers the question in between."""
    heard = 0
    hear = Silence.heard

    def counting(self: Silence) -> None:
        nonlocal heard
        heard += 1
        hear(self)

    monkeypatch.setattr(Silence, "heard", counting)
    monkeypatch.setattr(silence, "SILENT", 1_000_000)
    async with serving(tmp_path) as (_, stub):
        open, _ = await Connection.open(str(tmp_path))
        waiting = asyncio.create_task(open.wait(["one"]))
        while heard < 4:  # noqa: ASYNC110 - pulses are counted, nothing tells of them
            await asyncio.sleep(0)
        assert not waiting.done()
        stub.go.set()
        await waiting
        await open.close()
    assert told == []


async def test_an_engine_of_another_version_is_asked_nothing(tmp_path: Path, told: list[str]) -> None:
    """Only the greeting holds between versions."""
    async with mute(tmp_path, asyncio.Event(), "0.0.1") as calls:
        open, _ = await Connection.open(str(tmp_path))
        waiting = asyncio.create_task(open.wait(["one"]))
        while not told:  # noqa: ASYNC110 - pulses are counted, nothing tells of them
            await asyncio.sleep(0)
        assert Status not in kinds(calls)
        waiting.cancel()
        await open.close()


def test_the_last_who_hears_is_told_and_then_the_one_before(told: list[str]) -> None:
    nearer: list[str] = []
    quiet = Silence(0)
    silence.tell_by(nearer.append)
    for _ in range(SILENT):
        quiet.count_pulse()
    silence.tell_no_more(nearer.append)
    quiet.heard()
    assert [text.split()[2:5] for text in nearer] == [["does", "not", "answer;"]]
    assert told == [AGAIN]


def test_where_nobody_reads_it_the_command_goes_on() -> None:
    def closed(text: str) -> None:
        raise BrokenPipeError

    silence.tell_by(closed)
    try:
        quiet = Silence(7)
        assert [quiet.count_pulse() for _ in range(SILENT)].count(True) == 1
    finally:
        silence.tell_no_more(closed)
