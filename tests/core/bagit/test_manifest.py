"""Manifests: what RFC 8493 says of their lines, and that merging them takes no more memory for more of them."""

import asyncio
import gc
import os
import tracemalloc
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.bagit import manifest
from core.bagit.manifest_merge import PAGE, Ledger

SHA = bytes(range(32))
names = st.binary(min_size=1).filter(lambda name: b"\0" not in name)


def test_the_three_that_are_encoded_and_no_others() -> None:
    assert manifest.encode(b"data/a\r\n%0A b\t\xe9") == b"data/a%0D%0A%250A b\t\xe9"
    assert manifest.line(b"data/a%", SHA) == SHA.hex().encode() + b"  data/a%25\n"
    assert manifest.decode(b"100%.jpg %0d%0A%25%41%zz") == b"100%.jpg \r\n%%41%zz"


@given(
    st.lists(st.tuples(names.map(lambda name: b"data/" + name), st.binary(min_size=32, max_size=32))), st.data()
)
def test_lines_come_back_however_they_are_cut(entries: list[tuple[bytes, bytes]], data: st.DataObject) -> None:
    text = b"".join(manifest.line(*entry) for entry in entries)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    lines = manifest.ManifestLines()
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        found += lines.feed(text[start:end])
    assert found + lines.end() == entries


@given(st.binary())
def test_any_bytes_are_read(text: bytes) -> None:
    lines = manifest.ManifestLines()
    for path, sha256 in [*lines.feed(text), *lines.end()]:
        assert path
        assert len(sha256) == 32


def test_other_programs_lines() -> None:
    digest = SHA.hex().encode()
    lines = manifest.ManifestLines()
    text = b"\xef\xbb\xbf%s *./data/a\r\n# no\r%s\tdata/b  c\nabc  data/d\n%s data/e" % (digest, digest, digest)
    assert lines.feed(text) == [(b"data/a", SHA), (b"data/b  c", SHA)]
    assert lines.end() == [(b"data/e", SHA)]


async def merged(path: str, count: int) -> tuple[int, int]:
    """Lines of a merge of `count` files, half of them known to the catalog and half to the manifest on disk."""
    async with Ledger.open(path) as ledger:
        for start in range(0, count, PAGE):
            rows = [b"data/images/%032x.jpg" % (number * 7919 % count) for number in range(start, start + PAGE)]
            await ledger.add_on_disk((name,) for name in rows)
            await ledger.add_held((name, SHA, 1) for name in rows[::2])
            await ledger.add_noted((name, SHA[::-1]) for name in rows)
        there, missing = await ledger.merge()
        assert (there, missing) == (count, 0)
        lines, before, held = 0, b"", 0
        async for found in ledger.lines():
            paths = [path for path, _, _ in found]
            assert paths == sorted(paths)
            assert paths[0] > before
            before, lines = paths[-1], lines + len(found)
            held += sum(sha256 == SHA for _, sha256, _ in found)
        return lines, held


async def test_merge_in_bounded_memory(tmp_path: Path) -> None:
    peaks = []
    for count in (2 * PAGE, 6 * PAGE):
        tracemalloc.start()
        try:
            assert await merged(os.fspath(tmp_path / f"{count}.db"), count) == (count, count // 2)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2


async def test_whoever_stops_in_the_middle_of_the_lines_leaves_nothing_behind(tmp_path: Path) -> None:
    """As when the disk is full while a manifest is drafted."""
    unforeseen: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unforeseen.append(context))
    async with Ledger.open(str(tmp_path / "ledger.db")) as ledger:
        await ledger.add_on_disk((b"data/%05d" % number,) for number in range(PAGE + 1))
        await ledger.merge()
        lines = ledger.lines()
        assert len(await anext(lines)) == PAGE
    del lines
    gc.collect()
    # The loop closes what was not iterated to its end in a task of its own, which it makes in its next turn.
    await asyncio.sleep(0)
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)
    gc.collect()
    assert unforeseen == []


async def test_lines_come_in_pages_and_each_once(tmp_path: Path) -> None:
    async with Ledger.open(str(tmp_path / "ledger.db")) as ledger:
        paths = [b"data/%05d" % number for number in range(2 * PAGE + 1)]
        await ledger.add_on_disk((path,) for path in paths)
        await ledger.merge()
        pages = [[path for path, _, _ in rows] async for rows in ledger.lines()]
        assert [len(page) for page in pages] == [PAGE, PAGE, 1]
        assert [path for page in pages for path in page] == paths
