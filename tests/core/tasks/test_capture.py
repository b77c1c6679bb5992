"""Dates: which is taken, and what is known of its zone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.tasks.capture import capture, offset_of
from core.tasks.tags import Tags

NOON = 1_714_996_800  # 2024-05-06 12:00:00 UTC


def taken(**tags: Any) -> tuple[float, str, int | None, str] | None:
    found = capture(Tags({name.replace("__", ":").replace("_", "-"): value for name, value in tags.items()}))
    return (found.seconds, found.local, found.offset, found.zone) if found else None


def test_the_usual_order() -> None:
    tags = {
        "Composite:SubSecDateTimeOriginal": "2001:01:01 00:00:00.5",
        "Composite:SubSecCreateDate": "2002:01:01 00:00:00.5",
        "ExifIFD:DateTimeOriginal": "2003:01:01 00:00:00",
        "Keys:CreationDate": "2004:01:01 00:00:00+01:00",
        "QuickTime:CreateDate": "2005:01:01 00:00:00",
        "Track1:MediaCreateDate": "2006:01:01 00:00:00",
        "Composite:DateTimeCreated": "2007:01:01 00:00:00",
        "Composite:GPSDateTime": "2008:01:01 00:00:00Z",
    }
    years = []
    while found := capture(Tags(tags)):
        years.append(found.local[:4])
        del tags[found.tag]
    assert years == ["2001", "2002", "2003", "2004", "2005", "2006", "2007", "2008"]


def test_exif_goes_before_what_was_written_beside_it() -> None:
    tags = Tags(
        {"XMP-exif:DateTimeOriginal": "2020:01:01 00:00:00", "ExifIFD:DateTimeOriginal": "2010:01:01 00:00:00"}
    )
    found = capture(tags)
    assert found is not None
    assert found.tag == "ExifIFD:DateTimeOriginal"


def test_a_zone_in_the_value() -> None:
    assert taken(Composite__SubSecDateTimeOriginal="2024:05:06 14:00:00.25+02:00") == (
        NOON + 0.25,
        "2024-05-06T14:00:00.25",
        120,
        "recorded",
    )
    assert taken(Keys__CreationDate="2024:05:06 07:00:00-0500") == (NOON, "2024-05-06T07:00:00", -300, "recorded")
    assert taken(XMP_xmp__CreateDate="2024:05:06 12:00:00Z") == (NOON, "2024-05-06T12:00:00", 0, "recorded")


@pytest.mark.parametrize(
    ("tags", "offset"),
    [
        ({"ExifIFD__OffsetTimeOriginal": "+02:00", "ExifIFD__OffsetTime": "+03:00"}, 120),
        ({"ExifIFD__OffsetTime": "+03:00"}, 180),
        ({"ExifIFD__OffsetTime": "nonsense", "Canon__TimeZone": 120}, 120),
        ({"Canon__TimeZone": 120, "Canon__DaylightSavings": 60}, 120),
        ({"Nikon__TimeZone": 60, "Nikon__DaylightSavings": 1}, 120),
        ({"Nikon__TimeZone": -300, "Nikon__DaylightSavings": 0}, -300),
        ({"IFD0__TimeZoneOffset": "-5 -5"}, -300),
        ({"Ricoh__TimeZone": "+09:00"}, 540),
        ({"Other__TimeZone": 540}, None),
        ({"ExifIFD__OffsetTime": "+25:00"}, None),
    ],
)
def test_offsets(tags: dict[str, object], offset: int | None) -> None:
    found = taken(ExifIFD__DateTimeOriginal="2024:05:06 12:00:00", **tags)
    assert found == (
        NOON - 60 * (offset or 0),
        "2024-05-06T12:00:00",
        offset,
        "" if offset is None else "recorded",
    )


def test_quicktime_counts_in_utc() -> None:
    assert taken(QuickTime__CreateDate="2024:05:06 12:00:00") == (NOON, "2024-05-06T12:00:00", None, "utc")
    assert taken(Track1__MediaCreateDate="2024:05:06 12:00:00", Keys__AndroidTimeZone="+0200") == (
        NOON,
        "2024-05-06T14:00:00",
        120,
        "recorded",
    )


@pytest.mark.parametrize("maker", ["Canon", "NIKON CORPORATION", "GoPro"])
def test_some_makers_count_in_the_clock_of_the_camera(maker: str) -> None:
    assert taken(QuickTime__CreateDate="2024:05:06 12:00:00", IFD0__Make=maker) == (
        NOON,
        "2024-05-06T12:00:00",
        None,
        "",
    )
    assert taken(QuickTime__CreateDate="2024:05:06 12:00:00", IFD0__Make=maker, Canon__TimeZone=60) == (
        NOON - 3600,
        "2024-05-06T12:00:00",
        60,
        "recorded",
    )


def test_a_film_with_the_makers_own_tags_needs_no_name_of_it() -> None:
    found = taken(QuickTime__CreateDate="2024:05:06 12:00:00", GoPro__Model="HERO11 Black")
    assert found is not None
    assert found[3] == ""


def test_the_receiver_counts_in_utc() -> None:
    for value in ("2024:05:06 12:00:00Z", "2024:05:06 12:00:00"):
        found = taken(Composite__GPSDateTime=value)
        assert found is not None
        assert (found[0], found[1]) == (NOON, "2024-05-06T12:00:00")


@pytest.mark.parametrize(
    "value",
    [
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "1904:01:01 00:00:00",
        "2024:02:30 12:00:00",
        "2024:05:06 25:00:00",
        "2024:05:06 12:00:60",
        "2024",
        2024,
        "",
        "9999:99:99 99:99:99",
        "0001:01:01 00:00:00+14:00",
        "9999:12:31 23:59:59 nonsense",
        ["2024:05:06 12:00:00"],
        None,
        True,
    ],
)
def test_what_is_no_date(value: object) -> None:
    assert taken(ExifIFD__DateTimeOriginal=value) is None
    found = taken(ExifIFD__DateTimeOriginal=value, ExifIFD__CreateDate="2024:05:06 12:00:00")
    assert found is not None
    assert found[0] == NOON


def test_the_first_second_of_unix_is_a_date_on_paper_but_not_in_a_film() -> None:
    assert taken(ExifIFD__DateTimeOriginal="1970:01:01 00:00:00") is not None
    assert taken(QuickTime__CreateDate="1970:01:01 00:00:00") is None


def test_a_scan_is_as_old_as_its_picture() -> None:
    found = taken(ExifIFD__DateTimeOriginal="1893:07:01 12:00:00")
    assert found is not None
    assert found[0] < 0


def test_less_than_a_second_and_less_than_a_minute() -> None:
    assert taken(XMP_xmp__CreateDate="2024:05:06 12:00") == (NOON, "2024-05-06T12:00:00", None, "")
    assert taken(XMP_photoshop__DateCreated="2024:05:06") == (NOON - 43200, "2024-05-06T00:00:00", None, "")
    found = taken(Composite__SubSecCreateDate="2024:05:06 12:00:00.123456789")
    assert found is not None
    assert found[1] == "2024-05-06T12:00:00.123456"
    assert found[0] == pytest.approx(NOON + 0.123456)


def test_a_thumbnail_has_no_date() -> None:
    assert taken(IFD1__DateTimeOriginal="2024:05:06 12:00:00") is None


@given(
    st.text(max_size=30) | st.from_regex(r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d)?", fullmatch=True)
)
def test_no_value_is_an_error(value: str) -> None:
    for name in ("ExifIFD:DateTimeOriginal", "QuickTime:CreateDate", "GPS:GPSDateTime"):
        capture(
            Tags({name: value, "ExifIFD:OffsetTime": value, "Canon:TimeZone": value, "IFD0:TimeZoneOffset": value})
        )
    offset_of(value)
