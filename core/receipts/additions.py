"""Additions to a receipt after its import's end, each of them a new file: `lading/ID.added-TIME.txt`."""

from collections.abc import Iterable

from core.catalog.rows import ImportRow
from core.models import Verdict
from core.paths import display
from core.receipts.timestamps import stamp


def acceptance(row: ImportRow, when: float, by: str, verdict: Verdict, why: str) -> str:
    """The addition for an import whose differences from an earlier import a person has accepted."""
    now = verdict.value + (f": {display(why)}" if why else "")
    return _document(
        row,
        when,
        [
            ("Accepted by", display(by)),
            ("What", display(row.verdict_reason)),
            ("Verdict", f"{now} (it was {row.verdict})"),
        ],
    )


def enough_copies(row: ImportRow, when: float, copies: int) -> str:
    """The addition for an import that now has as many verified copies as were asked for."""
    said = f"each file is in {copies} verified copies on devices of their own"
    return _document(row, when, [("Copies", said), ("Verdict", f"SAFE (it was {row.verdict})")])


def unopenable_files(row: ImportRow, when: float, files: Iterable[tuple[bytes, str]]) -> str:
    """The addition that lists files, (path, why), which background jobs could not open."""
    listed = [f"  {display(path)}  ({display(why)})" for path, why in files]
    facts = [("Found", f"{len(listed):,} archived as they are, but cannot be opened: they may be damaged")]
    return _document(row, when, facts) + "".join(f"{line}\n" for line in ("", *listed))


def _document(row: ImportRow, when: float, facts: list[tuple[str, str]]) -> str:
    title = f"ADDED TO THE BILL OF LADING  {display(row.name)}"
    lines = [title, "=" * len(title), ""]
    receipt = f"SHA-256 {display(row.receipt)}" if row.receipt else "not written yet"
    lines += [f"{name:<12}{value}" for name, value in [("Added", stamp(when)), ("Receipt", receipt), *facts]]
    return "".join(f"{line}\n" for line in lines)
