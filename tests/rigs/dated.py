"""Pictures, films and recordings with dates, time zones and cameras as in bug reports."""

import os
import shutil

from PIL import Image

from tests.rigs.media import run

STILLS: dict[str, tuple[str, ...]] = {
    "scan_subsec.jpg": ("DateTimeOriginal=1985:07:01 12:00:00", "CreateDate=2023:05:05 10:00:00",
                        "SubSecTimeDigitized=33"),
    "scan_offset.jpg": ("DateTimeOriginal=1985:07:01 12:00:00", "CreateDate=2023:05:05 10:00:00",
                        "OffsetTimeDigitized=+02:00"),
    "iptc_day.jpg": ("IPTC:DateCreated=1931:08:28",),
    "xmp_day.jpg": ("XMP-photoshop:DateCreated=1931:08:28",),
    "xmp_month.jpg": ("XMP-photoshop:DateCreated=1931:08",),
    "xmp_year.jpg": ("XMP-exif:DateTimeOriginal=1931",),
    "blank_time.jpg": ("ExifIFD:DateTimeOriginal=1931:08:28   :  :  ",),
    "no_day.jpg": ("ExifIFD:DateTimeOriginal=1931:08:00 00:00:00", "XMP-xmp:CreateDate=2020:01:01 00:00:00"),
    "hour24.jpg": ("ExifIFD:DateTimeOriginal=2013:11:02 24:12:34",),
    "sec60.jpg": ("ExifIFD:DateTimeOriginal=2016:12:31 23:59:60",),
    "spaces.jpg": ("ExifIFD:DateTimeOriginal=2003: 1: 5  7: 8: 9",),
    "slashes.jpg": ("ExifIFD:DateTimeOriginal=2004/12/05 07:08:09",),
    "iso.jpg": ("ExifIFD:DateTimeOriginal=2014-12-05T07:08:09.5+02:00",),
    "zero.jpg": ("ExifIFD:DateTimeOriginal=0000:00:00 00:00:00", "ExifIFD:CreateDate=2014:12:05 07:08:09"),
    "ones.jpg": ("ExifIFD:DateTimeOriginal=0001:01:01 00:00:00", "ExifIFD:CreateDate=2014:12:05 07:08:09"),
    "modify_only.jpg": ("Make=Acme", "Model=Phone 1", "ModifyDate=2009:03:04 05:06:07"),
    "screenshot.jpg": ("ModifyDate=2024:03:04 05:06:07", "OffsetTime=+09:00", "SubSecTime=123"),
    "png_creation.png": ("PNG:CreationTime=2011:02:03 04:05:06+01:00",),
    "india.jpg": ("DateTimeOriginal=2024:02:21 10:14:22", "OffsetTimeOriginal=+05:30"),
    "zone_elsewhere.jpg": ("DateTimeOriginal=2024:02:21 10:14:22", "OffsetTime=-05:30"),
    "zone_30.jpg": ("DateTimeOriginal=2024:02:21 10:14:22", "OffsetTimeOriginal=+30:00"),
    "gps_only.jpg": ("GPSDateStamp=2024:02:21", "GPSTimeStamp=15:14:20"),
    "gps_here.jpg": ("GPSDateStamp=2024:02:21", "GPSTimeStamp=15:14:20", "GPSLatitude=35.68", "GPSLatitudeRef=N",
                     "GPSLongitude=139.69", "GPSLongitudeRef=E"),
    "xmp_z.jpg": ("XMP-exif:DateTimeOriginal=2024:02:21 10:14:22Z",),
    "exif_xmp.jpg": ("ExifIFD:DateTimeOriginal=2000:01:01 00:00:00",
                     "XMP-exif:DateTimeOriginal=1999:07:01 12:00:00.5+02:00"),
    "clock1970.jpg": ("DateTimeOriginal=1970:01:01 00:02:10", "CreateDate=1970:01:01 00:02:10"),
    "nikon.jpg": ("Make=NIKON CORPORATION", "Model=NIKON D850", "Orientation=6",
                  "DateTimeOriginal=2024:05:06 07:08:09"),
    "leica.jpg": ("Make=LEICA CAMERA AG", "Model=LEICA Q2", "Orientation=3"),
    "sony.jpg": ("Make=SONY", "Model=ILCE-7SM3", "Orientation=8", "SerialNumber=0012345"),
}  # fmt: skip
"""The tags that exiftool writes (-n) into each picture, by file name."""

