"""The end of an import: its lines, its JSON, its exit status."""

import json

import pytest

from core.importing.keep_reasons import KEEP_REASONS, NOTHING
from core.models import State, Unopenable, Verdict
from core.snapshot import ErrorGroup, ImportView, QueueView
from tests.tui.console.streams import pipe, terminal
from tests.tui.views import HOSTILE, count, done, snapshot, view
from tui.console import import_summary
from tui.console.exits import Exit
from tui.console.progress import render

BAD = ErrorGroup(
    import_id="20251206-140700-ab12",
    cause="source: Input/output error",
    advice="Try another card reader, then resume.",
    count=2,
    newest="DCIM/100GOPRO/GX020117.MP4",
)


def lines(one: ImportView, *errors: ErrorGroup) -> list[str]:
    return import_summary.lines(one, errors, pipe()[0])


def test_junk_is_not_skipped() -> None:
    (first, *_) = lines(done(seen=count(1584), skipped=count(2), junk=count(375)))
    assert "3 duplicate, 2 skipped, 375 junk; read back" in first


def test_a_safe_card() -> None:
    assert lines(done()) == [
        "SAFE  B002: 1,204 files archived (41.2 GB), 3 duplicate, 2 skipped; read back from the medium",
        "      44.2 GB read in 3m14s, 228 MB/s; receipt: lading receipt 20251206-140700-ab12",
    ]


@pytest.mark.parametrize("ended", [0.0, 4e9], ids=["set back", "set ahead"])
def test_a_clock_that_was_set_meanwhile_makes_no_import_long_or_endless(ended: float) -> None:
    one = done(ended=ended)
    told = import_summary.lines(one, [], pipe()[0], one.started, 100.0)
    assert "      44.2 GB read in 1m40s, 442 MB/s; receipt: lading receipt 20251206-140700-ab12" in told
    assert import_summary.event(one, [], 0.0, one.started, 100.0).seconds == 100.0


def test_of_several_imports_each_has_its_own_time() -> None:
    one = done()
    told = import_summary.lines(one, [], pipe()[0], one.started, 1000.0)
    assert "      44.2 GB read in 3m14s, 228 MB/s; receipt: lading receipt 20251206-140700-ab12" in told


def test_a_safe_card_of_which_not_all_can_be_opened() -> None:
    broken = Unopenable(files=4, names=("A.JPG", "B.NEF", "C.MP4"), looking=True)
    first = lines(done(unopenable=broken))[0]
    assert first.startswith("SAFE  B002: 4 cannot be opened so far: A.JPG, B.NEF, C.MP4, …; 1,204 files archived")
    keep = lines(done(verdict=Verdict.KEEP, verdict_reason="2 left out", unopenable=broken))
    assert keep[0] == "KEEP  B002: 2 left out. 4 cannot be opened so far: A.JPG, B.NEF, C.MP4, …."
    assert keep[1].strip().startswith("1,204 files archived")


def test_what_differs_is_to_be_looked_at() -> None:
    keep = done(verdict=Verdict.KEEP, verdict_reason="1 differs from what was imported", acceptable=True)
    assert "      both are archived: look at them, then: lading accept 20251206-140700-ab12" in lines(keep)


def test_a_card_to_keep_says_why_and_what_to_do() -> None:
    keep = done(
        verdict=Verdict.KEEP,
        verdict_reason="2 could not be archived (such as GX020117.MP4)",
        failed=count(2),
        level="",
    )
    assert lines(keep, BAD) == [
        "KEEP  B002: 2 could not be archived (such as GX020117.MP4).",
        "      1,204 files archived (41.2 GB), 3 duplicate, 2 skipped, 2 failed; not read back",
        "      2 x source: Input/output error, newest: DCIM/100GOPRO/GX020117.MP4",
        "          Try another card reader, then resume.",
        "      44.2 GB read in 3m14s, 228 MB/s; receipt: lading receipt 20251206-140700-ab12",
    ]


@pytest.mark.promise(29)
def test_where_nothing_was_found_it_has_its_own_words() -> None:
    empty = done(verdict=Verdict.OPEN, verdict_reason=NOTHING, archived=count(0), duplicate=count(0), level="")
    told = lines(empty)
    assert told[0] == f"EMPTY  B002: {NOTHING}."
    assert "SAFE" not in "".join(told)
    assert import_summary.exit_of([done(), empty]) is Exit.FAILED


