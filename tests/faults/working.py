"""Kill -9 of an engine while a queue is at work: what must hold at once, and once it was taken up. Shared by the
short and the long test."""

import asyncio
import os
import random
import re
import subprocess
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import psutil
from PIL import Image

from core.protocol.import_requests import WaitForJobs
from core.queue.queue_defs import QUEUES
from core.sqlite import sqlite3
from tests.rigs import bags
from tests.rigs.engines import PATIENCE, alive, attached, gone, kin, request, soon, the_engine
from tests.rigs.media import make_media, tool

NAMES = tuple(queue.name for queue in QUEUES)

_LINE = re.compile(rb"[0-9a-f]{64}  (?:data/)?[^\n]+\n")


def make_card(root: Path) -> Path:
    """Real pictures and films, some of them broken."""
    make_media(os.fsencode(root / "card"))
    return root / "card"


async def imported(home: Path, archive: Path, card: Path) -> None:
    """All is archived, and nothing done in the background yet."""
    async with attached(home) as client:
        for name in NAMES:
            await client.queue_pause(name)
        await client.wait(await client.start_imports([request(card, archive)]))


async def killed_at(home: Path, queue: str, chance: random.Random, longest: float, *, everything: bool) -> bool:
    """Kill the engine at a random moment after jobs of a queue were begun, no later than when none is at work any
    more; whether some were still. Where the queue has nothing left to do nobody is killed."""
    async with attached(home) as client:
        engine = the_engine(home)
        await client.queue_resume(queue)
        until = time.monotonic() + PATIENCE
        # All in one look: between two they may all have been begun.
        while not (left := _jobs(home, queue))["claimed"] and time.monotonic() < until:
            if not left["ready"] + left["waiting"]:
                return False
            await asyncio.sleep(0.002)
        moment = time.monotonic() + chance.uniform(0, longest)
        while (now := time.monotonic()) < moment and _jobs(home, queue)["claimed"]:  # noqa: ASYNC110 - another process
            await asyncio.sleep(min(moment - now, 0.01))
        # While its family is looked up nothing may come to its end.
        engine.suspend()
        family = kin(engine)
        engine.kill()
        if everything:
            for one in family:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
    await asyncio.to_thread(gone, family)
    assert not [one for one in family if alive(one)]
    return _jobs(home, queue)["claimed"] > 0


async def taken_up(home: Path) -> None:
    """An engine does what is left."""
    async with attached(home) as client:
        for name in NAMES:
            await client.queue_resume(name)
        await soon(lambda: asyncio.to_thread(_settled, home))
        # A job that was at work at three of the kills is dead, as it may have been the cause.
        await client.retry()
        await soon(lambda: asyncio.to_thread(_settled, home))
        # What cannot be opened is added to receipts then, and bags are made anew for that.
        await client.call(WaitForJobs(ids=tuple([row.id for row in await client.imports()])))
        scratch = home / "scratch"
        await soon(lambda: asyncio.to_thread(lambda: not os.listdir(scratch)))


def _settled(home: Path) -> bool:
    return not any(_jobs(home, queue)[state] for queue in NAMES for state in ("claimed", "ready", "waiting"))


def _jobs(home: Path, queue: str) -> Counter[str]:
    """How many jobs of a queue are in each state."""
    with closing(sqlite3.connect(home / "lading.db", timeout=30)) as database:
        sql = "SELECT state, count(*) FROM job WHERE queue = ? GROUP BY state"
        return Counter(dict(database.execute(sql, (queue,)).fetchall()))


def check_whole(archive: Path) -> None:
    """What has its final name is whole."""
    for picture in (archive / ".lading/thumbnails").rglob("*.jpg"):
        with Image.open(picture) as image:
            image.load()
    for film in (archive / ".lading/proxies").rglob("*.mp4"):
        look = ("-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0")
        done = subprocess.run([tool("ffprobe"), *look, f"file:{film}"], capture_output=True, check=False)
        assert done.returncode == 0, film
        assert done.stderr == b"", film
    for name in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        for manifest in archive.glob(f"locations/*/{name}"):
            lines = manifest.read_bytes().splitlines(keepends=True)
            assert all(map(_LINE.fullmatch, lines)), manifest


def check_done(home: Path, archive: Path, card: Path) -> None:
    """Every job is done, or dead or cancelled with a reason; the bag is valid, and nothing is left over."""
    check_whole(archive)
    with closing(sqlite3.connect(home / "lading.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        jobs = database.execute("SELECT queue, state, error FROM job").fetchall()
        derivatives = database.execute("SELECT path, size FROM derivative WHERE path != ''").fetchall()
        (metadata,) = database.execute("SELECT count(*) FROM metadata").fetchone()
    assert {queue for queue, _, _ in jobs} == set(NAMES)
    assert {state for _, state, _ in jobs} <= {"done", "dead", "cancelled"}
    assert all(error for _, state, error in jobs if state != "done")
    assert {state for queue, state, _ in jobs if queue in ("bagit", "location_stats", "live_photo")} == {"done"}
    assert metadata == sum(1 for path in card.iterdir() if path.is_file())
    for path, size in derivatives:
        assert (archive / path).stat().st_size == size
    made = {str(path.relative_to(archive)) for path in (archive / ".lading").glob("[tp]*/*/*")}
    assert made == {path for path, _ in derivatives}
    assert [path for path in (archive / ".lading/staging").rglob("*") if path.is_file()] == []
    (bag,) = (archive / "locations").iterdir()
    assert bags.invalid(bag) == []
