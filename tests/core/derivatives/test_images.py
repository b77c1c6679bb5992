"""Pictures of many formats, decoded in this process: sizes, orientation, colours, and what is refused."""

import os
from typing import Any

import pytest
from PIL import Image, ImageOps, PngImagePlugin

from core.derivatives import colour, hdr_lut, images
from core.derivatives.tiff import Tiff
from tests.rigs import media
from tests.rigs.making import corners, display_p3, distance, largest, make, pixel, seen_corners, sizes

pytestmark = pytest.mark.process


def save(image: Image.Image, path: str, **options: Any) -> None:
    """With little loss, where the format loses anything."""
    if not path.endswith(("png", "tif")):
        options["quality"] = 98
    image.save(path, **options)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((3000, 2000), [(2880, 1920), (1200, 800), (600, 400)]),
        ((2100, 4200), [(1920, 3840), (800, 1600), (400, 800)]),
        ((500, 300), [(500, 300)] * 3),
        ((401, 1000), [(401, 1000), (401, 1000), (400, 998)]),
        ((9000, 10), [(9000, 10)] * 3),
        ((1, 1), [(1, 1)] * 3),
    ],
)
@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_short_edges_and_never_larger(
    tmp_path: os.PathLike[str], size: tuple[int, int], expected: list[tuple[int, int]], ending: str
) -> None:
    path = os.path.join(tmp_path, f"a.{ending}")
    corners(*size).save(path)
    made = make(path)
    for found, wanted in zip(sizes(made.files), expected, strict=True):
        assert distance(found, wanted) <= 1


def test_a_jpeg_is_halved_by_the_decoder(tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch) -> None:
    path = os.path.join(tmp_path, "a.jpg")
    corners(6000, 4000).save(path, quality=80)
    loaded: list[tuple[int, int]] = []
    plain = images.plain

    def watched(image: Image.Image, kind: Tiff | None = None) -> Image.Image:
        loaded.append(image.size)
        return plain(image, kind)

    monkeypatch.setattr(images, "plain", watched)
    assert seen_corners(largest(path)) == [0, 1, 2, 3]
    assert loaded == [(3000, 2000)]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "tif", "png", "webp", "avif", "heic"])
def test_orientation(tmp_path: os.PathLike[str], orientation: int, ending: str) -> None:
    path = os.path.join(tmp_path, f"a.{ending}")
    exif = Image.Exif()
    exif[274] = orientation
    original = corners(320, 192)
    turned = original.copy()
    turned.info["exif"] = exif.tobytes()
    turned = ImageOps.exif_transpose(turned)
    save(original, path, exif=exif.tobytes())  # which HEIF and AVIF keep as a box of their own
    image = largest(path)
    assert image.size == turned.size
    assert seen_corners(image) == seen_corners(turned)


# Display P3 (200, 80, 60) at gamma 2.2, by the matrix in core.derivatives.hdr_lut.
P3 = (200, 80, 60)


def _p3_expected() -> tuple[float, ...]:
    light = [(value / 255) ** 2.2 for value in P3]
    rows = ((1.22494, -0.22494, 0.0), (-0.04206, 1.04206, 0.0), (-0.01964, -0.07864, 1.09827))
    linear = [sum(m * v for m, v in zip(row, light, strict=True)) for row in rows]
    return tuple(255 * (1.055 * value ** (1 / 2.4) - 0.055) for value in linear)


@pytest.mark.parametrize("ending", ["jpg", "png", "heic", "tif", "webp", "avif"])
def test_wide_gamut_becomes_srgb(tmp_path: os.PathLike[str], ending: str) -> None:
    path = os.path.join(tmp_path, f"a.{ending}")
    save(Image.new("RGB", (64, 64), P3), path, icc_profile=display_p3())
    assert distance(pixel(largest(path), 32, 32), _p3_expected()) <= 5


def test_srgb_and_no_profile_stay_as_they_are(tmp_path: os.PathLike[str]) -> None:
    for profile in (None, colour.SRGB_PROFILE, b"no profile at all"):
        path = os.path.join(tmp_path, "a.png")
        Image.new("RGB", (64, 64), P3).save(path, icc_profile=profile)
        assert distance(pixel(largest(path), 32, 32), P3) <= 3


