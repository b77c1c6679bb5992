"""The typed facts of one file, from exiftool's JSON."""

from typing import Any

import msgspec
import pytest

from core.media import metadata
from core.media.metadata import Metadata, pack, parse, raw_of, unpack


def parsed(tags: dict[str, Any]) -> Metadata:
    return parse(msgspec.json.encode({"SourceFile": "x", **tags}))


def kept(json: bytes) -> bytes:
    return raw_of(msgspec.json.decode(json, type=dict[str, msgspec.Raw]))


def test_a_number_of_a_camera_stays_as_it_is_written() -> None:
    assert parse(b'{"SourceFile": "x", "ExifIFD:SerialNumber": 123e4}').serial == "123e4"
    assert parse(b'{"SourceFile": "x", "ExifIFD:SerialNumber": 12.50}').serial == "12.50"
    assert parse(b'{"SourceFile": "x", "ExifIFD:SerialNumber": "0012"}').serial == "0012"
    assert parse(b'{"SourceFile": "x", "IFD0:Model": 350}').model == "350"


def test_camera() -> None:
    found = parsed({"IFD0:Make": " Lading\u0000 ", "IFD0:Model": "Rig\nOne", "Canon:InternalSerialNumber": "X1"})
    assert (found.make, found.model, found.serial) == ("Lading", "Rig One", "X1")
    found = parsed({"XML:DeviceManufacturer": "Sony", "XML:DeviceModelName": "ILCE-7M4", "XML:DeviceSerialNo": 42})
    assert (found.make, found.model, found.serial) == ("Sony", "ILCE-7M4", "42")
    found = parsed({"ICC-header:DeviceManufacturer": "IEC", "ICC-header:DeviceModel": "sRGB"})
    assert (found.make, found.model) == (None, None)
    assert parsed({"GoPro:Model": "HERO11 Black"}).make == "GoPro"
    assert parsed({"IFD0:Make": "", "XMP-tiff:Make": "n/a"}).make is None
    for make in ("AndroidMake", "AndroidManufacturer"):  # of exiftool 13, and before
        found = parsed({f"Keys:{make}": "samsung", "Keys:AndroidModel": "SM-G998B"})
        assert found.camera == "samsung SM-G998B"
    # A DNG has this name, and may have no other.
    assert parsed({"IFD0:UniqueCameraModel": "Pixel 6", "SubIFD:Model": ""}).camera == "Pixel 6"
    assert parsed({"IFD0:UniqueCameraModel": "DJI FC3170", "IFD0:Model": "FC3170"}).model == "FC3170"


@pytest.mark.parametrize(
    ("tags", "lens"),
    [
        (
            {"ExifIFD:LensModel": "RF24-70mm F2.8 L IS USM", "ExifIFD:LensInfo": "24 70 2.8 2.8"},
            "RF24-70mm F2.8 L IS USM",
        ),
        ({"ExifIFD:LensModel": "----", "ExifIFD:LensInfo": "24 70 2.8 2.8"}, "24-70mm f/2.8"),
        ({"Nikon:Lens": "18 55 3.5 5.6"}, "18-55mm f/3.5-5.6"),
        ({"ExifIFD:LensInfo": "50 50 0 0"}, "50mm"),
        ({"ExifIFD:LensInfo": "0 0 undef undef"}, None),
        ({"Composite:LensID": 61182}, None),
        ({"Composite:LensID": "A0 40 2D 53 2C 3C 8E 0E"}, None),
        ({"XMP-aux:Lens": "EF50mm f/1.8 STM"}, "EF50mm f/1.8 STM"),
        (
            {"Composite:LensID": "smc PENTAX-FA 77mm F1.8 Limited", "Pentax:LensType": "4 43"},
            "smc PENTAX-FA 77mm F1.8 Limited",
        ),
        (
            {"Nikon:Lens": "18 55 3.5 5.6", "Composite:LensID": "AF-S DX 18-55mm f/3.5-5.6G VR"},
            "AF-S DX 18-55mm f/3.5-5.6G VR",
        ),
        ({"ExifIFD:LensInfo": "50 50 0 0", "Composite:LensID": "Unknown (16)"}, "50mm"),
        ({"Composite:LensID": "Unknown 6-18mm"}, None),
        ({"ExifIFD:LensModel": "----", "Composite:LensID": "E-Mount, T-Mount, Other Lens or no lens"}, None),
        ({"Composite:LensID": "M-42 or No Lens"}, None),
        ({"Composite:LensID": "Built-in or Manual Lens"}, None),
        ({"Composite:LensID": "Manual Lens No CPU"}, None),
        ({"Composite:LensID": "Uncoded lens"}, None),
        ({"Composite:LensID": "Canon EF 50mm f/1.4 USM or Other Lens"}, "Canon EF 50mm f/1.4 USM or Other Lens"),
        ({"ExifIFD:LensModel": "0.0 mm f/0.0"}, None),
        ({"ExifIFD:LensModel": "DT 0mm F0 SAM", "ExifIFD:LensInfo": "0 0 0 0"}, None),
        ({"ExifIFD:LensModel": "10mm F2.8"}, "10mm F2.8"),
        (
            {"Keys:CameraLensModel": "iPhone 15 Pro back camera 6.765mm f/1.78"},
            "iPhone 15 Pro back camera 6.765mm f/1.78",
        ),
        ({"Canon:MinFocalLength": 28, "Canon:MaxFocalLength": 105, "Canon:LensType": 65535}, "28-105mm"),
    ],
)
def test_lenses(tags: dict[str, object], lens: str | None) -> None:
    assert parsed(tags).lens == lens


