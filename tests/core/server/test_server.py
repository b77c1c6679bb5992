"""The server, and clients that behave in every way."""

import asyncio
import json
import os
import time
from pathlib import Path

import msgspec
import pytest

from core import host, log, protocol
from core.models import ImportRequest
from core.protocol import LARGEST_REPLY, Answer, Call, Failed, Welcome, pack, transport
from core.protocol.archive_requests import Audit, GetThumbnail
from core.protocol.import_requests import CancelImport, DryRun, PauseImport, StartImports, WaitForImports, sources
from core.protocol.replies import Done, Returned, reply_of
from core.protocol.requests import Forget, Hello, Look, Status, Stop
from core.results import AuditResult
from tests.core.engine.stub import Raw, serving
from tests.rigs.engines import soon

pytestmark = pytest.mark.timeout(120)

SOURCES = sources([ImportRequest(source="/s", archive="/a", location="L")])


HELLO = pack(Call(number=1, request=Hello(version="1")))


async def _true(value: bool) -> bool:
    return value


async def test_a_frame_may_come_byte_by_byte(tmp_path: Path) -> None:
    async with serving(tmp_path), Raw(tmp_path) as slow:
        for at in range(len(HELLO)):
            await slow.send(HELLO[at : at + 1])
            await asyncio.sleep(0)
        answer = await slow.read()
        assert isinstance(answer, Answer)
        assert isinstance(answer.reply, Welcome)
        assert (answer.number, answer.reply.pid, answer.reply.clients) == (1, os.getpid(), 1)


async def test_calls_are_answered_when_they_are_done(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, stub), Raw(tmp_path) as one:
        await one.hello()
        waits = await one.call(WaitForImports(ids=("one",)))
        looks = await one.call(Look())
        first = await one.read()
        stub.go.set()
        second = await one.read()
        assert isinstance(first, Answer)
        assert isinstance(second, Answer)
        assert (first.number, second.number) == (looks, waits)


async def test_no_page_waits_for_an_archive(tmp_path: Path) -> None:
    """Its disk may not answer; pictures wait for each other."""
    async with serving(tmp_path) as (_, stub), Raw(tmp_path) as one:
        await one.hello()
        wanted = [await one.call(GetThumbnail(sha256=digit * 64)) for digit in "ab"]
        looks = await one.call(Look())
        first = await one.read()
        assert isinstance(first, Answer)
        assert (first.number, stub.told) == (looks, ["thumbnail"])
        stub.go.set()
        pictures = [await one.read(), await one.read()]
        assert [picture.number for picture in pictures if isinstance(picture, Answer)] == wanted


async def test_errors_are_values(tmp_path: Path) -> None:
    handler = log.begin(str(tmp_path))
    try:
        async with serving(tmp_path), Raw(tmp_path) as one:
            await one.hello()
            answer = await one.ask(PauseImport(id="none"))
            assert isinstance(answer, Answer)
            assert answer.reply == Failed(
                kind="UsageError", title="Wrong use", cause="there is no import none.", advice="Look."
            )
            answer = await one.ask(DryRun(sources=SOURCES))
            assert isinstance(answer, Answer)
            assert isinstance(answer.reply, Failed)
            assert answer.reply.cause == "ZeroDivisionError: by nothing."
    finally:
        log.end(handler)
    (noted,) = [json.loads(line) for line in log.last(str(tmp_path), 9) if "traceback" in line]
    assert noted["request"] == "DryRun"
    assert "in survey" in noted["traceback"]


async def test_an_answer_that_is_too_long_is_an_error(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, stub), Raw(tmp_path) as one:
        await one.hello()
        for text in ("x" * LARGEST_REPLY, "\udcff"):
            stub.text = text
            answer = await one.ask(Look())
            assert isinstance(answer, Answer)
            assert isinstance(answer.reply, Failed)


async def test_a_start_outlives_its_client_and_a_wait_does_not(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, stub):
        async with Raw(tmp_path) as one:
            await one.hello()
            await one.call(StartImports(sources=SOURCES))
            await one.call(WaitForImports(ids=("one",)))
            await soon(lambda: _true("wait" in stub.told))
        await soon(lambda: _true("waited for nothing" in stub.told))
        assert server.busy
        assert not server.attached
        stub.go.set()
        await soon(lambda: _true("started" in stub.told))
        await soon(lambda: _true(not server.busy))