def test_adobe_rgb_by_its_mark_alone(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "a.jpg")
    Image.new("RGB", (64, 64), (90, 180, 90)).save(path, quality=98)
    media.run("exiftool", "-q", "-overwrite_original", "-n", "-ColorSpace=65535", "-InteropIndex=R03", path)
    red, green, blue = pixel(largest(path), 32, 32)
    assert red < 40  # greener than sRGB's own green of these numbers
    assert distance((green, blue), (180, 88)) <= 8


def test_other_modes(tmp_path: os.PathLike[str]) -> None:
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (32, 0, 64, 64))
    palette = Image.new("P", (64, 64), 1)
    palette.putpalette([0, 0, 0, 10, 200, 10])
    cases: list[tuple[str, Image.Image, dict[str, Any], tuple[int, ...]]] = [
        ("clear.png", clear, {}, (255, 255, 255)),
        ("clear.webp", clear, {"lossless": True}, (255, 255, 255)),
        ("palette.png", palette, {}, (10, 200, 10)),
        ("hole.gif", palette, {"transparency": 1}, (255, 255, 255)),
        ("grey alpha.png", Image.new("LA", (64, 64), (0, 127)), {}, (128, 128, 128)),
        ("grey.jpg", Image.new("L", (64, 64), 77), {}, (77, 77, 77)),
        ("line.tif", Image.new("1", (64, 64), 1), {}, (255, 255, 255)),
        ("deep.png", Image.new("I;16", (64, 64), 0x8000), {}, (128, 128, 128)),
        ("cmyk.jpg", Image.new("CMYK", (64, 64), (0, 255, 255, 0)), {}, (255, 0, 0)),
        ("lab.tif", Image.new("LAB", (64, 64), (255, 128, 128)), {}, (255, 255, 255)),
        ("a.jp2", Image.new("RGB", (64, 64), P3), {}, P3),
        ("a.bmp", Image.new("RGB", (64, 64), P3), {}, P3),
    ]
    for name, image, options, expected in cases:
        path = os.path.join(tmp_path, name)
        save(image, path, **options)
        assert distance(pixel(largest(path), 8, 8), expected) <= 4, name
    assert largest(os.path.join(tmp_path, "grey.jpg")).mode == "L"
    floating = Image.linear_gradient("L").convert("F").point(lambda value: value * 0.01 + 0.0)
    floating.save(os.path.join(tmp_path, "float.tif"))
    image = largest(os.path.join(tmp_path, "float.tif"))
    assert pixel(image, 9, 0)[0] < 10
    assert pixel(image, 9, 255)[0] > 245


def test_hdr_light_is_brought_down() -> None:
    white = 0.5807  # 203 cd/m² in PQ
    for space, signal in (
        (hdr_lut.ColourSpace("pq", "bt2020"), white),
        (hdr_lut.ColourSpace("hlg", "bt2020"), 0.75),
    ):
        image = Image.new("RGB", (4, 4), (round(signal * 255),) * 3)
        shown = pixel(colour.to_srgb(image, b"", space), 1, 1)
        assert distance(shown, (214, 214, 214)) <= 6
        levels = [
            pixel(colour.to_srgb(Image.new("RGB", (1, 1), (v, v, v)), b"", space), 0, 0)[0] for v in range(256)
        ]
        assert levels == sorted(levels)
        assert levels[0] == 0
        assert levels[255] == 255


@pytest.mark.parametrize(
    ("codes", "level", "expected"),
    [
        ((9, 16), 148, (214, 214, 214)),  # PQ: 203 cd/m²
        ((9, 18), 191, (214, 214, 214)),  # HLG
        ((1, 13), 148, (148, 148, 148)),  # sRGB
    ],
)
def test_png_that_names_its_colour_space(
    tmp_path: os.PathLike[str], codes: tuple[int, int], level: int, expected: tuple[int, int, int]
) -> None:
    named = PngImagePlugin.PngInfo()
    named.add(b"cICP", bytes((*codes, 0, 1)))
    path = os.path.join(tmp_path, "a.png")
    save(Image.new("RGB", (64, 64), (level,) * 3), path, pnginfo=named)
    assert distance(pixel(largest(path), 8, 8), expected) <= 6