@pytest.mark.parametrize(
    ("lat", "lon", "place"),
    [
        (47.5, -7.5, (47.5, -7.5)),
        (0, 0, (None, None)),
        (0, 12, (0, 12)),
        (91, 0, (None, None)),
        (1, 181, (None, None)),
        ("undef", 1, (None, None)),
        ("inf", 1, (None, None)),
        (None, 1, (None, None)),
    ],
)
def test_places(lat: object, lon: object, place: tuple[float | None, float | None]) -> None:
    found = parsed(
        {"Composite:GPSLatitude": lat, "Composite:GPSLongitude": lon, "GPS:GPSLatitude": 1, "GPS:GPSAltitude": 3}
    )
    assert (found.lat, found.lon) == place
    assert found.altitude == (None if place[0] is None else 3)


def video(matrix: str, whole: str = "1 0 0 0 1 0 0 0 1") -> dict[str, object]:
    """A film's matrices as exiftool tells them, with those of its sound."""
    return {
        "QuickTime:MatrixStructure": whole,
        "QuickTime:HandlerType": "mdir",
        "Track1:MatrixStructure": "1 0 0 0 1 0 0 0 1",
        "Track1:HandlerType": "soun",
        "Track2:MatrixStructure": matrix,
        "Track2:HandlerType": "vide",
    }


@pytest.mark.parametrize(
    ("tags", "orientation"),
    [
        ({"IFD0:Orientation": 6, "QuickTime:Rotation": 270}, 6),
        ({"IFD0:Orientation": 0}, None),
        ({"IFD1:Orientation": 6}, None),
        ({"Composite:Rotation": 90}, 6),
        ({"Composite:Rotation": 0}, 1),
        ({"Composite:Rotation": 45}, None),
        ({"QuickTime:Rotation": 270}, 6),
        # A mirrored film: exiftool's Rotation is half a turn then.
        ({**video("-1 0 0 0 1 0 1000 0 1"), "Composite:Rotation": 180}, 2),
        ({**video("-1 0 0 0 -1 0 1000 600 1"), "Composite:Rotation": 180}, 3),
        ({**video("1 0 0 0 -1 0 0 600 1"), "Composite:Rotation": 0}, 4),
        ({**video("0 1 0 1 0 0 0 0 1"), "Composite:Rotation": 90}, 5),
        ({**video("0 1 0 -1 0 0 600 0 1"), "Composite:Rotation": 90}, 6),
        ({**video("0 -1 0 -1 0 0 600 1000 1"), "Composite:Rotation": 270}, 7),
        ({**video("0 -1 0 1 0 0 0 1000 1"), "Composite:Rotation": 270}, 8),
        ({**video("2 0 0 0 2 0 0 0 1"), "Composite:Rotation": 0}, 1),
        ({**video("0.707 0.707 0 -0.707 0.707 0 0 0 1"), "Composite:Rotation": 45}, None),
        # Turned by the header of the whole film, too.
        ({**video("1 0 0 0 1 0 0 0 1", "0 1 0 -1 0 0 600 0 1"), "Composite:Rotation": 0}, 6),
        ({**video("0 1 0 -1 0 0 600 0 1", "0 1 0 -1 0 0 600 0 1"), "Composite:Rotation": 90}, 3),
        ({**video("0 1 0 -1 0 0 600 0 1", "-1 0 0 0 1 0 0 0 1"), "Composite:Rotation": 90}, 5),
        # A matrix of zeros, or none that could be read.
        ({**video("0 0 0 0 0 0 0 0 0"), "Composite:Rotation": 90}, 6),
        ({**video("junk"), "Composite:Rotation": 90}, 6),
    ],
)
def test_orientations(tags: dict[str, object], orientation: int | None) -> None:
    assert parsed(tags).orientation == orientation


def test_a_clock_that_was_not_set_is_told() -> None:
    found = parsed({"QuickTime:CreateDate": "1970:01:01 00:01:40"})
    assert (found.captured, found.captured_local) == (None, None)
    assert (found.captured_tag, found.captured_zone) == ("QuickTime:CreateDate", "unset")
    assert parsed({}).captured_zone is None


