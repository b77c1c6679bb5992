"""One 4 GB file in memory: does the copy stage keep up with `cp` or with SHA-256, whichever is slower?

The copy stage is a worker that reads, hashes twice and writes to staging, asked as an import asks it.
"""

import asyncio
import hashlib
import os
import shutil
import statistics
import time
from pathlib import Path

from core.workers import batch_messages, messages, source_messages
from core.workers.pool import Pool
from tests.benchmarks.measure import measure
from tests.benchmarks.peers import PEERS, check
from tests.benchmarks.report import table, verdict
from tests.benchmarks.runner import fresh, say
from tests.benchmarks.sets import warm
from tests.core.workers.rig import STAGING, Rig
from tests.rigs.trees import write_random

SIZE = 4_000_000_000
HASH_BLOCK = 64 << 20
HASH_BYTES = 1 << 30
TARGET = 0.8
NAME = "C0001.MP4"


def sha256_rate() -> float:
    """Bytes a second that one core hashes out of memory."""
    block, digest = os.urandom(1 << 20) * (HASH_BLOCK >> 20), hashlib.sha256()
    started = time.perf_counter()
    for _ in range(HASH_BYTES // HASH_BLOCK):
        digest.update(block)
    return HASH_BYTES / (time.perf_counter() - started)


async def copy(rig: Rig) -> float:
    """Seconds that one worker takes to bring the file to staging, its start not counted."""
    async with rig.pool.worker() as worker:
        await worker.ask(source_messages.LookAtPath(os.fsencode(rig.source)), source_messages.Looked)
        (file,) = rig.to_read(NAME)
        started = time.perf_counter()
        reply = await worker.ask(
            batch_messages.CopyLarge(rig.origin, rig.place, STAGING, file), source_messages.Digests
        )
        seconds = time.perf_counter() - started
        assert reply.files[0].size == file.size, reply.files[0].fault
        await worker.ask(batch_messages.Drop(), messages.Done)
    return seconds


async def rounds_of(folder: str, pairs: int, size: int) -> list[tuple[float, float, float]]:
    """Bytes a second of the copy stage, of cp and of SHA-256, round by round."""
    rig = Rig(Pool(), Path(folder))
    path = rig.source / NAME
    write_random(os.fsencode(path), size, 4)
    await rig.open()
    rounds: list[tuple[float, float, float]] = []
    try:
        for turn in range(pairs):
            warm(str(rig.source))
            seconds = await copy(rig)
            plain = measure(PEERS["cp"].steps(str(rig.source), fresh(os.path.join(folder, "cp")))[0].argv)
            fresh(os.path.join(folder, "cp"))
            rounds.append((size / seconds, size / plain.seconds, sha256_rate()))
            say(f"{turn + 1}/{pairs}: copy stage {seconds:.2f} s, cp {plain.seconds:.2f} s")
    finally:
        await rig.pool.stop()
    return rounds


def copystage(folder: str, pairs: int, fraction: float) -> dict[str, object]:
    """Rates of each round and the median of the copy stage's rate over the slower of the two yardsticks."""
    check([PEERS["cp"]])
    size = round(SIZE * fraction)
    base = fresh(os.path.join(folder, "copystage"))
    rounds = asyncio.run(rounds_of(base, pairs, size))
    shutil.rmtree(base)
    stage, plain, sha256 = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(ours / min(theirs, hashing) for ours, theirs, hashing in rounds)
    return {"bytes": size, "copy stage": stage, "cp": plain, "sha256": sha256, "ratio": ratio, "target": TARGET}


def text(result: dict[str, object]) -> str:
    """The table."""
    rows = [[name, f"{float(str(result[name])) / 1e9:.2f} GB/s"] for name in ("copy stage", "cp", "sha256")]
    ratio = float(str(result["ratio"]))
    end = f"copy stage / min(cp, SHA-256): {ratio:.2f}, target >= {TARGET}"
    return f"{table(['', 'median'], rows)}\n{end}: {verdict(ratio, TARGET, at_most=False)}"
