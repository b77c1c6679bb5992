"""Hooks at the end of an import: each is told once, retried after a failure, and limited in time; imports do not
wait for them."""

import asyncio
import json
import logging
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import psutil
import pytest
import pytest_asyncio

from core.catalog import Catalog
from core.config import Config
from core.database import Database
from core.engine import hook_delivery
from core.engine import hooks as module
from core.engine.engine import Engine
from core.engine.hook_message import Ending
from core.engine.hooks import Hooks
from core.models import ImportRequest, State
from core.presets import Hook
from core.receipts.timestamps import stamp
from tests.core.receipts.book import Book

pytestmark = pytest.mark.process


def command(script: str, *arguments: object) -> tuple[str, ...]:
    return (sys.executable, "-c", script, *map(str, arguments))


KEEP = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read() + '\\n')"
THIRD = KEEP + "; sys.exit('not yet' if len(open(sys.argv[1]).readlines()) < 3 else 0)"
HANG = "import subprocess, sys; subprocess.run(['sleep', '600'])"


@pytest_asyncio.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[Catalog]:
    """A catalog with one import that has ended."""
    database = await Database.open(str(tmp_path / "home"))
    book = Book(database)
    await book.setup()
    await book.add(name="1", verdict="SAFE", announced=0)
    yield await Catalog.open(database)
    await database.close()


@asynccontextmanager
async def telling(monkeypatch: pytest.MonkeyPatch, catalog: Catalog, *hooks: Hook) -> AsyncIterator[Hooks]:
    """Hooks of an engine that has started with this catalog, which are retried almost at once."""
    monkeypatch.setattr(module, "PAUSES", (0.01, 0.01))
    found = Hooks(catalog, lambda: hooks)
    try:
        yield found
    finally:
        await found.stop()


def row(state: State = State.DONE) -> Any:
    return SimpleNamespace(name="1", state=state)


def noted(told: list[str]) -> Any:
    async def deliver(hook: Hook, message: Ending) -> str:
        told.append(message.id)
        return ""

    return deliver


async def over(hooks: Hooks) -> None:
    async with asyncio.timeout(120):
        while hooks._tasks:
            await asyncio.wait(hooks._tasks)


@pytest.fixture
def posts() -> Iterator[tuple[str, list[bytes], list[int]]]:
    """A web server: its address, the bodies that it received, and the statuses that it will answer with."""
    got: list[bytes] = []
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/json"
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(statuses.pop(0) if statuses else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", got, statuses
        server.shutdown()
        thread.join()


async def test_an_import_is_told_to_a_command_and_an_address(
    tmp_path: Path, posts: tuple[str, list[bytes], list[int]]
) -> None:
    address, got, _ = posts
    out = tmp_path / "out"
    card = tmp_path / "card"
    card.mkdir()
    (card / "a.jpg").write_bytes(b"picture")
    hooks = (Hook(command=command(KEEP, out)), Hook(url=address))
    engine = Engine(Config(home=str(tmp_path / "home"), hooks=hooks))
    await engine.start()
    try:
        wanted = ImportRequest(source=str(card), archive=str(tmp_path / "archive"), location="Here", label="A001")
        (id,) = await engine.imports.start_imports([wanted])
        await engine.imports.wait([id])
        await over(engine.hooks)
        assert not engine.hooks.busy
        assert await engine.catalog.outbox() == []
        (found,) = await engine.catalog.imports("i.name = ?", (id,))
    finally:
        await engine.stop()
    told = json.loads(out.read_text())
    assert told == json.loads(got[0])
    receipt = tmp_path / "archive" / (told.pop("receipt") + ".txt")
    assert receipt.is_file()
    assert sum(told.pop("levels").values()) == 1
    assert told == {
        "event": "ended",
        "id": id,
        "label": "A001",
        "source": str(card),
        "archive": str(tmp_path / "archive"),
        "location": "Here",
        "location_folder": found.location_folder,
        "state": "done",
        "verdict": "SAFE",
        "reason": "",
        "seen": 1,
        "archived": 1,
        "duplicate": 0,
        "skipped": 0,
        "junk": 0,
        "failed": 0,
        "copies": {},
        "receipt_sha256": found.receipt,
        "started": stamp(found.started),
        "ended": stamp(found.ended or 0),
    }


async def test_what_fails_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalog: Catalog, posts: tuple[str, list[bytes], list[int]]
) -> None:
    address, got, statuses = posts
    statuses += [500, 404]
    out = tmp_path / "out"
    async with telling(monkeypatch, catalog, Hook(command=command(THIRD, out)), Hook(url=address)) as hooks:
        hooks.ended(row())
        await over(hooks)
    assert len(out.read_text().splitlines()) == len(got) == 3


