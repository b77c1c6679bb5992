"""Hand-made moments: one of each state that a dashboard can show."""

import math
from typing import Any

import msgspec

from core.models import Count, State, Verdict
from core.snapshot import AtWork, ErrorGroup, InFlight, LimitView, MirrorView, QueueView, Rates, Snapshot
from tests.tui.views import HOSTILE, count, done, view

NOW = 1765029620.0

GB, MB = 10**9, 10**6


def _history(level: float, shift: int) -> tuple[float, ...]:
    wave = [level * (0.8 + 0.2 * math.sin((at + shift) / 5)) for at in range(110)]
    return (*wave[:40], *(0.0 for _ in range(10)), *wave[40:])


RATES = Rates(
    read=482e6,
    written=480e6,
    verified=471e6,
    read_history=_history(511e6, 0),
    written_history=_history(509e6, 3),
    verified_history=_history(498e6, 6),
)

LIMITS = (
    LimitView(name="hash", busy=18, ceiling=22, waiting=0),
    LimitView(name="copy", busy=6, ceiling=6, waiting=0),
    LimitView(name="verify", busy=5, ceiling=22, waiting=0),
    LimitView(name="read uuid:a", busy=4, ceiling=4, waiting=40, label="B002"),
    LimitView(name="read uuid:b", busy=4, ceiling=4, waiting=21, label="C003"),
    LimitView(name="write nas", busy=5, ceiling=12, waiting=0, label="archive"),
)

QUEUES = (
    QueueView(name="exiftool", busy=11, slots=12, waiting=340, rate=118.0),
    QueueView(name="thumbnail", busy=12, slots=12, waiting=902, rate=41.0),
    QueueView(name="video_proxy", busy=0, slots=4, waiting=38, reason="copies come first"),
    QueueView(
        name="live_photo",
        busy=1,
        slots=1,
        waiting=0,
        at_work=(AtWork(subject="Mill Creek Asylum", progress=0.35),),
    ),
    QueueView(name="bagit", busy=1, slots=2, waiting=0, rate=2.0),
    QueueView(name="location_stats", busy=0, slots=4, waiting=1, reason="exiftool"),
)

A001 = done(
    id="20251206-140000-aaaa",
    label="A001 EOS R5",
    source="/Volumes/A001",
    archive="nas:archive",
    location="Mill Creek Asylum",
    started=NOW - 420,
    ended=NOW - 30,
    level="server",
    network=True,
)
B002 = view(
    id="20251206-140100-bbbb",
    label="B002 A7S III",
    archive="nas:archive",
    location="Mill Creek Asylum",
    seen=count(412, 64 * GB),
    archived=count(240, 38 * GB),
    duplicate=count(12, 2 * GB),
    skipped=count(1, 4096),
    todo=count(159, 24 * GB),
    rate=410e6,
    seconds_left=58.0,
    started=NOW - 410,
    level="server",
    network=True,
)
C003 = view(
    id="20251206-140200-cccc",
    label="C003 HERO11",
    source="/Volumes/C003",
    archive="nas:archive",
    location="Mill Creek Asylum",
    seen=count(188, 63 * GB),
    archived=count(70, 22 * GB),
    duplicate=count(1, GB),
    skipped=count(1, 4096),
    failed=count(2, GB),
    todo=count(114, 39 * GB),
    rate=72e6,
    seconds_left=194.0,
    started=NOW - 400,
    level="server",
    network=True,
)

FLIGHTS = (
    InFlight(import_id=B002.id, path="PRIVATE/CLIP/C0007.MP4", stage="copy", size=4 * GB, position=3_240 * MB),
    InFlight(import_id=B002.id, path="PRIVATE/CLIP/C0008.MP4", stage="copy", size=4 * GB, position=800 * MB),
    InFlight(import_id=C003.id, path="DCIM/100GOPRO/GX010117.MP4", stage="copy", size=3 * GB, position=1_200 * MB),
    InFlight(
        import_id=C003.id, path="DCIM/100GOPRO/GX010118.MP4", stage="verify", size=3 * GB, position=2_200 * MB
    ),
    InFlight(import_id=B002.id, path="DCIM/100MSDCF/DSC0001.ARW", stage="hash", size=0, position=0, more=12),
    InFlight(import_id=C003.id, path="DCIM/100GOPRO/GX010119.MP4", stage="flush", size=3 * GB, position=0),
    InFlight(import_id=C003.id, path="DCIM/100GOPRO/GX010120.MP4", stage="", size=0, position=0),
)

ERRORS = (
    ErrorGroup(
        import_id=C003.id,
        cause="source: Input/output error",
        advice="Try another card reader, then resume.",
        count=2,
        newest="DCIM/100GOPRO/GX020117.MP4",
    ),
)


def moment(**changed: Any) -> Snapshot:
    """Three cards on their way to a NAS: one safe, one under way, one with two bad files."""
    values: dict[str, Any] = {
        "time": NOW,
        "version": "1",
        "imports": (A001, B002, C003),
        "limits": LIMITS,
        "in_flight": FLIGHTS,
        "errors": ERRORS,
        "rates": RATES,
        "queues": QUEUES,
    }
    return Snapshot(**(values | changed))


