"""The app in a process of its own, on the terminal it is started in, with a fake engine that is at work."""

import asyncio
import math
import os
import sys

from core.config import Config
from core.snapshot import Snapshot
from tests.tui.app.fake import Fake
from tests.tui.app.moments import B002, C003, FLIGHTS, GB, MB, RATES, changed, moment
from tests.tui.views import count
from tui import start
from tui.app import LadingApp
from tui.console import output

PERIOD = 0.25


class Busy(Fake):
    """Four snapshots a second, in each of which everything has moved on."""

    async def start(self) -> None:
        await super().start()
        self.working = asyncio.create_task(self._work())

    async def _work(self) -> None:
        step = 0
        while True:
            self.push(at(step))
            step += 1
            await asyncio.sleep(PERIOD)


def at(step: int) -> Snapshot:
    """The moment after so many steps."""
    seconds = step * PERIOD

    def rate(shift: float) -> float:
        return (400 + 90 * math.sin((seconds + shift) / 7)) * MB

    def history(shift: float) -> tuple[float, ...]:
        return tuple((400 + 90 * math.sin((int(seconds) - back + shift) / 7)) * MB for back in range(119, -1, -1))

    done = int(step * 100 * MB)
    views = tuple(
        changed(
            view,
            archived=count(70 + step // 2, 22 * GB + done),
            todo=count(max(0, 159 - step // 2), max(0, 39 * GB - done)),
            rate=rate(0),
            seconds_left=max(0.0, 194.0 - seconds),
        )
        for view in (B002, C003)
    )
    rates = changed(
        RATES,
        read=rate(0),
        written=rate(1),
        verified=rate(2),
        read_history=history(0),
        written_history=history(1),
        verified_history=history(2),
    )
    flights = tuple(changed(one, position=(one.position + done) % one.size if one.size else 0) for one in FLIGHTS)
    base = moment()
    return moment(time=base.time + seconds, imports=(base.imports[0], *views), rates=rates, in_flight=flights)


def main() -> int:
    """Run it."""
    console = output.console()
    settings = Config(home=os.environ.get("CHILD_HOME", "/nowhere"))
    return start.show(LadingApp(settings, Busy, utf8=console.out.utf8, volumes=list), console)


if __name__ == "__main__":
    sys.exit(main())
