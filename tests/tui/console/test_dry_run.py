"""What an import would do."""

import json

from core.results import Survey
from tests.tui.console.streams import pipe
from tests.tui.views import HOSTILE, count
from tui.console import dry_run
from tui.console.exits import Exit

SURVEY = Survey(
    source="/Volumes/A001",
    files=count(1204, 41_000_000_000),
    new=count(412, 30_000_000_000),
    duplicate=count(792, 11_000_000_000),
    junk=count(2, 4096),
    by_kind={"images": count(1000, 10_000_000_000), "videos": count(204, 31_000_000_000)},
    pairs=400,
    takes=2,
    cameras="Sony",
    seconds=75.0,
    needed=30_000_000_000,
    free=1_200_000_000_000,
)


def test_a_survey_for_a_person() -> None:
    assert dry_run.lines(SURVEY, pipe()[0]) == [
        "/Volumes/A001: 1,204 files (41.0 GB)",
        "  412 new (30.0 GB), 792 duplicate (11.0 GB), 2 junk (4.10 kB)",
        "  204 videos (31.0 GB), 1,000 images (10.0 GB), 400 RAW + JPEG pairs, 2 long takes, Sony",
        "  needs 30.0 GB, 1.20 TB free",
        "  takes about 1m15s, as earlier imports did",
    ]


def test_what_has_an_unknown_name_may_be_of_a_known_kind() -> None:
    """A dry run goes by names, a receipt by the content."""
    survey = Survey(source="/s", files=count(3, 30), new=count(3, 30), by_kind={"other": count(3, 30)})
    assert "  3 of unknown name (30 B)" in dry_run.lines(survey, pipe()[0])


def test_a_survey_for_a_program() -> None:
    out, told = pipe()
    assert dry_run.tell([SURVEY], "json", out) is Exit.WELL
    event = json.loads(told.getvalue())
    assert (event["event"], event["new"], event["free"]) == (
        "survey",
        {"files": 412, "bytes": 30_000_000_000},
        1_200_000_000_000,
    )


def test_what_could_not_all_arrive_is_a_failure() -> None:
    out, told = pipe()
    assert dry_run.tell([SURVEY, Survey(source="x", failed=count(1))], "text", out) is Exit.FAILED
    assert "1 not readable" in told.getvalue()
    assert dry_run.tell([Survey(source="x", needed=2, free=1)], "text", out) is Exit.FAILED
    broken_off = Survey(source="x", files=count(1), duplicate=count(1), broken_off="it is gone")
    assert dry_run.tell([broken_off], "text", out) is Exit.FAILED
    assert dry_run.tell([Survey(source="x", files=count(1), needed=2, free=None)], "text", out) is Exit.WELL
    assert dry_run.tell([Survey(source="x", refused="it lies in the archive")], "text", out) is Exit.WRONG
    assert dry_run.tell([Survey(source="x", refused="it is away", away=True)], "text", out) is Exit.UNUSABLE


def test_nothing_but_litter_is_a_failure() -> None:
    out, _ = pipe()
    assert dry_run.tell([Survey(source="x", junk=count(1))], "text", out) is Exit.FAILED
    assert dry_run.tell([Survey(source="x", skipped=count(1))], "text", out) is Exit.WELL


def test_hostile_names_do_nothing() -> None:
    found = dry_run.lines(Survey(source=HOSTILE, warnings=(HOSTILE,)), pipe()[0])
    assert all(line.isprintable() for line in found)