async def test_what_never_works_is_given_up_and_noted(
    monkeypatch: pytest.MonkeyPatch, catalog: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    failing = (Hook(command=("/nowhere/notify",)), Hook(command=command("raise SystemExit('no such room')")))
    with caplog.at_level(logging.WARNING, "lading.hooks"):
        async with telling(monkeypatch, catalog, *failing, Hook(url="http://127.0.0.1:9/")) as hooks:
            hooks.ended(row())
            await over(hooks)
    why = [cast(Any, record).reason for record in caplog.records if cast(Any, record).again_in == "never"]
    assert len(why) == 3
    assert any("No such file" in one for one in why)
    assert any("no such room" in one for one in why)


async def test_a_command_that_hangs_is_ended_with_all_it_has_started(
    monkeypatch: pytest.MonkeyPatch, catalog: Catalog
) -> None:
    async with telling(monkeypatch, catalog, Hook(command=command(HANG), timeout=1)) as hooks:
        monkeypatch.setattr(module, "PAUSES", ())
        hooks.ended(row())
        await over(hooks)
    assert not [one for one in psutil.Process().children(recursive=True) if "sleep" in one.name()]


async def test_an_engine_that_ends_does_not_wait(monkeypatch: pytest.MonkeyPatch, catalog: Catalog) -> None:
    async with telling(monkeypatch, catalog, Hook(command=command(HANG), timeout=600)) as hooks:
        hooks.ended(row())
        async with asyncio.timeout(60):
            while not psutil.Process().children(recursive=True):  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.01)
        assert hooks.busy
    assert not hooks.busy
    assert not [one for one in psutil.Process().children(recursive=True) if "sleep" in one.name()]


async def test_nothing_is_told_of_what_has_not_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalog: Catalog
) -> None:
    async with telling(monkeypatch, catalog, Hook(command=command(KEEP, tmp_path / "out"))) as hooks:
        hooks.ended(row(State.PAUSED))
        assert not hooks.busy
        hooks.ended(row(State.CANCELLED))
        await over(hooks)
    assert len((tmp_path / "out").read_text().splitlines()) == 1


async def test_the_next_engine_tells_what_one_has_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalog: Catalog
) -> None:
    """The first engine ends while one hook hangs, and another one, which is not configured later, waits."""
    out, again = tmp_path / "out", Hook(command=command(HANG), timeout=600)
    left = Hook(command=("/nowhere/notify",))
    async with telling(monkeypatch, catalog, Hook(command=command(KEEP, out)), again, left) as hooks:
        monkeypatch.setattr(module, "PAUSES", (600.0,))
        hooks.ended(row())
        async with asyncio.timeout(60):
            while len(await catalog.outbox()) != 2 or not psutil.Process().children():  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
    assert [key for _, _, key in await catalog.outbox()] == [again.key, left.key]
    told: list[str] = []
    for _ in range(2):
        # The same hook, which has another time-out now, and does not hang.
        async with telling(monkeypatch, catalog, msgspec.structs.replace(again, timeout=5)) as hooks:
            monkeypatch.setattr(hook_delivery, "deliver", noted(told))
            await hooks.start()
            await over(hooks)
    assert told == ["1"], "once, and not again by the third engine"
    assert await catalog.outbox() == []
    assert len(out.read_text().splitlines()) == 1


async def test_an_end_that_was_not_announced_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalog: Catalog
) -> None:
    """The engine was killed right after the end. What has not ended is not told, nor what a rebuild brought."""
    book = Book(catalog.database)
    book.imports = 1
    await book.add(name="2", state=State.PAUSED, announced=0)
    await book.add(name="3")
    async with telling(monkeypatch, catalog, Hook(command=command(KEEP, tmp_path / "out"))) as hooks:
        await hooks.start()
        await over(hooks)
    assert json.loads((tmp_path / "out").read_text())["id"] == "1"
    assert await catalog.unannounced() == []


async def test_an_engine_tells_of_an_import_that_another_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, out = tmp_path / "card", tmp_path / "out"
    card.mkdir()
    (card / "a.jpg").write_bytes(b"picture")
    first = Engine(Config(home=str(tmp_path / "home")))
    await first.start()
    try:
        # As if it was killed before.
        monkeypatch.setattr(first.hooks, "ended", lambda row: None)
        wanted = ImportRequest(source=str(card), archive=str(tmp_path / "archive"), location="Here")
        (id,) = await first.imports.start_imports([wanted])
        await first.imports.wait([id])
    finally:
        await first.stop()
    for _ in range(2):
        engine = Engine(Config(home=str(tmp_path / "home"), hooks=(Hook(command=command(KEEP, out)),)))
        await engine.start()
        try:
            await over(engine.hooks)
        finally:
            await engine.stop()
    assert json.loads(out.read_text())["id"] == id, "one line: it was told once"
