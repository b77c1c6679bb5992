"""Rarer media: RAW with a preview, HEIC, motion photos, HDR and odd films, both halves of a Live Photo."""

import os
import shutil
import struct

import pillow_heif
from PIL import Image

from tests.rigs.media import run

IDENTIFIER = "0A1B2C3D-1111-2222-3333-444455556666"

_ENCODE = ("ffmpeg", "-v", "error", "-nostdin", "-y")
_SHOWN = ("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=1")
_X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
_PQ = ("-vf", "setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc")
_WRITE = ("exiftool", "-q", "-overwrite_original", "-n", "-m")


def make_rare(root: bytes) -> dict[str, bytes]:
    """Make one file of each in `root`. Returns their paths, by name."""
    os.makedirs(root, exist_ok=True)
    films: dict[str, tuple[str, ...]] = {
        "pq.mov": (*_SHOWN, *_X264, *_PQ),
        "odd.mov": (*_SHOWN, "-vf", "scale=321:241", "-c:v", "mjpeg", "-pix_fmt", "yuvj444p"),
        "uneven.mp4": (*_SHOWN, *_X264, "-vf", "select='not(mod(n,3))+not(mod(n,7))'", "-fps_mode", "vfr"),
    }
    found = {name: os.path.join(root, name.encode()) for name in films}
    for name, options in films.items():
        run(*_ENCODE, *options, b"file:" + found[name])
    for name, raw in (("shot.dng", _dng), ("shot.cr2", _cr2), ("shot.heic", _heic), ("motion.jpg", _motion)):
        found[name] = os.path.join(root, name.encode())
        raw(found[name], found["uneven.mp4"])
    found["cut.mov"] = os.path.join(root, b"cut.mov")
    with open(found["pq.mov"], "rb") as whole, open(found["cut.mov"], "wb") as cut:
        cut.write(whole.read()[: os.path.getsize(found["pq.mov"]) * 2 // 3])
    return found


def _dng(path: bytes, film: bytes) -> None:
    """Its first image is a JPEG preview, as in cameras' files; exiftool cannot put one there."""
    preview = _preview(path)
    entries = [(254, 4, 1, 1), (256, 4, 1, 1200), (257, 4, 1, 800), (258, 3, 1, 8 << 16), (259, 3, 1, 7 << 16)]
    entries += [(262, 3, 1, 6 << 16), (273, 4, 1, 8), (277, 3, 1, 3 << 16), (278, 4, 1, 800)]
    entries += [(279, 4, 1, len(preview)), (50706, 1, 4, 0x01040000)]
    directory = struct.pack(">H", len(entries)) + b"".join(struct.pack(">HHII", *entry) for entry in entries)
    with open(path, "wb") as file:
        padded = preview + bytes(len(preview) % 2)
        file.write(b"MM\0*" + struct.pack(">I", 8 + len(padded)) + padded + directory + bytes(4))


def _preview(path: bytes) -> bytes:
    made = os.fsdecode(path) + ".preview.jpg"
    Image.radial_gradient("L").resize((1200, 800)).convert("RGB").save(made, quality=90)
    with open(made, "rb") as file:
        data = file.read()
    os.unlink(made)
    return data


def _cr2(path: bytes, film: bytes) -> None:
    """A TIFF of a few pixels, whose preview is the real picture."""
    Image.new("RGB", (16, 12), (9, 9, 9)).save(os.fsdecode(path), format="TIFF")
    preview = path + b".preview.jpg"
    Image.radial_gradient("L").resize((1200, 800)).convert("RGB").save(os.fsdecode(preview), quality=90)
    date = "-DateTimeOriginal=2024:05:06 07:08:09"
    run(*_WRITE, "-Make=Canon", "-Model=Rig One", date, b"-PreviewImage<=" + preview, path)
    os.unlink(preview)


def _heic(path: bytes, film: bytes) -> None:
    picture = Image.radial_gradient("L").resize((640, 480)).convert("RGB")
    pillow_heif.from_pillow(picture).save(os.fsdecode(path))
    run(*_WRITE, "-Make=Apple", "-DateTimeOriginal=2024:05:06 07:08:09", "-OffsetTimeOriginal=+02:00", path)


def _motion(path: bytes, film: bytes) -> None:
    """A JPEG with a film after its end, as Android's cameras write it."""
    Image.radial_gradient("L").resize((640, 480)).convert("RGB").save(os.fsdecode(path), quality=88)
    size = os.path.getsize(film)
    run(*_WRITE, "-XMP-GCamera:MicroVideo=1", f"-XMP-GCamera:MicroVideoOffset={size}", path)
    with open(path, "ab") as photo, open(film, "rb") as behind:
        shutil.copyfileobj(behind, photo)


def live_still(path: bytes) -> None:
    """Make the still: its identifier is in Apple's maker notes, which no tool writes."""
    text = IDENTIFIER.encode() + b"\0"
    # One entry: tag 0x0011, ASCII, after the 32 bytes of header and directory.
    directory = struct.pack(">HHHIII", 1, 0x0011, 2, len(text), 32, 0)
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Apple", "Rig Phone"
    exif.get_ifd(0x8769)[0x927C] = b"Apple iOS\0\0\1MM" + directory + text
    Image.radial_gradient("L").resize((640, 480)).convert("RGB").save(os.fsdecode(path), exif=exif, format="JPEG")


def live_movie(path: bytes) -> None:
    """Make the movie."""
    tag = f"com.apple.quicktime.content.identifier={IDENTIFIER}"
    run(*_ENCODE, *_SHOWN, *_X264, "-movflags", "use_metadata_tags", "-metadata", tag, b"file:" + path)
