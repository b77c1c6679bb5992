"""Corrections by a person: how they are written, and what comes of a date."""

import pytest

from core.errors import UsageError
from core.media.adjusting import Dated, by_clock, by_shift, by_zone, correcting, unset_clock_date
from core.media.capture_time import unset_clock
from core.media.tags import Tags

NOON = 1_714_996_800  # 2024-05-06 12:00:00 UTC

CLOCK = Dated(NOON, "2024-05-06T12:00:00.25", None, "")
UTC = Dated(NOON, "2024-05-06T12:00:00", None, "utc")
LATE = Dated(NOON, "2024-05-06T23:30:00", 690, "name")
HERE = Dated(NOON, "2024-05-06T14:00:00", 120, "recorded")


@pytest.mark.parametrize(
    ("text", "seconds", "what"),
    [
        ("+1h", 3600, "shift +1h"),
        ("1h", 3600, "shift +1h"),
        ("-1h30m", -5400, "shift -1h30m"),
        ("\u22121h", -3600, "shift -1h"),
        ("+2d", 172_800, "shift +2d"),
        ("-1w2d3h4m5s", -788_645, "shift -1w2d3h4m5s"),
        ("-0:30", -1800, "shift -0:30"),
        ("+1:00:07", 3607, "shift +1:00:07"),
    ],
)
def test_spans(text: str, seconds: float, what: str) -> None:
    found = by_shift(text)
    assert (found.kind, found.seconds, found.what) == ("shift", seconds, what)


@pytest.mark.parametrize("text", ["", "1", "+h", "1h later", "1:75", "--1h", "1x"])
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(UsageError, match="span"):
        by_shift(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2024-01-01 00:00 = 2025-06-14 15:02", 45_846_120),
        ("2024:01:01 00:00:30=2024-01-01T00:00:00", -30),
        ("1970-01-01 00:00 = 1970-01-02 00:00", 86_400),
    ],
)
def test_clocks(text: str, seconds: float) -> None:
    found = by_clock(text)
    assert (found.kind, found.seconds) == ("clock", seconds)


@pytest.mark.parametrize(
    "text",
    ["", "2024-01-01 00:00", "2024-01-01 = 2025-01-01", "2024-13-01 00:00 = 2025-01-01 00:00", "a = b", "= ="],
)
def test_what_is_no_pair(text: str) -> None:
    with pytest.raises(UsageError, match="pair"):
        by_clock(text)


@pytest.mark.parametrize("text", ["", "Europe/Nowhere", "../../etc/passwd", "+25:00", "Europe/\0"])
def test_what_is_no_zone(text: str) -> None:
    with pytest.raises(UsageError, match="zone"):
        by_zone(text)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (CLOCK, Dated(NOON + 3600, "2024-05-06T13:00:00.25", None, "adjusted")),
        (UTC, Dated(NOON + 3600, "2024-05-06T13:00:00", None, "utc")),
        (HERE, Dated(NOON + 3600, "2024-05-06T15:00:00", 120, "adjusted")),
        (
            LATE,
            Dated(NOON + 3600, "2024-05-07T00:30:00", 690, "adjusted"),
        ),
        (Dated(NOON, "2024-05-06", None, ""), None),
        (Dated(NOON, "1931", None, ""), None),
        (Dated(253_402_300_799, "9999-12-31T23:59:59", None, ""), None),
    ],
)
def test_a_shift(before: Dated, now: Dated | None) -> None:
    assert correcting(by_shift("+1h"))(before) == now
    assert correcting(by_clock("2024-01-01 00:00 = 2024-01-01 01:00"))(before) == now


@pytest.mark.parametrize(
    ("before", "zone", "now"),
    [
        # The camera's clock stays; its moment becomes known.
        (CLOCK, "Europe/Berlin", Dated(NOON - 7200, "2024-05-06T12:00:00.25", 120, "adjusted")),
        (CLOCK, "-09:30", Dated(NOON + 34_200, "2024-05-06T12:00:00.25", -570, "adjusted")),
        # The moment stays.
        (UTC, "Europe/Berlin", Dated(NOON, "2024-05-06T14:00:00", 120, "adjusted")),
        (HERE, "Asia/Tokyo", Dated(NOON, "2024-05-06T21:00:00", 540, "adjusted")),
        (
            Dated(NOON, "2024-05-06T14:00:00", 120, "name"),
            "UTC",
            Dated(NOON, "2024-05-06T12:00:00", 0, "adjusted"),
        ),
        (Dated(NOON, "2024-05-06", None, ""), "Europe/Berlin", None),
    ],
)
def test_a_zone(before: Dated, zone: str, now: Dated | None) -> None:
    assert correcting(by_zone(zone))(before) == now


def test_one_after_the_other() -> None:
    shifted = correcting(by_shift("-2h"))(CLOCK)
    assert shifted is not None
    zoned = correcting(by_zone("Europe/Berlin"))(shifted)
    assert zoned == Dated(NOON - 4 * 3600, "2024-05-06T10:00:00.25", 120, "adjusted")
    shifted = correcting(by_shift("-2h"))(UTC)
    assert shifted is not None
    zoned = correcting(by_zone("Europe/Berlin"))(shifted)
    assert zoned == Dated(NOON - 7200, "2024-05-06T12:00:00", 120, "adjusted")


def test_a_clock_that_was_never_set() -> None:
    tags = {"ExifIFD:DateTimeOriginal": "1970:01:01 00:10:00", "ExifIFD:CreateDate": "1970:01:01 00:10:00"}
    clock = unset_clock(Tags(tags))
    assert clock is not None
    found = correcting(by_clock("1970-01-01 00:00 = 2025-06-14 15:02"))(unset_clock_date(clock))
    assert found == Dated(1_749_913_920, "2025-06-14T15:12:00", None, "adjusted")
    assert unset_clock(Tags({"ExifIFD:DateTimeOriginal": "2024:05:06 12:00:00"})) is None
