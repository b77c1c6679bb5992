"""Real media, made by Pillow, ffmpeg and exiftool, and some broken files."""

import os
import shutil
import subprocess

from PIL import Image, ImageDraw

INSTALL = {
    "ffmpeg": "brew install ffmpeg, or apt-get install ffmpeg",
    "exiftool": "brew install exiftool, or apt-get install libimage-exiftool-perl",
}


class MissingToolError(RuntimeError):
    """A program that a test needs is not installed."""


def tool(name: str) -> str:
    """The path of an installed program; a missing one is an error, never a skipped test."""
    path = shutil.which(name)
    if path is None:
        raise MissingToolError(f"{name} is not installed: {INSTALL.get(name, 'see its web page')}")
    return path


def run(*argv: str | bytes) -> None:
    """Run a tool. Raises RuntimeError with its errors when it fails."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise RuntimeError(f"{argv[0]!r} failed with {done.returncode}: {said}")


def make_media(root: bytes) -> list[bytes]:
    """Make one file of each kind in `root`. Returns the full paths, in a fixed order."""
    for name in INSTALL:
        tool(name)
    os.makedirs(root, exist_ok=True)
    return [*_stills(root), *_movies(root), *_broken(root)]


def _picture(width: int = 640, height: int = 480) -> Image.Image:
    """A picture that shows whether it was turned: red on the left, a white bar at the top."""
    picture = Image.radial_gradient("L").resize((width, height)).convert("RGB")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, width // 3, height), fill=(200, 30, 30))
    draw.rectangle((0, 0, width, height // 8), fill=(255, 255, 255))
    return picture


def _stills(root: bytes) -> list[bytes]:
    names = (b"photo.jpg", b"turned.jpg", b"plain.png", b"scan.tif", b"web.webp", b"large.jpg")
    photo, turned, plain, scan, web, large = (os.path.join(root, name) for name in names)
    _picture().save(os.fsdecode(photo), quality=88)
    _picture(480, 640).save(os.fsdecode(turned), quality=88)
    _picture().save(os.fsdecode(plain))
    _picture().save(os.fsdecode(scan), compression="tiff_lzw")
    _picture().save(os.fsdecode(web), quality=80)
    _picture(3000, 2000).save(os.fsdecode(large), quality=90)
    write = ("exiftool", "-q", "-overwrite_original", "-n")
    camera = ("-Make=Lading", "-Model=Rig One", "-LensModel=50mm F1.8", "-ISO=200")
    place = ("-GPSLatitude=47.5596", "-GPSLatitudeRef=N", "-GPSLongitude=7.5886", "-GPSLongitudeRef=E")
    date = ("-DateTimeOriginal=2024:05:06 07:08:09", "-SubSecTimeOriginal=25", "-OffsetTimeOriginal=+02:00")
    run(*write, *camera, *place, *date, "-Orientation=1", photo)
    run(*write, *camera, "-DateTimeOriginal=2023:01:02 03:04:05", "-Orientation=6", turned)
    run(*write, *camera, "-DateTimeOriginal=2022:02:02 02:02:02", scan)
    return [photo, turned, plain, scan, web, large]


def _movies(root: bytes) -> list[bytes]:
    names = (b"clip.mp4", b"silent.mp4", b"turned.mov")
    clip, silent, turned = (os.path.join(root, name) for name in names)
    encode = ("ffmpeg", "-v", "error", "-nostdin", "-y")
    shown = ("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=2")
    heard = ("-f", "lavfi", "-i", "sine=frequency=440:duration=2")
    video = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    taken = ("-metadata", "creation_time=2024-05-06T05:08:09Z")
    run(*encode, *shown, *heard, *video, "-c:a", "aac", "-shortest", *taken, b"file:" + clip)
    run(*encode, *shown, *video, *taken, b"file:" + silent)
    run(*encode, *shown, *heard, *video, "-c:a", "aac", "-shortest", *taken, b"file:" + turned)
    run("exiftool", "-q", "-overwrite_original", "-Rotation=90", turned)
    return [clip, silent, turned]


def _broken(root: bytes) -> list[bytes]:
    names = (b"cut short.mp4", b"broken.jpg", b"not a photo.jpg", b"empty.jpg")
    cut, broken, fake, empty = (os.path.join(root, name) for name in names)
    with open(os.path.join(root, b"clip.mp4"), "rb") as file:
        clip = file.read()
    with open(os.path.join(root, b"photo.jpg"), "rb") as file:
        photo = file.read()
    made = {cut: clip[: len(clip) // 2], broken: photo[: len(photo) // 2], fake: b"no picture\n", empty: b""}
    for path, data in made.items():
        with open(path, "wb") as file:
            file.write(data)
    return [cut, broken, fake, empty]