def changed(base: Any, **values: Any) -> Any:
    """The same with other values."""
    return msgspec.structs.replace(base, **values)


EMPTY = Snapshot(time=NOW, version="1")

IDLE = tuple(changed(limit, busy=0, waiting=0) for limit in LIMITS[:3])

SCANNING = moment(
    imports=(
        changed(
            B002,
            listed=False,
            seen=count(1_204, 9 * GB),
            archived=Count(),
            duplicate=Count(),
            todo=count(1_203, 9 * GB),
            rate=0.0,
            seconds_left=None,
            level="",
        ),
    ),
    in_flight=(InFlight(import_id=B002.id, path="DCIM/100MSDCF", stage="list", size=0, position=0),),
    errors=(),
    rates=Rates(read_history=(0.0,) * 4 + (12e6,) * 3, written_history=(0.0,) * 7, verified_history=(0.0,) * 7),
    limits=IDLE,
    queues=(),
)

RUNNING = moment(imports=(A001, B002, changed(C003, failed=Count())), errors=())

FAILING = moment()

PAUSED = moment(
    imports=tuple(
        changed(one, state=State.PAUSED, reason="by the user", rate=0.0, seconds_left=None) for one in (B002, C003)
    ),
    in_flight=(),
    rates=changed(RATES, read=0.0, written=0.0, verified=0.0),
    limits=IDLE,
)

VOLUME_LOST = moment(
    imports=(
        A001,
        changed(
            B002,
            state=State.PAUSED,
            reason="/Volumes/B002 does not answer any more",
            advice="Plug it in or mount it again, then resume. What has arrived stays.",
            rate=0.0,
            seconds_left=None,
        ),
    ),
    in_flight=(),
    errors=(),
    limits=IDLE,
)

DONE = moment(
    imports=(
        A001,
        done(
            id=B002.id,
            label=B002.label,
            archive=B002.archive,
            location=B002.location,
            started=NOW - 410,
            ended=NOW - 9,
        ),
        done(
            id=C003.id,
            label=C003.label,
            archive=C003.archive,
            location=C003.location,
            started=NOW - 400,
            ended=NOW - 5,
            archived=count(1202, 41 * GB),
            failed=count(2, GB),
            verdict=Verdict.KEEP,
            verdict_reason="2 could not be archived (such as DCIM/100GOPRO/GX020117.MP4)",
        ),
    ),
    in_flight=(),
    rates=changed(RATES, read=0.0, written=0.0, verified=0.0),
    limits=IDLE,
)

SAFE = moment(imports=(A001,), errors=(), in_flight=(), limits=IDLE, rates=Rates())

HOSTILE_NAMES = moment(
    imports=(
        changed(
            B002, label=HOSTILE + "[/x][bold red]", source=HOSTILE, location="[link=x]" + HOSTILE, reason=HOSTILE
        ),
        changed(C003, label="名前のない映画のカード", state=State.PAUSED, reason=HOSTILE, advice=HOSTILE),
    ),
    in_flight=(InFlight(import_id=B002.id, path=HOSTILE * 9 + "[/]", stage="copy", size=10, position=5),),
    errors=(
        ErrorGroup(
            import_id=B002.id, cause=HOSTILE, advice=HOSTILE, count=1, newest="[@click=app.exit]" + HOSTILE
        ),
    ),
)

MIRROR = MirrorView(
    id="20251206-140300-mirror-dddddd",
    label="backup",
    source="nas:archive",
    target="/Volumes/BACKUP/backup",
    state=State.RUNNING,
    total=count(5_400, 210 * GB),
    held=count(3_200, 124 * GB),
    brought=count(120, 4 * GB),
    rate=180e6,
    seconds_left=478.0,
    path="locations/mill-creek/data/videos/ab/ab12.mov",
    started=NOW - 300,
)

MIRRORS = moment(
    mirrors=(
        MIRROR,
        changed(
            MIRROR,
            id="20251206-140301-mirror-eeeeee",
            label="offsite",
            target="/Volumes/OFFSITE/offsite",
            state=State.PAUSED,
            reason="/Volumes/OFFSITE/offsite is away",
            advice="Plug it in or mount it again.",
            path="",
        ),
        changed(
            MIRROR,
            id="20251206-140302-mirror-gggggg",
            label="photos",
            target="rclone:b2:my/photos",
            state=State.PAUSED,
            reason="Failed to copy: Post https://api.example.com/: dial tcp: lookup api.example.com: no such host",
            advice="It goes on by itself. At once: lading mirror nas:archive rclone:b2:my/photos",
            again=NOW + 1500,
            path="",
        ),
        changed(
            MIRROR,
            id="20251206-130000-mirror-ffffff",
            label="shelf",
            target="/Volumes/SHELF/shelf",
            state=State.DONE,
            held=count(5_399, 210 * GB),
            lacking=1,
            path="",
            ended=NOW - 60,
        ),
    ),
)

STATES = {
    "empty": EMPTY,
    "scanning": SCANNING,
    "running": RUNNING,
    "paused": PAUSED,
    "volume-lost": VOLUME_LOST,
    "errors": FAILING,
    "done": DONE,
    "safe": SAFE,
    "hostile": HOSTILE_NAMES,
    "mirrors": MIRRORS,
}
