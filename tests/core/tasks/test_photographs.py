"""Pictures that cannot be made as they are (broken, bombs, without a decoder, RAW), and real photographs."""

import io
import os
import sys

import pillow_heif
import pytest
from PIL import Image, ImageCms

from core.derivatives import boxes, images, resource_limits
from core.derivatives.messages import Made, OrderRefusedError
from tests.rigs import media
from tests.rigs.making import corners, largest, make, seen_corners, sizes
from tests.rigs.shared import MEDIA

pytestmark = pytest.mark.process


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("empty.jpg", b"", "empty"),
        ("text.jpg", b"no picture\n", "no picture of a known format"),
        ("zeros.heic", bytes(4000), "no picture of a known format"),
        ("text.cr2", b"no picture\n", "no picture but text/plain"),
        (
            "half.png",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\2\0\0\0",
            "cannot be decoded|known format",
        ),
    ],
)
def test_broken_pictures_are_refused_for_good(
    tmp_path: os.PathLike[str], name: str, data: bytes, reason: str
) -> None:
    path = os.path.join(tmp_path, name)
    with open(path, "wb") as file:
        file.write(data)
    with pytest.raises(OrderRefusedError, match=reason) as caught:
        make(path)
    assert caught.value.final


@pytest.mark.parametrize("ending", ["heic", "webp", "avif", "jp2"])
def test_a_picture_that_is_cut_off_is_damaged(tmp_path: os.PathLike[str], ending: str) -> None:
    path = os.path.join(tmp_path, f"a.{ending}")
    Image.effect_noise((600, 400), 80).convert("RGB").save(path)
    with open(path, "rb") as file:
        assert not boxes.cut_off(file)
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) // 2)
    with pytest.raises(OrderRefusedError, match="it is cut off, and nothing of it can be decoded") as caught:
        make(path)
    assert caught.value.final
    assert caught.value.damaged


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "bmp", "gif"])
def test_cut_short_but_the_upper_half_is_there(tmp_path: os.PathLike[str], ending: str) -> None:
    path = os.path.join(tmp_path, f"a.{ending}")
    Image.effect_noise((600, 400), 80).convert("RGB").save(path)
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) // 2)
    made = make(path)
    assert sizes(made.files) == [(600, 400), (600, 400), (600, 400)]
    assert (made.note, made.damaged) == ("it is cut off: what is missing is grey or black", True)


def test_no_decoder_is_no_error(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "a.svg")
    with open(path, "w", encoding="ascii") as file:
        file.write('<svg xmlns="http://www.w3.org/2000/svg"/>')
    assert make(path) == Made([], "no decoder for pictures of the kind .svg")


def test_not_a_link_and_not_a_pipe(tmp_path: os.PathLike[str]) -> None:
    corners(20, 20).save(os.path.join(tmp_path, "a.png"))
    os.symlink("a.png", os.path.join(tmp_path, "link.png"))
    with pytest.raises(OSError, match="symbolic"):
        make(os.path.join(tmp_path, "link.png"))
    os.mkfifo(os.path.join(tmp_path, "pipe.png"))
    with pytest.raises(OrderRefusedError, match="regular"):
        make(os.path.join(tmp_path, "pipe.png"))


def raw(folder: os.PathLike[str], orientation: int, preview: Image.Image | None, own: int = 0) -> str:
    """Something that exiftool takes for a CR2, with a preview inside."""
    path = os.path.join(folder, "shot.cr2")
    Image.new("RGB", (16, 12), (9, 9, 9)).save(os.path.join(folder, "shot.tif"))
    os.rename(os.path.join(folder, "shot.tif"), path)
    write = ("exiftool", "-q", "-overwrite_original", "-n", "-m")
    media.run(*write, "-Make=Canon", f"-Orientation={orientation}", path)
    if preview:
        inner = os.path.join(folder, "preview.jpg")
        exif = Image.Exif()
        if own:
            exif[274] = own
        preview.save(inner, quality=90, exif=exif)
        media.run(*write, f"-PreviewImage<={inner}", path)
    return path


@pytest.mark.parametrize(("own", "expected"), [(0, [2, 0, 3, 1]), (1, [0, 1, 2, 3]), (3, [3, 2, 1, 0])])
def test_raw_by_its_preview(tmp_path: os.PathLike[str], own: int, expected: list[int]) -> None:
    image = largest(raw(tmp_path, 6, corners(1200, 800), own))
    assert image.size == ((800, 1200) if own == 0 else (1200, 800))
    assert seen_corners(image) == expected


def test_raw_without_a_preview(tmp_path: os.PathLike[str]) -> None:
    assert sizes(make(raw(tmp_path, 6, None)).files) == [(12, 16)] * 3  # the TIFF's own first image


def test_a_bomb_is_refused() -> None:
    data = io.BytesIO()
    Image.new("1", (20_000, 13_000)).save(data, "PNG")
    data.seek(0)
    with pytest.raises(OrderRefusedError, match="decompression bomb: more than 250 megapixels") as caught:
        images.develop(data)
    assert caught.value.final


@pytest.mark.skipif(sys.platform != "linux", reason="macOS refuses RLIMIT_AS")
def test_memory_is_bounded() -> None:
    with pytest.raises(MemoryError), resource_limits.bounded_memory():
        bytearray(resource_limits.MEMORY + 1)
    bytearray(1 << 20)


@pytest.mark.skipif(not os.path.isdir(MEDIA), reason="the shared photographs are not here")
@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("formats/heic/IMG_2682.heic", (2560, 1920)),
        ("formats/motionphoto/samsung-one-ui-6.heic", (1920, 2560)),
        ("formats/avif/8bit-sRGB.avif", (1617, 1080)),
        ("formats/avif/10bit-HDR-P3-nclx.avif", (1920, 2918)),
        ("formats/webp/denali.webp", (600, 315)),
        ("formats/png/density_plot.png", (800, 800)),
        ("metadata/faces/portrait-orientation-6.jpg", (840, 700)),
    ],
)
def test_thumbnails_of_real_photographs(tmp_path: os.PathLike[str], name: str, size: tuple[int, int]) -> None:
    path = os.path.join(tmp_path, os.path.basename(name))
    with open(os.path.join(MEDIA, name), "rb") as source, open(path, "wb") as copy:
        copy.write(source.read())
    image = largest(path)
    assert image.size == size
    if name.endswith("orientation-6.jpg"):
        with Image.open(os.path.join(MEDIA, "metadata/faces/portrait.jpg")) as upright:
            here, there = image.convert("L").resize((42, 35)), upright.convert("L").resize((42, 35))
        difference = sum(abs(a - b) for a, b in zip(here.tobytes(), there.tobytes(), strict=True))
        assert difference / (42 * 35) < 8
    if name.endswith("IMG_2682.heic"):
        with pillow_heif.open_heif(os.path.join(MEDIA, name)).to_pillow() as plain:
            wanted = ImageCms.profileToProfile(
                plain, io.BytesIO(plain.info["icc_profile"]), ImageCms.createProfile("sRGB")
            )
        assert wanted is not None
        here, there = image.resize((40, 30)), wanted.resize((40, 30))
        worst = max(abs(a - b) for a, b in zip(here.tobytes(), there.tobytes(), strict=True))
        assert worst < 24