async def test_a_start_that_is_not_wanted_any_more_is_paused(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, stub), Raw(tmp_path) as one:
        await one.hello()
        number = await one.call(StartImports(sources=SOURCES))
        await one.ask(Forget(call=number))
        stub.go.set()
        answer = await one.read()
        assert answer == Answer(number=number, reply=reply_of(["one"]))
        await soon(lambda: _true(stub.told == ["start", "started", "pause one by the user"]))


async def test_a_wait_that_is_not_wanted_any_more_ends(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, stub), Raw(tmp_path) as one:
        await one.hello()
        number = await one.call(WaitForImports(ids=("one",)))
        await one.call(Forget(call=number))
        await one.call(Forget(call=999))
        answers = [await one.read() for _ in range(3)]
        replies = {answer.number: answer.reply for answer in answers if isinstance(answer, Answer)}
        assert isinstance(replies.pop(number), Failed)
        assert list(replies.values()) == [Done(), Done()]
        assert stub.told == ["wait", "waited for nothing"]


async def test_an_import_that_is_not_in_hand_can_be_cancelled(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, stub), Raw(tmp_path) as one:
        await one.hello()
        await one.ask(CancelImport(id="one"))
        await one.ask(CancelImport(id="two"))
        assert stub.told == ["cancel one", "cancel two"]


async def test_an_audit_tells_how_far_it_is(tmp_path: Path) -> None:
    async with serving(tmp_path), Raw(tmp_path) as one:
        await one.hello()
        number = await one.call(Audit(archive=b"/a"))
        heard = [await one.read()]
        while not isinstance(heard[-1], Answer):
            heard.append(await one.read())
        assert isinstance(heard[-1].reply, Returned)
        assert msgspec.msgpack.decode(heard[-1].reply.value, type=AuditResult).level == "/a"
        assert all(isinstance(one, protocol.Progress) and one.number == number for one in heard[:-1])


async def test_it_stops_when_it_is_asked_to(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, stub), Raw(tmp_path) as one:
        await one.hello()
        async with Raw(tmp_path) as other:
            await other.hello()
            refused = await one.ask(Stop(if_idle=True))
            assert isinstance(refused, Answer)
            assert isinstance(refused.reply, Failed)
        await soon(lambda: _true(server.attached == 1))
        stub.busy = True
        refused = await one.ask(Stop(if_idle=True))
        assert isinstance(refused, Answer)
        assert isinstance(refused.reply, Failed)
        assert not server.stopping.is_set()
        stub.busy = False
        assert isinstance(await one.ask(Stop(if_idle=True)), Answer)
        assert server.stopping.is_set()
        server.shut()
        late = await one.ask(StartImports(sources=SOURCES))
        assert isinstance(late, Answer)
        assert isinstance(late.reply, Failed)
        assert isinstance(await one.ask(Status()), Answer)
        with pytest.raises(OSError, match="No such file"):
            await Raw(tmp_path).__aenter__()


async def test_it_does_not_leave_while_somebody_is_attached(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, _):
        async with Raw(tmp_path) as one:
            await one.hello()
            assert not server.leave()
        await soon(lambda: _true(not server.attached))
        assert server.leave()


async def test_a_socket_that_was_removed_is_made_again(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, _), Raw(tmp_path) as one:
        await one.hello()
        await server.mend()
        os.unlink(transport.find(str(tmp_path)))
        await server.mend()
        assert isinstance(await one.ask(Look()), Answer)
        async with Raw(tmp_path) as other:
            await other.hello()


@pytest.mark.parametrize("step", [-56 * 365 * 86_400.0, 0.0, 365 * 86_400.0])
async def test_it_began_as_long_ago_as_it_did_whatever_the_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    clock, up = [1_800_000_000.0], [500.0]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    monkeypatch.setattr(host, "uptime", lambda: up[0])
    async with serving(tmp_path) as (server, _):
        clock[0] += step + 60.0
        up[0] += 60.0
        assert clock[0] - server.welcome().since == 60.0
