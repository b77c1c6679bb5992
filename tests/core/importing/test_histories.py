"""Any history of one card and one archive leaves the archive right."""

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Literal

import pytest
import xxhash
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from core.engine import engine
from core.models import IN_ARCHIVE, Outcome, State, Verdict
from core.snapshot import ImportView
from tests.core.importing.rig import Rig, Still, StillWatch, digest, random_bytes, write

pytestmark = pytest.mark.process

NAMES = [f"{folder}{name}" for folder in ("", "DCIM/") for name in ("a.jpg", "b.cr3", "c.mov", "d")]
SIZES = [0, 1, 5000, (1 << 20) + 1, (8 << 20) + 1]

names = st.sampled_from(NAMES)
sizes = st.sampled_from(SIZES)
seeds = st.integers(0, 3)


class History(RuleBasedStateMachine):
    """`held` is what the archive must hold: all that was ever imported, but for what was deleted there."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(engine, "JobService", Still)
        self.patch.setattr(engine, "EndedImports", StillWatch)
        self.runner = asyncio.Runner()
        self.root = Path(tempfile.mkdtemp(prefix="lading-history-"))
        self.rig = Rig(self.root)
        self.rig.source.mkdir()
        self.held: set[str] = set()
        self.clock = 1_700_000_000 * 10**9
        self.run(self.rig.engine.start())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        try:
            self.run(self._ends_with_nothing_new())
        finally:
            self.run(self.rig.engine.stop())
            self.runner.close()
            self.patch.undo()
            shutil.rmtree(self.root)

    # The card

    @rule(name=names, size=sizes, seed=seeds)
    def put(self, name: str, size: int, seed: int) -> None:
        path = write(self.rig.source / name, random_bytes(size, seed))
        # A file system whose clock ticks slowly gives two files one time, and the record tells them by that.
        self.clock += 10**9
        os.utime(path, ns=(self.clock, self.clock))

    @rule(name=names)
    def remove(self, name: str) -> None:
        (self.rig.source / name).unlink(missing_ok=True)

    @rule(name=names, other=names)
    def rename(self, name: str, other: str) -> None:
        if (self.rig.source / name).exists():
            (self.rig.source / other).parent.mkdir(exist_ok=True)
            os.replace(self.rig.source / name, self.rig.source / other)

    # The archive

    @rule(index=st.integers(0, 20))
    def delete_payload(self, index: int) -> None:
        found = sorted(self.rig.payload().items()) if self.rig.archive.exists() else []
        if found:
            path, content = found[index % len(found)]
            (self.rig.archive / path).unlink()
            self.held.discard(content)

    @rule(known=st.sampled_from(["read", "record"]))
    def bring(self, known: Literal["read", "record"]) -> None:
        self.run(self._bring(known))

    async def _bring(self, known: Literal["read", "record"]) -> None:
        await self._ended(await self.rig.imported(known=known))

    @rule(delay=st.floats(0, 0.15), restart=st.booleans(), changes=st.booleans(), name=names)
    def bring_with_a_break(self, delay: float, restart: bool, changes: bool, name: str) -> None:
        self.run(self._bring_with_a_break(delay, restart, changes, name))

    async def _bring_with_a_break(self, delay: float, restart: bool, changes: bool, changed: str) -> None:
        name = await self.rig.begun()
        await asyncio.sleep(delay)
        if name in self.rig.engine.imports.under_way:
            self.rig.engine.imports.under_way[name].halt("a test")
        await self.rig.ended(name)
        if restart:
            await self.rig.restarted()
        (row,) = await self.rig.engine.catalog.imports("i.name = ?", (name,))
        if row.state == State.DONE:
            return
        before = {digest(path) for path in self.rig.source.rglob("*") if path.is_file()}
        rows = await self.rig.rows(name)
        todo = {path for path, row in rows.items() if row.outcome is Outcome.TODO}
        settled = {path for path, row in rows.items() if row.outcome in IN_ARCHIVE}
        if changes:
            write(self.rig.source / changed, random_bytes(3000, 99))
        view = await self.rig.resumed(name)
        if not changes:
            await self._ended(view)
            return
        other = os.fsencode(changed) in (settled or todo)
        if view.state is State.PAUSED:
            assert other
            assert "is not what this import began with" in view.reason
            await self.rig.engine.imports.cancel_import(name)
            assert (await self.rig.ended(name)).state is State.CANCELLED
        else:
            # It may have been over, but for its receipt; then it knows nothing of the change.
            assert not (other and todo)
            assert (view.state, view.todo.files) == (State.DONE, 0)
        self.held |= before & set(self.rig.payload().values())
        await self._right()

    @rule(delay=st.floats(0, 0.1))
    def cancelled(self, delay: float) -> None:
        self.run(self._cancelled(delay))

    async def _cancelled(self, delay: float) -> None:
        name = await self.rig.begun()
        await asyncio.sleep(delay)
        importer = self.rig.engine.imports.under_way.get(name)
        if importer is not None and not importer.ending:
            await self.rig.engine.imports.cancel_import(name)
        view = await self.rig.ended(name)
        assert view.state in (State.CANCELLED, State.DONE)
        rows = await self.rig.rows(name)
        arrived = {row.payload for row in rows.values() if row.outcome is Outcome.ARCHIVED}
        payload = self.rig.payload()
        assert arrived <= set(payload)
        self.held |= {payload[path] for path in arrived}
        await self._right()

    @rule()
    def restart(self) -> None:
        self.run(self.rig.restarted())

    @rule()
    def forget(self) -> None:
        """The catalog is lost, and built again from the archive."""
        self.run(self._forget())

    async def _forget(self) -> None:
        await self.rig.engine.stop()
        shutil.rmtree(self.root / "home")
        self.rig.engine = engine.Engine(self.rig.config())
        await self.rig.engine.start()

    # What must be so

    async def _ended(self, view: ImportView) -> None:
        assert view.state is State.DONE, view
        # Of nothing it is never said.
        found = any(path.is_file() for path in self.rig.source.rglob("*"))
        assert view.verdict is (Verdict.SAFE if found else Verdict.OPEN), view
        assert not view.failed.files, view
        assert view.todo.files == 0
        self.held |= {digest(path) for path in self.rig.source.rglob("*") if path.is_file()}
        await self._right()

    async def _right(self) -> None:
        payload = self.rig.payload()
        assert self.held <= set(payload.values())
        # No content twice, and every name tells what is in it: nothing is incomplete.
        assert len(payload) == len(set(payload.values()))
        for path in payload:
            with open(self.rig.archive / path, "rb") as file:  # noqa: ASYNC230
                assert xxhash.xxh3_128_hexdigest(file.read()) == Path(path).stem.partition("-")[0]
        items = await self.rig.engine.database.read("SELECT path, sha256, size FROM item")
        known = {path: (sha256.hex(), size) for path, sha256, size in items}
        assert len(known) == len(items)
        assert set(payload) <= set(known)
        for path, content in payload.items():
            assert known[path] == (content, (self.rig.archive / path).stat().st_size)
        left = await self.rig.engine.database.read("SELECT count(*) FROM import WHERE state = 'running'")
        assert left == [(0,)]

    async def _ends_with_nothing_new(self) -> None:
        first = await self.rig.imported()
        await self._ended(first)
        before = self.rig.payload()
        again = await self.rig.imported()
        assert again.archived.files == 0
        assert again.duplicate.files == first.archived.files + first.duplicate.files
        assert self.rig.payload() == before
        assert not self.rig.staged()
        digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in self.rig.receipts()}
        receipts = await self.rig.engine.database.read("SELECT receipt FROM import WHERE receipt != ''")
        assert {receipt for (receipt,) in receipts} <= digests


TestHistories = History.TestCase
TestHistories.settings = settings(
    max_examples=int(os.environ.get("TEST_HISTORIES", "8")),
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
