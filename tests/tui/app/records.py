"""Imports and files as an engine lists them, and an engine that has them, for tests of lists."""

from core.listings import FileView, ImportRecord
from core.models import Outcome, Verdict
from tests.tui.app import moments
from tests.tui.app.fake import Fake
from tests.tui.app.moments import A001, B002, C003, NOW
from tests.tui.app.pilot import Running

EVIL = {"\x1b", "\x07", "\x9b", "\u202e"}


def record(row: int, **changed: object) -> ImportRecord:
    values: dict[str, object] = {
        "row": row,
        "id": f"2025120{row}-090000-000{row}",
        "started": NOW - 86400 * (9 - row),
        "ended": NOW - 86400 * (9 - row) + 200,
        "source": f"/Volumes/Z{row}",
        "archive": "nas:archive",
        "location": "Mill Creek Asylum",
        "state": "done",
        "seen": 12,
        "archived": 10,
        "duplicate": 2,
        "verdict": Verdict.SAFE,
        "proven": (("medium", 9), ("", 1)),
    }
    return ImportRecord(**(values | changed))  # type: ignore[arg-type]


RECORDS = [
    record(1),
    record(2, state="cancelled", verdict=Verdict.KEEP, verdict_reason="9 were not brought in", todo=9),
    record(3, state="interrupted", verdict=Verdict.OPEN, ended=None, todo=7, reason="", label="Card 3"),
    *(
        record(
            number,
            id=view.id,
            label=view.label,
            started=view.started,
            ended=view.ended,
            state=str(view.state),
            verdict=view.verdict,
            failed=view.failed.files,
        )
        for number, view in ((4, A001), (5, B002), (6, C003))
    ),
]


def file(number: int, outcome: Outcome = Outcome.ARCHIVED, **changed: object) -> FileView:
    values: dict[str, object] = {
        "id": number,
        "import_id": RECORDS[0].id,
        "path": f"DCIM/100CANON/IMG_{number:05}.CR3",
        "size": 45_000_000 + number,
        "mtime": NOW - 90000 + number,
        "kind": "images",
        "outcome": outcome,
        "payload": f"locations/mill-creek-1/data/images/ab/{number:032x}.cr3",
        "level": "medium",
        "captured": "2025-12-05T09:10:11",
        "camera": "Canon EOS R5",
        "label": "A001",
        "location": "Mill Creek Asylum",
        "archive": "/nas/archive",
    }
    return FileView(**(values | changed))  # type: ignore[arg-type]


FILES = [
    file(1, Outcome.FAILED, reason="source: Input/output error", payload=""),
    file(2, Outcome.DUPLICATE),
    file(3, Outcome.SKIPPED, reason="left out by *.tmp", payload=""),
    *(file(number) for number in range(4, 1001)),
]


def engine() -> Fake:
    fake = Fake(moments.FAILING)
    fake.records = list(RECORDS)
    fake.all_files = list(FILES)
    fake.receipts = {one.id: f"BILL OF LADING  {one.id}\n\nLabel  x\nVerdict     SAFE\n" for one in RECORDS}
    return fake


async def opened(app: Running, *keys: str) -> None:
    await app.press("i")
    await app.until(lambda: "IMPORTS, 6" in app.text)
    await app.press(*keys)
    await app.settled()
