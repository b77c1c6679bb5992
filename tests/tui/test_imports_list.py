"""lading imports: what its list shows in how many columns."""

import time

from core.listings import ImportRecord
from tests.tui.console.streams import pipe, terminal
from tui.commands import imports
from tui.format import cells

THIS_YEAR = time.localtime().tm_year


def record(number: int, **changed: object) -> ImportRecord:
    values: dict[str, object] = {
        "row": number,
        "id": f"20251206-140100-{number}bbbbbbb",
        "started": time.mktime((THIS_YEAR, 1, 1, 14, 7, 0, 0, 0, -1)),
        "source": f"/Volumes/EOS_{number}",
        "label": "A001 the long label of a card, 40 columns",
        "archive": "/archive",
        "location": "Mill Creek Asylum, the east wing, cellar",
        "state": "done",
        "archived": 1204,
        "verdict": "KEEP",
        "failed": 3,
    }
    return ImportRecord(**(values | changed))  # type: ignore[arg-type]


def test_at_80_columns_long_names_push_no_failure_off() -> None:
    out, told = terminal(80)
    imports._list([record(1), record(2, failed=0, todo=12, damaged=2)], out, None)
    head, first, second, _ = told.getvalue().splitlines()
    assert head.split()[:6] == ["ID", "STARTED", "STATE", "FAILED", "TO", "DO"]
    assert first.split()[4:6] == ["3", "0"]
    # What tells rows apart stays: the words of the state are fewer, then the names are cut.
    assert "KEEP, 2 damaged       0     12  A001 the l…  Mill Creek…" in second
    assert "LOCATION" in head
    assert max(map(cells, (head, first, second))) <= 80
    out, told = terminal(80)
    imports._list([record(1)], out, None)
    assert "KEEP        3  A001 the long l…  Mill Creek Asyl…" in told.getvalue()
    assert max(map(cells, told.getvalue().splitlines())) <= 80


def test_imports_of_one_card_into_several_archives_are_told_apart_at_80_columns() -> None:
    out, told = terminal(80)
    imports._list([record(1, together="t", archive="/nas"), record(2, together="t", archive="/raid")], out, None)
    _, first, second = told.getvalue().splitlines()
    assert ("> nas " in first, "> raid " in second) == (True, True)


def test_an_import_of_another_year_says_which() -> None:
    out, told = terminal(80)
    past = time.mktime((THIS_YEAR - 2, 3, 4, 14, 7, 0, 0, 0, -1))
    imports._list([record(1), record(2, started=past)], out, None)
    _, first, second = told.getvalue().splitlines()
    assert "01-01 14:07" in first
    assert f"{THIS_YEAR - 2}-03-04" in second


def test_a_wide_terminal_shows_ids_and_sources_whole() -> None:
    out, told = terminal(200)
    imports._list([record(1)], out, None)
    head, row = told.getvalue().splitlines()
    assert head.endswith("SOURCE")
    assert "20251206-140100-1bbbbbbb" in row
    assert row.endswith("(/Volumes/EOS_1)")
    assert cells(row) <= 200


def test_a_pipe_has_everything_and_a_pager_what_fits() -> None:
    out, told = pipe()
    imports._list([record(1)], out, None)
    assert "Mill Creek Asylum, the east wing, cellar" in told.getvalue()
    assert told.getvalue().endswith("(/Volumes/EOS_1)\n")
    out, told = pipe(COLUMNS="80")
    imports._list([record(1)], out, None)
    assert max(map(cells, told.getvalue().splitlines())) <= 80
