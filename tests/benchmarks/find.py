"""Does a search of a million files take a tenth of a second at most?"""

import asyncio
import os
import time

from core.catalog import file_list
from core.sqlite import connect
from tests.benchmarks.report import table
from tests.benchmarks.runner import fresh, say
from tests.benchmarks.scale import Line
from tests.rigs import catalogs

FILES = 1_000_000
TARGET = 100.0
"""Milliseconds."""

QUERIES = (
    *("C0007", "c0007*", "DSC09999.JPG", "dsc", "*.xml", "nothing-like-it", "2019-03-14", "2016..2018", "2020-05"),
    *("camera:sony", "camera:hero 2017", "card:A007", "location:creek", "location:creek-7", "import:import-0003"),
    *("kind:videos", "kind:audio", "camera:canon kind:sidecars", "hash:00ff", "C0007 kind:videos camera:dji", ""),
)


async def _seconds(path: str) -> list[tuple[str, float, int]]:
    connection = await connect(path)
    found: list[tuple[str, float, int]] = []

    async def read(sql: str, parameters: object) -> list[tuple[object, ...]]:
        return [tuple(row) for row in await connection.execute_fetchall(sql, parameters)]

    try:
        for text in QUERIES:
            times: list[float] = []
            for _ in range(3):
                began = time.perf_counter()
                total, _, _ = await file_list.page(read, "", (), text, 0)
                times.append(time.perf_counter() - began)
            found.append((text, sorted(times)[1], total))
    finally:
        await connection.close()
    return found


def find(folder: str, fraction: float) -> list[Line]:
    """The median time of each query, and the room that a file takes in the catalog."""
    count = max(1, round(FILES * fraction))
    home = fresh(os.path.join(folder, "home"))
    say(f"a catalog of {count:,} files: making it")
    path = catalogs.catalog(home, count)
    lines = [
        Line(f"{text or '(everything)'}: {total:,}", seconds * 1000, TARGET, " ms")
        for text, seconds, total in asyncio.run(_seconds(path))
    ]
    return [*lines, Line("catalog per file", os.path.getsize(path) / count, 1000, " B")]


def text(lines: list[Line]) -> str:
    """The table."""
    return table(["search", "measured", "target", ""], [line.row() for line in lines])
