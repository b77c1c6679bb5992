"""Dates: which is taken, and what is known of its zone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.media.capture_time import capture, clock_not_set, offset_of
from core.media.date_tags import DATE_TAGS, QUICKTIME, DateTag
from core.media.tags import Tags

NOON = 1_714_996_800  # 2024-05-06 12:00:00 UTC


def taken(**tags: Any) -> tuple[float, str, int | None, str] | None:
    found = capture(Tags({name.replace("__", ":").replace("_", "-"): value for name, value in tags.items()}))
    return (found.seconds, found.local, found.offset, found.zone) if found else None


def test_the_usual_order() -> None:
    tags = {
        "Composite:SubSecDateTimeOriginal": "2001:01:01 00:00:00.5",
        "ExifIFD:DateTimeOriginal": "2002:01:01 00:00:00",
        "Keys:CreationDate": "2003:01:01 00:00:00+01:00",
        "QuickTime:CreateDate": "2004:01:01 00:00:00",
        "Track1:MediaCreateDate": "2005:01:01 00:00:00",
        "Composite:DateTimeCreated": "2006:01:01 00:00:00",
        "Composite:SubSecCreateDate": "2007:01:01 00:00:00.5",
        "Composite:GPSDateTime": "2008:01:01 00:00:00Z",
        "IFD0:ModifyDate": "2009:01:01 00:00:00",
    }
    years = []
    while found := capture(Tags(tags)):
        years.append(found.local[:4])
        del tags[found.tag]
    assert years == ["2001", "2002", "2003", "2004", "2005", "2006", "2007", "2008", "2009"]


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
    assert taken(XMP_xmp__CreateDate="2024:05:06 12:00:00Z") == (NOON, "2024-05-06T12:00:00", None, "utc")


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
        ({"Canon__TimeZone": "+02:00", "Canon__DaylightSavings": 60}, 120),
        ({"Nikon__TimeZone": "+01:00", "Nikon__DaylightSavings": 1}, 120),
        ({"Nikon__TimeZone": "+01:00 (Madrid, Paris, Berlin)"}, None),
        ({"GoPro__TimeZone": "+02:00"}, 120),
        # OpenEXR's is what is added to local time to get UTC (ImfStandardAttributes.h, utcOffset).
        ({"OpenEXR__TimeZone": "-03:30"}, 210),
        ({"OpenEXR__TimeZone": "-13:00"}, 780),
        ({"ExifIFD__OffsetTimeOriginal": "GMT+2"}, 120),
        ({"ExifIFD__OffsetTimeOriginal": "UTC-03:30"}, -210),
        ({"Other__TimeZone": 540}, None),
        ({"ExifIFD__OffsetTime": "+25:00"}, None),
        ({"ExifIFD__OffsetTime": "+14:00"}, 840),
        ({"ExifIFD__OffsetTime": "+14:30"}, None),
        ({"ExifIFD__OffsetTime": "-13:00"}, None),
        ({"ExifIFD__OffsetTime": "\u221203:00"}, -180),
        ({"ExifIFD__OffsetTime": "   :  "}, None),
        ({"IFD0__TimeZoneOffset": -13}, None),
        ({"IFD0__TimeZoneOffset": 30}, None),
        ({"GoPro__TimeZone": 120}, 120),
        ({"Canon__TimeZone": 999}, None),
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
        assert found == (NOON, "2024-05-06T12:00:00", None, "utc")


@pytest.mark.parametrize(
    "value",
    [
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "1904:01:01 00:00:00",
        "2024:02:30 12:00:00",
        "2024:05:06 25:00:00",
        "2024:05:06 12:00:61",
        "1825",
        20240506,
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
    assert taken(XMP_photoshop__DateCreated="2024:05:06") == (NOON - 43200, "2024-05-06", None, "")
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


def place(row: DateTag) -> str:
    group = "QuickTime" if row.groups is QUICKTIME else next(iter(row.groups), "Any")
    return f"{group}:{row.name}"


@pytest.mark.parametrize("row", DATE_TAGS, ids=place)
def test_each_row_of_the_table_is_a_date_with_its_zone(row: DateTag) -> None:
    found = capture(Tags({place(row): "2024:05:06 12:00:00", "IFD0:Make": "Lading"}))
    assert found is not None
    assert (found.tag, found.zone, found.offset) == (place(row), "utc" if row.rule == "utc" else "", None)
    for offset in row.offsets:
        found = capture(Tags({place(row): "2024:05:06 12:00:00", f"ExifIFD:{offset}": "+02:00"}))
        assert found is not None
        assert (found.zone, found.offset) == ("recorded", 120)
    assert row.source


def test_each_row_of_the_table_goes_before_the_next() -> None:
    tags = {place(row): f"{2000 + number}:01:01 00:00:00" for number, row in enumerate(DATE_TAGS)}
    assert len(tags) == len(DATE_TAGS)
    for row in DATE_TAGS:
        found = capture(Tags(tags))
        assert found is not None
        assert found.tag == place(row)
        del tags[place(row)]
    assert capture(Tags(tags)) is None


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        # ID3v2.3.0, 4.2.1: TDAT is DDMM. exiftool takes it for MMDD in its own tag.
        (
            {"ID3v2_3:Year": 2021, "ID3v2_3:Date": "0807", "Composite:DateTimeOriginal": "2021:08:07"},
            ("2021-07-08", "ID3v2_3:Date"),
        ),
        (
            {
                "ID3v2_3:Year": 2021,
                "ID3v2_3:Date": 3112,
                "ID3v2_3:Time": "0910",
                "Composite:DateTimeOriginal": "2021:31:12 09:10",
            },
            ("2021-12-31T09:10:00", "ID3v2_3:Date"),
        ),
        (
            {"ID3v2_2:Year": 2021, "ID3v2_2:Date": 1707, "ID3v2_2:Time": 2359},
            ("2021-07-17T23:59:00", "ID3v2_2:Date"),
        ),
        # A program that writes MMDD.
        (
            {"ID3v2_3:Year": 2021, "ID3v2_3:Date": "0731", "Composite:DateTimeOriginal": "2021:07:31"},
            ("2021-07-31", "Composite:DateTimeOriginal"),
        ),
        ({"ID3v2_3:Date": "0807"}, None),
        (
            {
                "FITS:ObservationDate": "2021-07-08",
                "FITS:ObservationTime": "09:10:11.5",
                "FITS:CreateDate": "2022-01-01",
            },
            ("2021-07-08T09:10:11.5", "FITS:ObservationDate"),
        ),
        (
            {"FITS:ObservationDate": "2021-07-08T09:10:11", "FITS:ObservationTime": "09:10:11"},
            ("2021-07-08T09:10:11", "FITS:ObservationDate"),
        ),
        (
            {"XML:BwfxmlBextBwfOriginationDate": "2021-07-08", "XML:BwfxmlBextBwfOriginationTime": "09:10:11"},
            ("2021-07-08T09:10:11", "XML:BwfxmlBextBwfOriginationDate"),
        ),
    ],
)
def test_a_date_whose_parts_are_tags_of_their_own(tags: dict[str, object], found: tuple[str, str] | None) -> None:
    told = capture(Tags(tags))
    assert ((told.local, told.tag) if told else None) == found


def test_a_group_that_is_not_in_the_table_has_no_such_date() -> None:
    for tag in ("XMP-pdf:CreationDate", "Other:StartTime", "XMP-xmp:ModifyDate", "ASF:EncodeTime"):
        assert capture(Tags({tag: "2024:05:06 12:00:00"})) is None


@pytest.mark.parametrize(
    "scanned",
    [
        {"Composite__SubSecCreateDate": "2023:05:05 10:00:00.33"},
        {"Composite__SubSecCreateDate": "2023:05:05 10:00:00+02:00"},
        {"XMP_xmp__CreateDate": "2023:05:05 10:00:00.5+02:00"},
        {"XMP_exif__DateTimeDigitized": "2023:05:05 10:00:00"},
    ],
)
@pytest.mark.parametrize("tag", ["ExifIFD__DateTimeOriginal", "XMP_photoshop__DateCreated", "IPTC__DateCreated"])
def test_a_scan_is_not_dated_by_the_day_it_was_scanned(tag: str, scanned: dict[str, str]) -> None:
    found = taken(**{tag: "1985:07:01 12:00:00", "ExifIFD__CreateDate": "2023:05:05 10:00:00"}, **scanned)
    assert found is not None
    assert found[1] == "1985-07-01T12:00:00"


def test_the_zone_of_the_scanner_is_not_that_of_the_picture() -> None:
    scan = {"ExifIFD__CreateDate": "2023:05:05 10:00:00", "ExifIFD__OffsetTimeDigitized": "+02:00"}
    for tag in ("ExifIFD__DateTimeOriginal", "XMP_exif__DateTimeOriginal"):
        found = taken(**{tag: "1985:07:01 12:00:00"}, **scan)
        assert found is not None
        assert found[1:] == ("1985-07-01T12:00:00", None, "")
    # A camera digitises when it takes the picture; and a zone of the picture's own counts anyhow.
    for more in (
        {},
        {"ExifIFD__CreateDate": "2024:05:06 14:00:01"},
        {"ExifIFD__CreateDate": "0000:00:00 00:00:00"},
    ):
        told = {
            "ExifIFD__DateTimeOriginal": "2024:05:06 14:00:00",
            "ExifIFD__OffsetTimeDigitized": "+02:00",
            **more,
        }
        assert taken(**told) == (NOON, "2024-05-06T14:00:00", 120, "recorded")
    own = {"ExifIFD__DateTimeOriginal": "1985:07:01 12:00:00", "ExifIFD__OffsetTimeOriginal": "-05:00"}
    found = taken(**own, **scan)
    assert found is not None
    assert found[2] == -300
    # UTC beside the scan is the scan's, too.
    found = taken(**{**scan, "ExifIFD__OffsetTimeDigitized": "Z"}, ExifIFD__DateTimeOriginal="1985:07:01 12:00:00")
    assert found is not None
    assert found[3] == ""


def test_the_zone_of_the_editor_is_not_that_of_the_picture() -> None:
    picture = {"ExifIFD__DateTimeOriginal": "2024:05:06 14:00:00", "ExifIFD__OffsetTime": "+09:00"}
    for told, offset in (
        ({"IFD0__ModifyDate": "2025:01:01 10:00:00"}, None),
        ({"IFD0__ModifyDate": "2024:05:06 14:00:01"}, 540),
        ({}, 540),
        ({"IFD0__ModifyDate": "2025:01:01 10:00:00", "ExifIFD__OffsetTimeDigitized": "+02:00"}, 120),
        ({"IFD0__ModifyDate": "2025:01:01 10:00:00", "ExifIFD__OffsetTimeOriginal": "+02:00"}, 120),
        ({"ExifIFD__CreateDate": "2025:01:01 10:00:00"}, None),  # of a scanner
    ):
        found = taken(**picture, **told)
        assert found is not None
        assert (found[1], found[2]) == ("2024-05-06T14:00:00", offset)


@pytest.mark.parametrize(
    ("value", "local"),
    [
        ("2013:11:02 24:12:34", "2013-11-02T00:12:34"),
        ("2016:12:31 23:59:60", "2016-12-31T23:59:59"),
        ("2003: 1: 5  7: 8: 9", "2003-01-05T07:08:09"),
        ("2004/12/05 07:08:09", "2004-12-05T07:08:09"),
        ("2004.12.05 07:08:09", "2004-12-05T07:08:09"),
        ("2014-12-05T07:08:09,5", "2014-12-05T07:08:09.5"),
        # Broadcast Wave, as exiftool puts its two fields together.
        ("2004/12/0507:08:09", "2004-12-05T07:08:09"),
        ("2004_12_0507_08_09", "2004-12-05T07:08:09"),
        ("2004.12.0507.08.09", "2004-12-05T07:08:09"),
        ("2004 12 05 07-08-09", "2004-12-05T07:08:09"),
        ("2004 12 0507 08 09", "2004-12-05T07:08:09"),
        ("2004:12:05 07:08", "2004-12-05T07:08:00"),
        ("2004:12:05:07:08:09", "2004-12-05T07:08:09"),
        ("2004:12:05_07:08:09", "2004-12-05T07:08:09"),
        # ISO 8601 in its basic form.
        ("20041205T070809", "2004-12-05T07:08:09"),
        ("20041205 070809.5", "2004-12-05T07:08:09.5"),
        ("20041205070809", "2004-12-05T07:08:09"),
        # Clocks of twelve hours, in the words of phones.
        ("2004:12:05 7:08:09 PM", "2004-12-05T19:08:09"),
        ("2004:12:05 12:08:09 am", "2004-12-05T00:08:09"),
        ("2004:12:05 12:08 p.m.", "2004-12-05T12:08:00"),
        ("2004:12:05 7:08:09 p. m.", "2004-12-05T19:08:09"),
        ("2004:12:05 7:08:09 a.\xa0m.", "2004-12-05T07:08:09"),
        ("2004:12:05 16:08:09 PM", "2004-12-05T16:08:09"),
        ("2004:12:05 下午04:08:09", "2004-12-05T16:08:09"),
        ("2004:12:05 上午 04:08:09", "2004-12-05T04:08:09"),
        ("2004:12:05 04:08:09 오후", "2004-12-05T16:08:09"),
        # Zones that several places call so; the second as in DPX (SMPTE 268M).
        ("2004:12:05 07:08:09:CST", "2004-12-05T07:08:09"),
        ("2004:12:05 07:08:09 CST", "2004-12-05T07:08:09"),
        ("1931:08:28   :  :  ", "1931-08-28"),
        ("1931:08:28", "1931-08-28"),
        ("1931:08:00 00:00:00", "1931-08"),
        ("1931:08:  ", "1931-08"),
        ("1931-08", "1931-08"),
        ("1931:00:00 00:00:00", "1931"),
        ("1931:  :     :  :  ", "1931"),
        ("1931", "1931"),
        (1931, "1931"),
    ],
)
def test_dates_as_cameras_and_archives_write_them(value: object, local: str) -> None:
    found = taken(ExifIFD__DateTimeOriginal=value)
    assert found is not None
    assert (found[1], found[3]) == (local, "")


def test_an_impossible_zone_drops_the_zone_and_not_the_date() -> None:
    for value in ("2024:05:06 12:00:00+25:00", "2024:05:06 12:00:00-99:99", "2024:05:06 12:00:00+1234:00"):
        assert taken(ExifIFD__DateTimeOriginal=value) == (NOON, "2024-05-06T12:00:00", None, "")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2024:05:06 17:45:00+05:45", NOON),
        ("2024:05:06 17:45:00 GMT+5:45", NOON),
        ("2024:05:06 08:30:00 UTC-03:30", NOON),
        ("2024:05:06 08:30:00:-0330", NOON),
        ("2024-05-06T08:30:00\u221203:30", NOON),
        ("20240506T174500+0545", NOON),
        ("Mon, 06 May 2024 17:45:00 +0545", NOON),
        ("Mon May  6 17:45:00 2024 +0545", NOON),
    ],
)
def test_a_zone_as_programs_spell_it(value: str, seconds: float) -> None:
    found = taken(Flash__CreateDate=value)
    assert found is not None
    assert (found[0], found[3]) == (seconds, "recorded")


@pytest.mark.parametrize(
    ("value", "local"),
    [
        ("1999:05:05 10:11:12-0.24999987334013Z", "1999-05-05T10:11:12.75"),
        ("1965:01:05 00:01:35-0.999999523162842Z", "1965-01-05T00:01:35"),
    ],
)
def test_a_film_in_matroska_may_be_older_than_the_format(value: str, local: str) -> None:
    # Exactly as exiftool 12.57 tells DateUTC of films that ffmpeg dated 10:11:12.75 and 00:01:35.
    found = taken(Matroska__DateTimeOriginal=value)
    assert found is not None
    assert (found[1], found[3]) == (local, "utc")


def test_a_day_alone_gives_way_to_a_time_on_it() -> None:
    day = {"IPTC__DateCreated": "2024:05:06"}
    assert taken(**day, ExifIFD__CreateDate="2024:05:06 12:00:00") == (NOON, "2024-05-06T12:00:00", None, "")
    found = taken(**day, ExifIFD__CreateDate="2024:05:07 12:00:00")
    assert found is not None
    assert found[1] == "2024-05-06"


@pytest.mark.parametrize("tag", ["Matroska:DateTimeOriginal", "ExifIFD:CreateDate", "Flash:Creation_time"])
def test_z_is_utc_and_no_clock_of_the_place(tag: str) -> None:
    for value in ("2024:05:06 12:00:00Z", "2024-05-06T12:00:00.000000Z", "2024:05:06 12:00:00 UTC"):
        found = capture(Tags({tag: value, "ExifIFD:OffsetTime": "+02:00"}))
        assert found is not None
        assert (found.seconds, found.local, found.offset, found.zone) == (NOON, "2024-05-06T12:00:00", None, "utc")


def test_z_beside_a_date_is_utc_too() -> None:
    zoned = {"ExifIFD__DateTimeOriginal": "2024:05:06 12:00:00", "ExifIFD__OffsetTime": "+02:00"}
    assert taken(**zoned, ExifIFD__OffsetTimeOriginal="Z") == (NOON, "2024-05-06T12:00:00", None, "utc")
    # What the value says itself goes before.
    zoned["ExifIFD__DateTimeOriginal"] += "+01:00"
    assert taken(**zoned, ExifIFD__OffsetTimeOriginal="Z") == (NOON - 3600, "2024-05-06T12:00:00", 60, "recorded")


def test_a_zone_of_hours_alone_is_no_second() -> None:
    assert taken(ExifIFD__DateTimeOriginal="2024:05:06 12:00-05") == (
        NOON + 5 * 3600,
        "2024-05-06T12:00:00",
        -300,
        "recorded",
    )


@pytest.mark.parametrize("value", ["2040:02:06 06:28:15", "2106:02:07 06:28:15", "2070:01:01 00:00:00"])
@pytest.mark.parametrize("tag", ["QuickTime:CreateDate", "ExifIFD:DateTimeOriginal", "DV:DateTimeOriginal"])
def test_a_counter_that_is_full_has_no_date(tag: str, value: str) -> None:
    assert capture(Tags({tag: value})) is None
    assert clock_not_set(Tags({tag: value})) == tag


@pytest.mark.parametrize("value", ["1904:01:01 00:01:40", "1970:01:30 12:00:00", "1969:12:31 19:00:05"])
@pytest.mark.parametrize("tag", ["QuickTime:CreateDate", "ExifIFD:CreateDate", "IFD0:ModifyDate"])
def test_a_clock_that_was_not_set_has_no_date(tag: str, value: str) -> None:
    tags = Tags({tag: value})
    assert capture(tags) is None
    assert clock_not_set(tags) == tag
    found = capture(Tags({tag: value, "Composite:GPSDateTime": "2024:05:06 12:00:00Z"}))
    assert found is not None
    assert found.seconds == NOON


@pytest.mark.parametrize("value", ["1904:02:05 00:00:00", "1970:02:05 00:00:00", "1969:12:30 00:00:00"])
def test_other_days_of_those_years_are_dates(value: str) -> None:
    tags = Tags({"QuickTime:CreateDate": value})
    assert capture(tags) is not None
    assert clock_not_set(tags) is None


def test_a_camera_that_took_a_picture_with_its_clock_not_set() -> None:
    tags = {"ExifIFD:DateTimeOriginal": "1970:01:01 00:02:10", "ExifIFD:CreateDate": "1970:01:01 00:02:10"}
    assert capture(Tags(tags)) is None
    assert clock_not_set(Tags(tags)) == "ExifIFD:DateTimeOriginal"
    scan = {**tags, "ExifIFD:CreateDate": "2023:05:05 10:00:00"}
    found = capture(Tags(scan))
    assert found is not None
    assert found.local == "1970-01-01T00:02:10"


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("Matroska:DateTimeOriginal", "1970:01:01 00:10:00Z"),
        ("Info:DateTimeOriginal", "1970:01:01 00:10:00Z"),
        ("Matroska:DateTimeOriginal", "2001:01:01 00:00:00Z"),
        ("RIFF:DateTimeOriginal", "1970:01:02 00:10:00"),
        ("H264:DateTimeOriginal", "1904:01:02 00:10:00"),
        ("ASF:CreationDate", "1970:01:02 00:10:00Z"),
        ("Vorbis:CreationTime", "1970-01-01T00:10:00Z"),
        ("Composite:GPSDateTime", "1980:01:06 00:00:13Z"),
    ],
)
def test_whoever_told_it_an_unset_clock_has_no_date(tag: str, value: str) -> None:
    assert capture(Tags({tag: value})) is None
    assert clock_not_set(Tags({tag: value})) == tag


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("Matroska:DateTimeOriginal", "2001:01:01 00:00:01Z"),
        ("ExifIFD:DateTimeOriginal", "2001:01:01 00:00:00"),
        ("ExifIFD:DateTimeOriginal", "1980:01:06 00:00:13"),
        ("Composite:GPSDateTime", "1980:02:06 00:00:13Z"),
    ],
)
def test_what_only_looks_like_an_unset_clock_is_a_date(tag: str, value: str) -> None:
    assert capture(Tags({tag: value})) is not None


def test_a_scan_of_iptc_is_dated_by_the_picture_else_by_the_scan() -> None:
    scan = {
        "Composite__DigitalCreationDateTime": "2001:02:03 10:11:12+01:00",
        "IPTC__DigitalCreationDate": "2001:02:03",
    }
    assert taken(**scan) == (981_191_472, "2001-02-03T10:11:12", 60, "recorded")
    assert taken(**scan, IPTC__DateCreated="1931:08:28") == (-1_210_118_400, "1931-08-28", None, "")
    assert taken(IPTC__DigitalCreationDate="2001:02:03") == (981_158_400, "2001-02-03", None, "")


@pytest.mark.parametrize("tag", ["Vorbis:CreationTime", "Theora:CreationTime", "WTV:Creation_time"])
def test_a_moment_goes_before_its_day(tag: str) -> None:
    found = capture(Tags({tag: "2024-05-06T12:00:00.000000Z", f"{tag.partition(':')[0]}:Date": "2024-05-06"}))
    assert found is not None
    assert (found.seconds, found.local, found.zone) == (NOON, "2024-05-06T12:00:00", "utc")


@pytest.mark.parametrize("value", ["Mon May  6 12:00:00 2024", "MON MAY 06 12:00:00 2024", "May 6 12:00:00 2024"])
def test_a_date_in_words(value: str) -> None:
    assert taken(RIFF__DateCreated=value) == (NOON, "2024-05-06T12:00:00", None, "")
    assert taken(RIFF__DateCreated=value.replace("2024", "24")) is None
    assert taken(RIFF__DateCreated=value.lower().replace("may", "mai")) is None


@pytest.mark.parametrize(
    "value",
    [
        "Mon May  6 12:00:00 CEST 2024",
        "Monday, 6 May 2024 12:00:00",
        "06-MAY-2024 12:00:00",
        "6 May 2024 12:00:00 CET",
    ],
)
def test_a_date_in_the_words_of_unix_and_of_mail(value: str) -> None:
    assert taken(RIFF__DateTimeOriginal=value) == (NOON, "2024-05-06T12:00:00", None, "")


def test_the_recording_date_of_a_matroska_tag_says_nothing_of_a_zone() -> None:
    assert taken(Matroska__DateTimeOriginal="2024:05:06 12:00:00") == (NOON, "2024-05-06T12:00:00", None, "")


def test_an_album_of_1970_is_of_1970() -> None:
    assert taken(ItemList__ContentCreateDate=1970) == (0, "1970", None, "")
