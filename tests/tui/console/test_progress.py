"""The printers, fed with hand-made snapshots."""

import json
import re
from itertools import pairwise

import msgspec
import pytest

from core.models import State, Verdict
from core.snapshot import InFlight, MirrorView
from tests.tui.console.streams import pipe, terminal
from tests.tui.views import HOSTILE, count, done, snapshot, view
from tui.console.mirrors import everything
from tui.console.progress import AuditLine, ImportLines, JsonLines, MoveLine, Quiet, TakenIn, bar, render
from tui.format import cells

SGR = re.compile(r"\x1b\[[0-9;]*m")


def test_a_running_import_at_80_columns() -> None:
    out, _ = terminal()
    assert render(snapshot(view()), out, "Ctrl-C pauses") == [
        "B002  █████▊░░  72%  2,402 of 2,672 files  124 of 172 GB  410 MB/s  3m14s left",
        "read 482 MB/s  written 480 MB/s  verified 471 MB/s  (Ctrl-C pauses)",
    ]


def test_a_wide_terminal_shows_the_rate_too() -> None:
    out, _ = terminal(120)
    assert render(snapshot(view()), out)[0] == (
        "B002  ████████████████████████████▊░░░░░░░░░░░  72%  "
        "2,402 of 2,672 files  124 of 172 GB  410 MB/s  3m14s left"
    )


def test_imports_side_by_side_share_their_columns() -> None:
    out, _ = terminal(100)
    failing = view(label="C003 HERO11", failed=count(2))
    paused = view(label="D004", state=State.PAUSED, reason="/Volumes/D004 does not answer any more")
    keep = done(label="E005", verdict=Verdict.KEEP)
    lines = render(snapshot(done(label="A001 EOS R5"), view(), failing, paused, keep), out)
    assert lines[:-1] == [
        "A001 EOS R5  ████████████ 100%  1,209 of 1,209 files  45.0 of 45.0 GB  SAFE",
        "B002         ████████▋░░░  72%  2,402 of 2,672 files  124 of 172 GB  410 MB/s  3m14s left",
        "C003 HERO11  ████████▋░░░  72%  2,402 of 2,672 files  124 of 172 GB  410 MB/s  3m14s left  2 FAILED",
        "D004         ████████▋░░░  72%  paused: /Volumes/D004 does not answer any more",
        "E005         ████████████ 100%  1,209 of 1,209 files  45.0 of 45.0 GB  KEEP",
    ]


def test_no_time_is_told_while_the_listing_goes_on() -> None:
    out, _ = terminal(100)
    (line, _) = render(snapshot(view(listed=False)), out)
    assert "left" not in line
    assert "listing" in line
    assert "%" not in line
    assert "2,402 of 2,672+ files  124 of 172 GB+" in line


def test_an_ascii_terminal_gets_ascii() -> None:
    out, _ = terminal(100, LC_ALL="C")
    lines = render(snapshot(view(label="Zoë " * 10)), out)
    assert all(line.isascii() for line in lines)
    assert "####" in lines[0]
    assert "..." in lines[0]


@pytest.mark.parametrize("columns", [1, 10, 20, 40, 60, 80, 81, 120, 250])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    out, _ = terminal(max(columns, 30))
    views = [
        view(label="写真" * 30),
        view(state=State.PAUSED, reason="x" * 300),
        done(verdict=Verdict.KEEP),
        view(failed=count(123456)),
    ]
    assert all(cells(line) < max(columns, 30) for line in render(snapshot(*views), out))


def test_a_small_terminal_shows_the_running_ones() -> None:
    out, _ = terminal(80, 8)
    views = [done(label=f"D{number}") for number in range(9)] + [view(label="R")]
    lines = render(snapshot(*views), out)
    assert len(lines) == 7
    assert lines[0].startswith("R ")
    assert lines[-2] == "and 5 more"


def test_a_status_names_the_newest_of_the_ended_imports() -> None:
    out, _ = terminal(80, 60)
    ended = [done(id=str(number), label=f"E{number:02}", ended=1000.0 + number) for number in range(12)]
    lines = everything(snapshot(*ended, view(id="now", label="B002")), out)
    assert [line.split()[0] for line in lines[:-2]] == ["E07", "E08", "E09", "E10", "E11", "B002"]
    assert lines[-2] == "and 7 earlier: lading imports"
    lines = everything(snapshot(*ended[:5]), out)
    assert ([line.split()[0] for line in lines[:-1]], len(lines)) == (["E00", "E01", "E02", "E03", "E04"], 6)


def test_a_status_with_mirrors_fits_into_the_terminal() -> None:
    out, _ = terminal(80, 12)
    mirrors = tuple(
        MirrorView(id=str(number), source="/a", target=f"/{number}", label=f"M{number}", state=State.RUNNING)
        for number in range(9)
    )
    busy = snapshot(*(view(id=str(number)) for number in range(20)), *(done(id=f"d{n}") for n in range(9)))
    assert len(everything(msgspec.structs.replace(busy, mirrors=mirrors), out)) < 12


