"""The part of a receipt about checksum lists on the source: the result of each list, files that differ, files that
are missing."""

from collections.abc import Iterator, Sized
from typing import Any, NamedTuple

from core.catalog.checksum_lists import ListedOtherwise, ListRow, differing, lists_of, missing, trouble
from core.checksums.algorithms import word
from core.database import Read
from core.paths import display, encode

NAMED = 10_000
"""The most differing, and the most missing files that are named; the list of all files, `ID.tsv`, has the results
of each file."""


class Lists(NamedTuple):
    """The lists of one import, with up to NAMED checksums that differ, and files that are missing: (path, path of
    the list)."""

    lists: list[ListRow]
    differing: list[ListedOtherwise]
    missing: list[tuple[bytes, bytes]]


async def of_import(read: Read, import_id: int) -> Lists:
    """The lists of an import, for its receipt."""
    if not (lists := await lists_of(read, import_id)):
        return Lists([], [], [])
    return Lists(lists, await differing(read, import_id, NAMED), await missing(read, import_id, NAMED))


def members(found: Lists) -> dict[str, Any]:
    """The members of a receipt's JSON: `checksum_lists`, `not_as_listed`, `listed_but_missing`."""
    return {
        "checksum_lists": [
            {
                "path": encode(one.path),
                "confirmed": one.confirmed,
                "differ": one.differ,
                "missing": one.missing,
                "not_compared": one.not_compared,
                "not_understood": one.not_understood,
                "outside": one.outside,
                "fault": one.fault,
            }
            for one in found.lists
        ],
        "not_as_listed": [
            {
                "path": encode(one.path),
                "list": encode(one.list),
                "algorithm": one.algorithm,
                "listed": one.digest.hex(),
                "found": one.found.hex(),
            }
            for one in found.differing
        ],
        "listed_but_missing": [{"path": encode(path), "list": encode(list)} for path, list in found.missing],
    }


def sentences(found: Lists) -> Iterator[str]:
    """One sentence about each list, for a person. It counts checksums, of which a file can have several."""
    for one in found.lists:
        counts = [
            (one.confirmed, "confirmed"),
            (one.differ, "DIFFER"),
            (one.missing, "of files that are not there"),
            (one.not_compared, "not compared"),
        ]
        parts = [f"{count:,} {what}" for count, what in counts if count]
        if told := trouble(one):
            parts.append(display(told))
        yield f"{display(one.path)}: {'; '.join(parts) or 'nothing listed'}"


def difference(one: ListedOtherwise) -> tuple[str, str]:
    """(path, how it differs) for a person, of a file that differs from a checksum list."""
    name = word(one.algorithm)
    return display(one.path), f"{display(one.list)} says {name} {one.digest.hex()}, it has {one.found.hex()}"


def text(found: Lists) -> Iterator[str]:
    """The lines of the receipt as text."""
    if found.lists:
        yield f"\nChecksum lists on the source, compared while it was read ({len(found.lists):,})\n"
        yield from (f"  {sentence}\n" for sentence in sentences(found))
    if found.differing:
        yield f"\nFiles that are not as a checksum list says ({named_count(found.differing)})\n"
        yield from (f"  {path}  ({how})\n" for path, how in map(difference, found.differing))
    if found.missing:
        yield f"\nFiles of checksum lists that are not on the source ({named_count(found.missing)})\n"
        yield from (f"  {display(path)}  (in {display(list)})\n" for path, list in found.missing)


def named_count(named: Sized) -> str:
    """How many `named` there are, as text; "10,000 or more" where the list was cut off at NAMED."""
    return f"{len(named):,}" if len(named) < NAMED else f"{NAMED:,} or more"


def results_text(told: str | None) -> str:
    """The results for one file, such as `MD5 confirmed, SHA-1 differs`; empty if nothing was compared. `told`:
    ALGORITHM:0 or ALGORITHM:1 for each checksum, separated by blanks; 1: it is equal."""
    words: dict[str, str] = {}
    for one in sorted((told or "").split()):
        algorithm, _, equal = one.partition(":")
        words[algorithm] = "differs" if equal == "0" or words.get(algorithm) == "differs" else "confirmed"
    return ", ".join(f"{word(algorithm)} {how}" for algorithm, how in words.items())
