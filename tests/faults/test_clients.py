"""Many clients attached to a real engine in the middle of an import, most of which never read."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from core.models import State, Verdict
from core.protocol import CALLS, Pushed
from core.protocol.import_requests import ListFiles
from core.protocol.requests import Look, Subscribe
from core.protocol.transport import BUFFER
from tests.core.engine.stub import Raw
from tests.rigs.engines import SLOWLY, attached, card, clip, freeze, request, swept, the_engine, view

pytestmark = pytest.mark.timeout(300)

MANY, PUSHES = 40, 40
PAGE = 200 << 10
"""Bytes that a page of files hardly exceeds."""
SLACK = 24 << 20
"""Bytes that an engine in the middle of an import grows by anyway."""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with swept(tmp_path / "home") as home:
        yield home


async def test_clients_that_never_read_cost_a_bounded_sum(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "archive"
    for name, value in SLOWLY.items():
        monkeypatch.setenv(name, value)
    async with attached(home) as client, AsyncExitStack() as stack:
        # So that there is something to ask for.
        (first,) = await client.start_imports([request(card(tmp_path / "small", 2000, 1000), archive)])
        await client.wait([first])
        (name,) = await client.start_imports([request(clip(tmp_path / "card", 256 << 20), archive)])
        frozen = freeze(home)
        memory = the_engine(home).memory_info
        before = memory().rss
        for _ in range(MANY):
            one = await stack.enter_async_context(Raw(home))
            await one.hello()
            await one.ask(Subscribe())
            for number in range(CALLS):
                await one.call(ListFiles(name=first) if number % 2 else Look())
        reading = await stack.enter_async_context(Raw(home))
        await reading.hello()
        await reading.ask(Subscribe())
        for _ in range(PUSHES):
            assert isinstance(await reading.read(), Pushed)
        assert memory().rss - before < MANY * (2 * PAGE + BUFFER) + SLACK
        for worker in frozen:
            worker.resume()
        await client.wait([name])
        assert (await view(client, name)).state is State.DONE
        assert (await view(client, name)).verdict is Verdict.SAFE