def test_what_is_being_read_counts_as_done_once() -> None:
    out, _ = terminal(120)
    shares = []
    for stage, position in [("copy", 0), ("copy", 20), ("flush", 40), ("verify", 0), ("verify", 40)]:
        flight = InFlight(import_id=view().id, path="x", stage=stage, size=40 * 10**9, position=position * 10**9)
        (line, _) = render(snapshot(view(), flight=(flight,)), out)
        found = re.search(r"(\d+)%", line)
        assert found
        shares.append(int(found[1]))
    assert all(before <= after for before, after in pairwise(shares))
    assert shares[0] == 72
    assert shares[-1] == 95


def test_an_empty_source_is_done() -> None:
    out, _ = terminal()
    empty = done(seen=count(0), archived=count(0), duplicate=count(0), skipped=count(0))
    assert "100%" in render(snapshot(empty), out)[0]


def test_bars() -> None:
    assert bar(0, 4, utf8=True) == "░░░░"
    assert bar(0.5, 4, utf8=True) == "██░░"
    assert bar(0.55, 4, utf8=True) == "██▏░"
    assert bar(1.7, 4, utf8=True) == "████"
    assert bar(0.5, 4, utf8=False) == "##.."


def test_the_second_frame_is_drawn_over_the_first() -> None:
    out, told = terminal()
    lines = ImportLines(out)
    lines.show(snapshot(view()))
    assert told.getvalue().count("\n") == 2
    lines.show(snapshot(view(), view()))
    assert told.getvalue().count("\r\x1b[2A") == 1
    lines.note("Pausing.")
    assert told.getvalue().endswith("\r\x1b[3A\x1b[JPausing.\n")
    lines.show(snapshot(view()))
    lines.close()
    assert told.getvalue().endswith("\r\x1b[2A\x1b[J")


def test_state_is_never_left_to_colour() -> None:
    plain, _ = terminal(100)
    coloured, _ = terminal(100, NO_COLOR="", TERM="xterm-256color")
    shot = snapshot(view(), done(), view(failed=count(2)), view(state=State.PAUSED, reason="x"))
    assert [SGR.sub("", line) for line in render(shot, coloured)] == render(shot, plain)
    assert "\x1b" not in "".join(render(shot, plain))
    assert "\x1b[38;5;142m" in "".join(render(shot, coloured))


def test_hostile_names_do_nothing() -> None:
    out, _ = terminal(200)
    shot = snapshot(view(label=HOSTILE), view(state=State.PAUSED, reason=HOSTILE), view(label="", source=HOSTILE))
    assert all(line.isprintable() for line in render(shot, out))


def test_json_lines_come_once_a_second() -> None:
    out, told = pipe()
    printer = JsonLines(out, pipe()[0])
    for time in (100.0, 100.25, 100.99, 101.0, 101.5, 102.1):
        printer.show(snapshot(view(label=HOSTILE), view(id="other"), done(), time=time))
    events = [json.loads(line) for line in told.getvalue().splitlines()]
    seconds = [event["time"].removeprefix("1970-01-01T00:01:") for event in events]
    assert seconds == ["40.000Z", "40.000Z", "41.000Z", "41.000Z", "42.100Z", "42.100Z"]
    assert events[0]["event"] == "progress"
    assert events[0]["id"] == "20251206-140700-ab12"
    assert events[0]["archived"] == {"files": 1532, "bytes": 100_000_000_000}


def test_progress_goes_on_when_the_clock_is_put_back() -> None:
    out, told = pipe()
    printer = JsonLines(out, pipe()[0])
    for time in (7300.0, 100.0, 100.5, 101.5):
        printer.show(snapshot(view(), time=time))
    assert len(told.getvalue().splitlines()) == 3


def test_quiet_only_speaks_when_it_must() -> None:
    err, complained = pipe()
    printer = Quiet(err)
    printer.show(snapshot(view()))
    printer.note("Pausing.")
    printer.close()
    assert complained.getvalue() == "Pausing.\n"


def test_an_audit_has_one_line() -> None:
    out, told = terminal()
    printer = AuditLine(out)
    printer.show((count(512, 2 * 10**9), count(2000, 8 * 10**9)))
    printer.close()
    assert told.getvalue() == "\r512 of 2,000 files  2.00 of 8.00 GB  (Ctrl-C stops)\x1b[K\r\x1b[K"


def test_a_move_has_one_line() -> None:
    out, told = terminal()
    shown = MoveLine(out)
    shown.show((count(512, 5_000_000), count(1204, 12_000_000)))
    assert "512 of 1,204 files  5.00 of 12.0 MB" in told.getvalue()
    assert "Ctrl-C" not in told.getvalue()


def test_a_rebuild_tells_what_is_new() -> None:
    out, told = terminal()
    printer = TakenIn(out)
    printer.show((count(1512, 0), count(0, 0)))
    assert told.getvalue() == "\r1,512 files new in the catalog  (Ctrl-C stops)\x1b[K"


def test_cards_of_one_name_are_told_apart_at_80_columns() -> None:
    out, _ = terminal()
    twins = [view(id=f"20251206-1401-{number}00aa{number}", label="EOS_DIGITAL") for number in (1, 2)]
    lines = render(snapshot(*twins, done(label="A001")), out)
    assert [line.split()[0] for line in lines[:3]] == ["1-100aa1"[-8:], "1-200aa2"[-8:], "A001"]
    assert all(cells(line) <= 80 for line in lines)
