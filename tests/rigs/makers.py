"""Pictures and films with data that only makers write: maker notes, and the packs of AVCHD."""

import os
import struct
import uuid

from PIL import Image

from tests.rigs.media import run

AVCHD_MAKERS = {0x0103: "Panasonic", 0x0108: "Sony", 0x1011: "Canon", 0x1104: "JVC"}
"""Makers by their number in an H.264 stream, as in exiftool's H264.pm."""

_ENCODE = ("ffmpeg", "-v", "error", "-nostdin", "-y")
_MDPM = uuid.UUID("17ee8c60-f84d-11d9-8cd6-0800200c9a66").bytes + b"MDPM"


def canon(path: bytes, serial: int, model: str = "Canon EOS 400D DIGITAL") -> None:
    """Make a JPEG with a serial number in Canon's maker notes: one directory, in the byte order of the file."""
    notes = struct.pack(">HHHIII", 1, 0x000C, 4, 1, serial, 0)
    _picture(path, "Canon", model, notes)


def pentax(path: bytes, lens: tuple[int, int] = (4, 43)) -> None:
    """Make a JPEG whose lens is identified by its number in Pentax's maker notes."""
    notes = b"AOC\0MM" + struct.pack(">HHHIBBxxI", 1, 0x003F, 1, 2, *lens, 0)
    _picture(path, "PENTAX Corporation", "PENTAX *ist D", notes)


def _picture(path: bytes, make: str, model: str, notes: bytes) -> None:
    exif = Image.Exif()
    exif.endian = ">"
    exif[0x010F], exif[0x0110] = make, model
    exif.get_ifd(0x8769)[0x927C] = notes
    Image.radial_gradient("L").resize((64, 48)).convert("RGB").save(os.fsdecode(path), exif=exif, format="JPEG")


def avchd(path: bytes, maker: int) -> None:
    """Make an AVCHD film: its maker, date and time zone are in packs 0x18, 0x19 and 0xE0 of H.264's supplemental
    enhancement information, here 2019-04-24 22:24:00 at +01:00."""
    plain, whole = path + b".h264", path + b".sei.h264"
    shown = ("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25", "-t", "1")
    codec = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-x264-params", "aud=1:keyint=25:bframes=0")
    run(*_ENCODE, *shown, *codec, "-f", "h264", b"file:" + plain)
    packs = (
        (0x18, bytes([0x42, 0x20, 0x19, 0x04])),
        (0x19, bytes([0x24, 0x22, 0x24, 0x00])),
        (0xE0, struct.pack(">HH", maker, 0x2100)),
    )
    body = _MDPM + bytes([len(packs)]) + b"".join(bytes([number]) + value for number, value in packs)
    unit = bytearray(b"\0\0\0\1\6")
    for byte in bytes([5, len(body)]) + body + b"\x80":
        if unit[-2:] == b"\0\0" and byte < 4:
            unit.append(3)  # otherwise it would look like the beginning of a unit
        unit.append(byte)
    with open(plain, "rb") as file:
        stream = file.read()
    key = stream.index(b"\0\0\1\x65")
    key -= stream[key - 1] == 0
    with open(whole, "wb") as file:
        file.write(stream[:key] + unit + stream[key:])
    source = ("-fflags", "+genpts", "-r", "25", "-i", b"file:" + whole, "-c", "copy")
    run(*_ENCODE, *source, "-f", "mpegts", "-mpegts_m2ts_mode", "1", b"file:" + path)
    for part in (plain, whole):
        os.unlink(part)