_AT = "QuickTime:CreateDate={0}|Track1:TrackCreateDate={0}|Track1:MediaCreateDate={0}"
FILMS: dict[str, tuple[str, ...]] = {
    "VID_20240101_003000.mp4": (_AT.format("2023:12:31 15:30:07"),),
    "zero.mp4": (_AT.format("0000:00:00 00:00:00"),),
    "boot1970.mp4": (_AT.format("1970:01:01 00:01:40"),),
    "keys.mov": (_AT.format("2026:05:28 01:22:26"), "Keys:CreationDate=2026:05:27 19:22:26-06:00"),
    "here.mov": (_AT.format("2023:12:31 15:30:07"), "UserData:GPSCoordinates=35.68 139.69 40"),
    "year.m4v": ("ItemList:ContentCreateDate=2010",),
    "canon.mov": (_AT.format("2024:05:28 14:22:26"), "UserData:Make=Canon"),
    "turned.mov": (_AT.format("2024:05:28 14:22:26"), "Rotation=90"),
}
"""The same for films."""

CONTAINERS: dict[str, tuple[str, ...]] = {
    "utc.mkv": ("-c:v", "mpeg4", "-metadata", "creation_time=2010-02-03T21:17:48Z"),
    "film.wmv": ("-c:v", "wmv2", "-metadata", "creation_time=2004-10-28T17:23:34Z"),
    "film.flv": ("-c:v", "flv", "-metadata", "creation_time=2016-05-31T17:01:35Z"),
    "film.webm": ("-c:v", "libvpx", "-metadata", "creation_time=2016-05-31T17:01:35Z"),
    "film.mxf": ("-c:v", "mpeg2video", "-r", "25", "-metadata", "creation_time=2016-05-31T17:01:35Z"),
    "film.avi": ("-c:v", "mpeg4", "-metadata", "date=2016-05-31"),
    "film.mpg": ("-c:v", "mpeg2video", "-r", "25"),
}
"""Other containers, whose dates ffmpeg itself writes, by file name."""


def make_dated(root: bytes) -> dict[str, bytes]:
    """Make one file of each in `root`. Returns their paths, by name."""
    os.makedirs(root, exist_ok=True)
    found = {name: os.path.join(root, name.encode()) for name in [*STILLS, *FILMS, *CONTAINERS, "field.wav"]}
    for number, name in enumerate(STILLS):
        Image.new("RGB", (96, 64), (9 * number % 256, 90, 200)).save(os.fsdecode(found[name]))
    encode = ("ffmpeg", "-v", "error", "-nostdin", "-y")
    shown = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=25:duration=1")
    x264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    for name, options in {"bare.mov": x264, "bare.mp4": x264, **CONTAINERS}.items():
        run(*encode, *shown, *options, b"file:" + os.path.join(root, name.encode()))
    for name in FILMS:
        bare = b"bare.mov" if name.endswith(".mov") else b"bare.mp4"
        shutil.copyfile(os.path.join(root, bare), found[name])
    for bare in (b"bare.mov", b"bare.mp4"):
        os.unlink(os.path.join(root, bare))
    bext = (
        "-write_bext",
        "1",
        "-metadata",
        "origination_date=2016-05-31",
        "-metadata",
        "origination_time=17:01:35",
    )
    run(*encode, "-f", "lavfi", "-i", "sine=duration=1", *bext, b"file:" + found["field.wav"])
    _written(root, found)
    return found


def _written(root: bytes, found: dict[str, bytes]) -> None:
    """Write all tags with one run of exiftool."""
    lines: list[bytes] = []
    for name, tags in {**STILLS, **FILMS}.items():
        lines += [b"-q", b"-q", b"-n", b"-m", b"-overwrite_original"]
        lines += [b"-" + tag.encode() for one in tags for tag in one.split("|")]
        lines += [found[name], b"-execute"]
    arguments = os.path.join(root, b"arguments")
    with open(arguments, "wb") as file:
        file.write(b"\n".join(lines))
    run("exiftool", "-@", arguments)
    os.unlink(arguments)
