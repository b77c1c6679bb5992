"""Numbers and names as a person reads them."""

import pytest

from core.words import counted
from tui import format


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.7, "1.00 kB"),
        (1234, "1.23 kB"),
        (999_999, "1.00 MB"),
        (124_000_000_000, "124 GB"),
        (5_000_000_000_000, "5.00 TB"),
    ],
)
def test_sizes_have_three_digits(count: float, text: str) -> None:
    assert format.size(count) == text


def test_sizes_of_one_unit_share_it() -> None:
    assert format.sizes(124e9, 172e9) == "124 of 172 GB"
    assert format.sizes(980e6, 172e9) == "980 MB of 172 GB"
    assert format.sizes(0, 0) == "0 of 0 B"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0s"),
        (0.42, "0.4s"),
        (9.94, "9.9s"),
        (9.96, "10s"),
        (59.6, "1m00s"),
        (194, "3m14s"),
        (7500, "2h05m"),
        (100_800, "1d04h"),
    ],
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert format.duration(seconds) == text


def test_nouns_agree_with_their_number() -> None:
    assert counted(1, "file") == "1 file"
    assert counted(1204, "file") == "1,204 files"


def test_width_counts_wide_and_combining_characters() -> None:
    assert format.cells("abc") == 3
    assert format.cells("写真") == 4
    assert format.cells("e\u0301") == 1


def test_text_is_cut_by_columns() -> None:
    assert format.fit("abcdef", 6) == "abcdef"
    assert format.fit("abcdefg", 6) == "abcde…"
    assert format.fit("abcdefg", 6, utf8=False) == "abcde~"
    assert format.fit("写真写真", 5) == "写真…"
    assert format.fit("写真写真", 4) == "写…"
    assert format.fit("abc", 0) == ""


def test_a_time_of_capture_says_as_much_as_is_known() -> None:
    assert format.capture_date("2025-12-06T14:07:09.25") == "2025-12-06 14:07"
    assert format.capture_date("2025-12-06T13:07:09Z") == "2025-12-06 13:07 UTC"
    assert format.capture_date("1931-08") == "1931-08"
    assert format.capture_date("") == ""