def test_a_paused_import_says_how_it_goes_on() -> None:
    paused = view(state=State.PAUSED, reason="/Volumes/B002 does not answer any more", advice="Plug it in again.")
    assert lines(paused) == [
        "PAUSED  B002: /Volumes/B002 does not answer any more. Plug it in again.",
        "      1,532 files archived (100 GB), 866 duplicate, 4 skipped, 270 to do; read back from the medium",
        "      go on with: lading resume 20251206-140700-ab12",
    ]


def test_known_files_alone_are_not_called_read_back() -> None:
    (first, _) = lines(done(archived=count(0), duplicate=count(1207)))
    assert first == "SAFE  B002: 0 files archived (0 B), 1,207 duplicate, 2 skipped"


def test_a_queue_that_waits_for_a_program_is_named() -> None:
    why = "exiftool is not installed: apt-get install exiftool"
    queues = (
        QueueView(name="exiftool", waiting=3, reason=why),
        QueueView(name="live_photo", waiting=1, reason=why),
        QueueView(name="ffprobe", reason=why),
        QueueView(name="video_proxy", waiting=2, reason="copies come first"),
    )
    assert import_summary.waiting(queues) == [f"Waiting, exiftool, live_photo: {why}"]


def test_hostile_names_do_nothing() -> None:
    group = ErrorGroup(import_id="i", cause=HOSTILE, advice=HOSTILE, count=1, newest=HOSTILE)
    one = done(label=HOSTILE, verdict=Verdict.KEEP, verdict_reason=HOSTILE)
    told = lines(one, group) + lines(view(state=State.PAUSED, reason=HOSTILE, advice=HOSTILE, id=HOSTILE), group)
    assert all(line.isprintable() for line in told)


def test_the_last_json_object_has_everything() -> None:
    out, told = pipe()
    import_summary.tell(snapshot(done(label=HOSTILE), view(id="other"), errors=(BAD,)), "json", out)
    first, second = (json.loads(line) for line in told.getvalue().splitlines())
    assert first["event"] == "done"
    assert first["id"] == "20251206-140700-ab12"
    assert (first["state"], first["verdict"], first["level"]) == ("done", "SAFE", "medium")
    assert first["archived"] == {"files": 1204, "bytes": 41_200_000_000}
    assert {"seen", "archived", "duplicate", "skipped", "failed", "todo"} < set(first)
    assert (first["read"], first["written"], first["verified"]) == (44_200_000_000, 0, 0)
    assert first["seconds"] == 194.0
    assert first["errors"] == [
        {
            "import_id": "20251206-140700-ab12",
            "cause": "source: Input/output error",
            "advice": "Try another card reader, then resume.",
            "count": 2,
            "newest": "DCIM/100GOPRO/GX020117.MP4",
            "queue": "",
        }
    ]
    assert second["seconds"] == 100.0
    assert second["errors"] == []


KEEP = Verdict.KEEP
LEFT_OUT = f"5 {KEEP_REASONS['left out']} (such as a.tmp)"
CHANGED = f"1 {KEEP_REASONS['changed']} (such as b.jpg)"


@pytest.mark.parametrize(
    ("views", "status"),
    [
        ([done()], Exit.WELL),
        ([done(), done(verdict=KEEP, verdict_reason=LEFT_OUT, by_choice=True)], Exit.FAILED),
        ([done(verdict=KEEP, verdict_reason=f"{LEFT_OUT}; {CHANGED}")], Exit.FAILED),
        ([done(verdict=KEEP, verdict_reason=CHANGED)], Exit.FAILED),
        ([done(verdict=KEEP, verdict_reason=LEFT_OUT, by_choice=True, failed=count(1))], Exit.FAILED),
        ([done(verdict=Verdict.OPEN)], Exit.FAILED),
        ([done(), done(failed=count(1)), view(state=State.PAUSED)], Exit.PAUSED),
        ([view(state=State.CANCELLED)], Exit.PAUSED),
        ([view(state=State.RUNNING)], Exit.PAUSED),
        ([], Exit.WELL),
    ],
)
def test_the_exit_status_is_that_of_the_gravest(views: list[ImportView], status: Exit) -> None:
    assert import_summary.exit_of(views) is status


def test_a_warning_of_the_import_is_told_at_its_end_and_while_it_runs() -> None:
    out = terminal(100, 24)[0]
    warned = view(state=State.RUNNING, warnings=("The archive has 5 bytes free.",))
    assert any("5 bytes free" in line for line in import_summary.lines(warned, [], out))
    assert any("5 bytes free" in line for line in render(snapshot(warned), out))
