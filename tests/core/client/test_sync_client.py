"""The line without an event loop: what it asks, what it hears, and an engine that goes."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from core.client import sync_client
from core.client.api import Through
from core.client.sync_client import Blocking, done
from core.errors import EngineError, EngineLostError, UsageError
from core.models import Count
from core.protocol import transport
from core.protocol.archive_requests import Audit
from tests.core.engine.stub import serving
from tests.rigs.engines import soon

T = TypeVar("T")


async def asked(home: Path, work: Callable[[Blocking], T]) -> T:
    """What `work` gives beside the engine's loop, as in another process."""

    def ask() -> T:
        line = sync_client.connect(str(home))
        assert line is not None
        try:
            return work(line)
        finally:
            line.close()

    return await asyncio.to_thread(ask)


async def test_it_asks_and_hears(tmp_path: Path) -> None:
    heard: list[int] = []

    def work(line: Blocking) -> tuple[str, str]:
        done(Through(line).pause_import("one"))
        audit = done(line.call(Audit(archive=b"/a"), progress=lambda checked, total: heard.append(checked.files)))
        return done(line.look()).version, audit.level

    async with serving(tmp_path) as (_, stub):
        stub.text = "a text"
        assert await asked(tmp_path, work) == ("a text", "/a")
        assert stub.told == ["pause one by the user"]
    assert heard == sorted(heard)


async def test_errors_are_the_engines_own(tmp_path: Path) -> None:
    async with serving(tmp_path):
        with pytest.raises(UsageError, match="there is no import none"):
            await asked(tmp_path, lambda line: done(Through(line).pause_import("none")))
        with pytest.raises(UsageError, match="is not text"):
            await asked(tmp_path, lambda line: done(Through(line).find("\udcff")))


async def test_who_listens_fails_in_its_own_name(tmp_path: Path) -> None:
    def hear(checked: Count, total: Count) -> None:
        raise BrokenPipeError

    async with serving(tmp_path):
        with pytest.raises(BrokenPipeError):
            await asked(tmp_path, lambda line: done(line.call(Audit(archive=b"/a"), progress=hear)))


async def test_an_engine_that_goes_before_its_answer(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, stub):
        waiting = asyncio.create_task(asked(tmp_path, lambda line: done(Through(line).wait(["one"]))))
        await soon(lambda: _told(stub.told))
        await server.close()
        with pytest.raises(EngineLostError):
            await waiting


async def _told(told: list[str]) -> bool:
    return "wait" in told


async def test_another_version_is_left_to_who_can_replace_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path):
        monkeypatch.setattr(sync_client, "VERSION", "0.0.1")
        assert await asyncio.to_thread(sync_client.connect, str(tmp_path)) is None
        found = await asyncio.to_thread(sync_client.connect_any_version, str(tmp_path))
        assert found is not None
        found[0].close()


def test_without_an_engine(tmp_path: Path) -> None:
    assert sync_client.connect(str(tmp_path)) is None


def test_one_that_does_not_greet_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_client, "GREETING_TIMEOUT", 0.01)
    ours, theirs = socket.socketpair()
    monkeypatch.setattr(transport, "connect", lambda home: ours)
    with theirs, pytest.raises(EngineError, match="does not answer"):
        sync_client.connect(str(tmp_path))
    assert ours.fileno() == -1


@pytest.mark.parametrize("said", [b"", b"\0\0\0\x01", b"\xff\xff\xff\xff", b"\0\0\0\x01\xc1"])
def test_what_makes_no_sense_is_a_lost_engine(said: bytes) -> None:
    ours, theirs = socket.socketpair()
    line = Blocking(ours)
    with theirs:
        theirs.sendall(said)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(EngineLostError):
            done(line.look())
    line.close()


def test_what_waits_for_a_loop_is_refused() -> None:
    with pytest.raises(RuntimeError):
        done(asyncio.sleep(0))
