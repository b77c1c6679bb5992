"""What is dated in UTC on the clock of the place: by position, and by name."""

from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.media.capture_time import Capture
from core.media.local_time import FOUND_BY, at_place, local_clock, offset_by_name, zone_text
from core.media.metadata import parse

UTC = 1_704_036_607  # 2023-12-31 15:30:07 UTC


def taken(seconds: float = UTC, local: str = "2023-12-31T15:30:07") -> Capture:
    return Capture(seconds=seconds, local=local, offset=None, tag="QuickTime:CreateDate", zone="utc")


@pytest.mark.parametrize(
    ("lat", "lon", "local", "offset"),
    [
        (35.68, 139.69, "2024-01-01T00:30:07", 540),
        (27.7, 85.3, "2023-12-31T21:15:07", 345),
        (37.7749, -122.4194, "2023-12-31T07:30:07", -480),
        (-33.87, 151.2, "2024-01-01T02:30:07", 660),  # in summer
        (51.5, -0.1, "2023-12-31T15:30:07", 0),
        (0.0, -30.0, "2023-12-31T13:30:07", -120),  # at sea
    ],
)
def test_by_position(lat: float, lon: float, local: str, offset: int) -> None:
    found = at_place(taken(), lat, lon)
    assert (found.seconds, found.local, found.offset, found.zone) == (UTC, local, offset, "position")


def test_a_fraction_stays_and_the_day_of_the_year_counts() -> None:
    found = at_place(taken(1_720_000_000.25, "2024-07-03T09:46:40.25"), 52.5, 13.4)
    assert (found.local, found.offset) == ("2024-07-03T11:46:40.25", 120)


def test_what_the_file_says_of_its_zone_goes_before_its_position() -> None:
    place = b'"Composite:GPSLatitude": 35.68, "Composite:GPSLongitude": 139.69'
    film = parse(b'{"QuickTime:CreateDate": "2023:12:31 15:30:07", %s}' % place)
    assert (film.captured_local, film.offset, film.captured_zone) == ("2024-01-01T00:30:07", 540, "position")
    apple = parse(b'{"Keys:CreationDate": "2023:12:31 16:30:07+01:00", %s}' % place)
    assert (apple.captured_local, apple.captured_zone) == ("2023-12-31T16:30:07", "recorded")
    camera = parse(b'{"ExifIFD:DateTimeOriginal": "2023:12:31 15:30:07", %s}' % place)
    assert (camera.captured_local, camera.offset, camera.captured_zone) == ("2023-12-31T15:30:07", None, "")


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        ("VID_20240101_003000.mp4", 540),
        ("20240101_003007.mp4", 540),
        ("2024-01-01 00.30.07.mp4", 540),
        ("2024-01-01-00-30-07-123.mp4", 540),
        ("Screen Recording 2024-01-01 at 00.30.00.mov", 540),
        ("DJI_20240101003005_0001_D.MP4", 540),
        ("VID_20231231_210008.mp4", 330),
        ("VID_20231231_211500.mp4", 345),
        ("VID_20231231_073000.mp4", -480),
        ("VID_20240101_002907.mp4", 540),  # its header tells when it ended
        ("VID_20231231_153000.mp4", None),  # UTC
        ("PXL_20231231_153000123.mp4", None),
        ("VID_20240101_001000.mp4", None),
        ("VID_20240101_003100.mp4", None),
        ("VID_20240105_003000.mp4", None),
        ("VID_20241301_003000.mp4", None),
        ("IMG_0001.MOV", None),
        ("120240101_003000.mp4", None),
        ("", None),
    ],
)
def test_by_name(name: str, offset: int | None) -> None:
    assert offset_by_name(name, UTC, 60.0) == offset


def test_a_name_that_fits_two_zones_tells_none() -> None:
    assert offset_by_name("VID_20240101_003007.mp4", UTC, 1800.0) is None
    assert offset_by_name("VID_20240101_003007.mp4", UTC, None) == 540


@given(st.text(max_size=40), st.floats(-1e12, 1e12), st.floats(0, 1e6) | st.none())
def test_no_name_is_an_error(name: str, seconds: float, duration: float | None) -> None:
    offset = offset_by_name(name, seconds, duration)
    assert offset is None or -720 <= offset <= 840


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(-4e9, 1e11))
def test_no_place_is_an_error(lat: float, lon: float, seconds: float) -> None:
    found = at_place(taken(seconds), lat, lon)
    assert found.offset is None or abs(found.offset) <= 16 * 60
    assert found.seconds == seconds


def test_every_zone_can_be_looked_up() -> None:
    from tzfpy import timezonenames

    assert not set(timezonenames()) - available_timezones()


def test_a_clock_before_1970() -> None:
    assert local_clock(-0.5, 60, ".5") == "1970-01-01T00:59:59.5"


def test_a_zone_in_words() -> None:
    assert zone_text("position", 540) == f"UTC+09:00, {FOUND_BY['position']}"
    assert zone_text("recorded", -210) == f"UTC-03:30, {FOUND_BY['recorded']}"
    assert zone_text("", None) == zone_text("utc", None) == ""
    assert zone_text("adjusted", None) == FOUND_BY["adjusted"]
