"""Photos and films for the demo, made by Pillow and, where it is installed, ffmpeg."""

import colorsys
import os
import random
import subprocess
import time

from PIL import Image, ImageDraw

SIZE = (1500, 1000)
"""Width and height of a photo, in pixels."""

SECONDS = 8
"""Seconds of the film that all others are cut from."""

BEGAN = time.mktime((2025, 12, 6, 9, 0, 0, 0, 0, -1))
"""The date of the first picture (seconds since 1970 UTC)."""


class Photos:
    """Makes photos: hills below a sun, with grain, each with different content."""

    def __init__(self, maker: str, model: str, seed: int) -> None:
        self._maker, self._model = maker, model
        self._random = random.Random(seed)  # noqa: S311 - pictures, no secrets
        self._grain = Image.effect_noise((SIZE[0] + 400, SIZE[1] + 400), 120).convert("RGB")
        self._taken = BEGAN + seed * 3600

    def take(self, path: str, *, small: bool = False) -> None:
        """Make one photo. Raises OSError."""
        width, height = (320, 214) if small else SIZE
        x, y = self._random.randrange(400), self._random.randrange(400)
        grain = self._grain.crop((x, y, x + width, y + height))
        picture = Image.blend(self._hills().resize((width, height), Image.Resampling.BILINEAR), grain, 0.25)
        exif = Image.Exif()
        self._taken += self._random.randrange(5, 240)
        moment = time.strftime("%Y:%m:%d %H:%M:%S", time.localtime(self._taken))
        # Make, Model, DateTime of TIFF 6.0; DateTimeOriginal of Exif.
        exif.update({0x010F: self._maker, 0x0110: self._model, 0x0132: moment})
        exif.get_ifd(0x8769)[0x9003] = moment
        picture.save(path, format="JPEG", quality=88, exif=exif)
        os.utime(path, (self._taken, self._taken))

    def _hills(self) -> Image.Image:
        width, height = SIZE[0] // 5, SIZE[1] // 5
        hue = self._random.random()
        picture = Image.new("RGB", (width, height), _colour(hue, 0.35, 0.95))
        draw = ImageDraw.Draw(picture)
        x, y = self._random.randrange(width), self._random.randrange(height // 2)
        draw.ellipse((x - 18, y - 18, x + 18, y + 18), fill=_colour(hue + 0.5, 0.3, 1.0))
        for step in range(5):
            top = height * (3 + step) // 8
            ridge = [(at, top + self._random.randrange(-16, 16)) for at in range(0, width + 30, 30)]
            shade = _colour(hue + step * 0.04, 0.5, 0.75 - step * 0.14)
            draw.polygon([(0, height), *ridge, (width, height)], fill=shade)
        return picture


def _colour(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return int(red * 255), int(green * 255), int(blue * 255)


class FilmCutter:
    """Cuts films out of one that is encoded first. Raises OSError when ffmpeg fails."""

    def __init__(self, ffmpeg: str, folder: str) -> None:
        self._ffmpeg = ffmpeg
        self._whole = os.path.join(folder, "whole.mp4")
        shown = f"testsrc2=size=1280x720:rate=25:duration={SECONDS},noise=alls=30:allf=t,format=yuv420p"
        heard = f"sine=frequency=220:duration={SECONDS}"
        video, audio = ("-c:v", "mpeg4", "-b:v", "14M", "-g", "5"), ("-c:a", "aac", "-shortest")
        self._run("-f", "lavfi", "-i", shown, "-f", "lavfi", "-i", heard, *video, *audio, self._whole)

    def take(self, path: str, seconds: int, number: int) -> None:
        """Make a film of `seconds`."""
        taken = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(BEGAN + number * 600))
        about = ("-metadata", f"creation_time={taken}", "-metadata", f"comment=take {number}")
        self._run(
            "-stream_loop",
            str(seconds // SECONDS),
            "-i",
            self._whole,
            "-t",
            str(seconds),
            "-c",
            "copy",
            *about,
            "-f",
            "mp4",
            path,
        )

    def _run(self, *options: str) -> None:
        argv = [self._ffmpeg, "-v", "error", "-nostdin", "-y", *options]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode:
            raise OSError(f"ffmpeg: {done.stderr.decode(errors='replace').strip()}")
