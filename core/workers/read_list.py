"""Reads and parses checksum lists of a source, some entries at a time."""

from collections.abc import Generator, Iterator

from core.checksums.read import ListError, ListReader
from core.files.open_beneath import Tree
from core.workers.read_source import CHANGED, ChangedError, Opened
from core.workers.shared_memory import BLOCK, READ, Slot
from core.workers.source_messages import ListPart

ENTRIES = 2000
"""The most entries of a reply."""


def read_list(tree: Tree, path: bytes, arena: memoryview, slot: Slot) -> Generator[ListPart, None, None]:
    """Yield the entries of the list at `path` in parts. The last part has the counts, and as `fault` why the rest
    could not be parsed, if so.

    Raises LostError, OSError.
    """
    slot.begin("list")
    reader, part = ListReader(path), ListPart(more=True)
    try:
        with Opened(tree, path, slot) as opened:
            for listed in reader.entries(_blocks(opened, arena[:BLOCK], slot)):
                part.listed += listed
                while len(part.listed) >= ENTRIES:
                    rest = part.listed[ENTRIES:]
                    del part.listed[ENTRIES:]
                    yield part
                    part = ListPart(listed=rest, more=True)
    except ChangedError:
        part.fault = CHANGED
    except ListError as error:
        part.fault = str(error)
    part.not_understood, part.outside, part.more = reader.not_understood, reader.outside, False
    yield part


def _blocks(opened: Opened, block: memoryview, slot: Slot) -> Iterator[bytes]:
    offset = 0
    while offset < opened.facts.st_size:
        slot.checkpoint()
        count = opened.read(block, offset)
        if not count:
            break
        slot.advance(READ, count)
        offset += count
        yield bytes(block[:count])