def test_sizes_and_durations() -> None:
    assert (
        parsed({"Composite:ImageSize": "6000 4000"}).width,
        parsed({"Composite:ImageSize": "6000x4000"}).height,
    ) == (
        6000,
        4000,
    )
    assert parsed({"Composite:ImageSize": "0 0"}).width is None
    assert parsed({"Track1:Duration": 9, "QuickTime:Duration": 2.5}).duration == 2.5
    assert parsed({"QuickTime:Duration": 0}).duration is None
    assert parsed({"ASF:Duration": 4.1, "ASF:Preroll": 3100}).duration == pytest.approx(1.0)
    assert parsed({"Matroska:Duration": "01:02:03.500000000"}).duration == 3723.5
    assert parsed({"Matroska:Duration": "00:00:00.000000000"}).duration is None
    assert parsed({"ASF:Duration": 3.1, "ASF:Preroll": 3100}).duration is None


def test_errors_are_told() -> None:
    found = parsed({"ExifTool:Error": "File is empty", "ExifTool:Warning": "so"})
    assert (found.error, found.warning) == ("File is empty", "so")
    with pytest.raises(msgspec.DecodeError):
        parse(b"[]")


def test_what_is_kept_says_nothing_of_where_the_file_lies() -> None:
    json = rb'{ "SourceFile": "/a \"b\\/x.jpg", "IFD0:Model": 1.50, "X:Y": "\u00e9" }'
    assert unpack(pack(kept(json))) == r'{"IFD0:Model":1.50,"X:Y":"\u00e9"}'
    assert kept(b'{"SourceFile": "x"}') == b"{}"


def test_what_is_kept_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "LARGEST_RAW", 5000)
    json = msgspec.json.encode({"SourceFile": "x", "A:Short": "s", "A:Long": "l" * 9000})
    assert msgspec.json.decode(kept(json)) == {"A:Short": "s"}


@pytest.mark.parametrize(
    ("number", "make"), [(259, "Panasonic"), (264, "Sony"), (4113, "Canon"), (4356, "JVC"), (7, None)]
)
def test_the_maker_of_an_avchd_film_has_a_name(number: int, make: str | None) -> None:
    assert parsed({"H264:Make": number}).make == make
    found = parsed({"H264:Make": number, "Sony:Model": "ILCE-7M3"})
    assert found.camera == f"{make} ILCE-7M3" if make else "ILCE-7M3"


def test_a_number_is_no_maker() -> None:
    assert parsed({"IFD0:Make": 264}).make is None
    assert parsed({"IFD0:Make": "0", "XMP-tiff:Make": "Lading"}).make == "Lading"


@pytest.mark.parametrize(
    ("tags", "serial"),
    [
        ({"Canon:SerialNumber": 570004681}, "0570004681"),
        ({"Canon:SerialNumber": 12345, "IFD0:Model": "Canon EOS-1D"}, "012345"),
        ({"Canon:SerialNumber": 0x10020003, "IFD0:Model": "Canon EOS D30"}, "100200003"),
        ({"Sony:InternalSerialNumber": "0 0 106 13 112 15"}, "00006a0d700f"),
        ({"Sony:InternalSerialNumber": "0 0 0 0"}, None),
        ({"ExifIFD:SerialNumber": "0000000", "Canon:InternalSerialNumber": "X1"}, "X1"),
        ({"Canon:SerialNumber": 0}, None),
        ({"ExifIFD:SerialNumber": "0570"}, "0570"),
        ({"Nikon:SerialNumber": 3000100}, "3000100"),
    ],
)
def test_serial_numbers_are_those_engraved(tags: dict[str, object], serial: str | None) -> None:
    assert parsed(tags).serial == serial


def test_a_serial_number_that_looks_like_one_with_an_exponent() -> None:
    assert parse(b'{"SourceFile": "x", "ExifIFD:SerialNumber": 1E5}').serial == "1E5"


@pytest.mark.parametrize(
    ("turn", "mirror", "orientation"),
    [
        *((turn, None, orientation) for turn, orientation in ((0, 1), (1, 8), (2, 3), (3, 6))),
        *((turn, None, orientation) for turn, orientation in ((90, 8), (180, 3), (270, 6))),
        *((turn, 0, orientation) for turn, orientation in ((None, 4), (1, 5), (2, 2), (3, 7))),
        *((turn, 1, orientation) for turn, orientation in ((None, 2), (1, 7), (2, 4), (3, 5))),
    ],
)
def test_pictures_turned_by_their_file_alone(turn: int | None, mirror: int | None, orientation: int) -> None:
    """exiftool 12 gives degrees and no mirror, exiftool 13 quarter turns and the mirror."""
    told = {"QuickTime:Rotation": turn, "QuickTime:Mirroring": mirror}
    assert parsed({name: value for name, value in told.items() if value is not None}).orientation == orientation
    # What the file says counts, not the EXIF it may have kept.
    assert parsed({"IFD0:Orientation": 3, "QuickTime:Rotation": 1}).orientation == 8
