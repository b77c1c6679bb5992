"""The network number finds itself: a server that bears only so many operations at once, through FUSE.

What it settles at is held against the best fixed number, later in the same import, to the same server.
"""

import asyncio
import errno
import itertools
import statistics
from pathlib import Path

import pytest

from core.concurrency import Controller
from core.config import Config, Workers
from core.importing import batches
from core.models import State
from tests.faults import scene
from tests.rigs import machines, passthrough
from tests.rigs.passthrough import Switch

pytestmark = [machines.root, pytest.mark.timeout(300)]

MOST = 12

DELAY = 0.1
"""Seconds that an operation takes."""

WORK = "write fsync open"
"""What the server is slow at and refuses, three times for each file: a worker does one after the other. Nothing
that changes a folder (create, unlink): the kernel lets only one at a time do that, so that fewer would arrive."""

TOGETHER = 8
"""Files in a batch instead of 512, so that a minute has as many batches as an hour."""

SETTLING, MEASURED = 4.0, 10.0
"""Seconds without a change of the number: at first batches of before end, then its rate is measured."""

PATIENCE = 120.0
"""Seconds within which it has settled."""


class Course:
    """How many files have arrived at each moment of an import, and how many batches were allowed."""

    def __init__(self, rig: scene.Rig, name: str) -> None:
        self._rig, self._name = rig, name
        self._clock = asyncio.get_running_loop().time
        self.found: list[tuple[float, int, int]] = []
        """Time, files, and the number."""

    @property
    def controller(self) -> Controller:
        """The archive's."""
        (found,) = (one for key, one in self._rig.engine.factory.controllers.items() if key.startswith("write "))
        return found

    async def until_settled(self) -> float:
        """Files a second while the number is the same for long enough, once files arrive."""
        self.found, began = [], self._clock()
        while self._clock() - began < PATIENCE:
            await asyncio.sleep(0.05)
            files = self._arrived()
            if files:
                self.found.append((self._clock(), files, self.controller.ceiling))
                same = [one for one in self.found if one[0] >= self._clock() - SETTLING - MEASURED]
                if len(same) < len(self.found) and len({number for _, _, number in same}) == 1:
                    return _rate(same)
        raise AssertionError(f"it does not settle: {self.numbers()}")

    def _arrived(self) -> int:
        views = {view.id: view for view in self._rig.engine.snapshot().imports}
        if self._name not in views:
            return 0
        view = views[self._name]
        assert (view.state, view.failed.files) == (State.RUNNING, 0), view
        assert view.todo.files or not view.listed, "too few files to measure it by"
        return view.archived.files

    def numbers(self) -> list[tuple[float, int]]:
        """Every change of the number, for who has to find out."""
        began = self.found[0][0] if self.found else 0.0
        runs = itertools.groupby(self.found, lambda one: one[2])
        return [(round(next(course)[0] - began, 1), number) for number, course in runs]


def _rate(course: list[tuple[float, int, int]]) -> float:
    """Files a second: the slope through the end of it, for they come by the batch."""
    end = [(when, files) for when, files, _ in course if when >= course[-1][0] - MEASURED]
    times, counts = zip(*end, strict=True)
    return statistics.linear_regression(times, counts).slope


@pytest.mark.parametrize(("bears", "files"), [(2, 600), (6, 1400), (12, 1800)])
async def test_it_settles_near_the_best_fixed_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bears: int, files: int
) -> None:
    monkeypatch.setattr(batches, "FILES_PER_BATCH", TOGETHER)
    # Nothing else holds the copies up.
    workers = Workers(hash=MOST, copy=MOST, verify=MOST)
    monkeypatch.setattr(
        scene.Rig, "config", lambda rig, home="home": Config(home=str(rig.root / home), workers=workers)
    )
    scene.pictures(tmp_path / "card", files, 4000)
    with passthrough.mounted(tmp_path / "nas", "sshfs") as nas:
        async with scene.engine_at(tmp_path, archive=nas.path / "archive") as rig:
            name = await rig.begun()
            # What an import has staged, and its journal: the archive's lock is renewed by one small file.
            nas.set(Switch(WORK, delay=DELAY, match=name), Switch(WORK, error=errno.EIO, match=name, above=bears))
            course = Course(rig, name)
            settled, numbers = await course.until_settled(), course.numbers()
            # One less leaves the server idle, one more is refused: no fixed number is better than this one.
            course.controller.resize(bears)
            monkeypatch.setattr(course.controller, "resize", lambda ceiling: None)
            best = await course.until_settled()
            nas.set()
            await rig.engine.imports.wait([name])
            scene.check_safe(rig.view(name))
    assert settled >= 0.9 * best, (settled, best, numbers)
