"""Pictures of many formats, decoded in this process: sizes, orientation, colours, and what is refused."""

import io
import os
import sys
from typing import Any

import pillow_heif
import pytest
from PIL import Image, ImageCms, ImageOps

from core.makers import colour, gamut, manners, picture, thumbnails
from core.makers.messages import File, Made, MakeThumbnails, RefusedError
from tests.rigs import media
from tests.rigs.making import corners, display_p3, distance, pixel, seen_corners

SHARED = os.path.join(os.path.dirname(__file__), "..", "..", "..", "..", "shared", "media")


def save(image: Image.Image, path: str, **options: Any) -> None:
    """With little loss, where the format loses anything."""
    if not path.endswith(("png", "tif")):
        options["quality"] = 98
    image.save(path, **options)


def make(path: str, *, film: bool = False) -> Made:
    folder, name = os.path.split(path)
    order = MakeThumbnails(os.fsencode(path), name.rpartition(".")[2].lower(), film, os.fsencode(folder), "made")
    return thumbnails.make(order, lambda fraction: None)


def largest(path: str, *, film: bool = False) -> Image.Image:
    made = make(path, film=film)
    assert [file.role for file in made.files] == ["1920", "800", "400"]
    for file in made.files:
        with Image.open(os.path.join(os.path.dirname(path), file.name)) as image:
            assert image.format == "JPEG"
            assert image.size == (file.width, file.height)
            assert not image.getexif()
            assert not {"exif", "xmp", "comment", "photoshop"} & set(image.info)
            if image.mode == "RGB":
                named = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
                assert "sRGB" in ImageCms.getProfileDescription(named)
    with Image.open(os.path.join(os.path.dirname(path), made.files[0].name)) as image:
        image.load()
        return image


def sizes(files: list[File]) -> list[tuple[int, int]]:
    return [(file.width, file.height) for file in files]


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
    plain = picture._plain

    def watched(image: Image.Image) -> Image.Image:
        loaded.append(image.size)
        return plain(image)

    monkeypatch.setattr(picture, "_plain", watched)
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


# Display P3 (200, 80, 60) at gamma 2.2, by the matrix in core.makers.gamut.
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
    for space, signal in ((gamut.Space("pq", "bt2020"), white), (gamut.Space("hlg", "bt2020"), 0.75)):
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
def test_broken(tmp_path: os.PathLike[str], name: str, data: bytes, reason: str) -> None:
    path = os.path.join(tmp_path, name)
    with open(path, "wb") as file:
        file.write(data)
    with pytest.raises(RefusedError, match=reason) as caught:
        make(path)
    assert caught.value.final


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "heic", "webp", "avif", "jp2"])
def test_cut_short(tmp_path: os.PathLike[str], ending: str) -> None:
    path = os.path.join(tmp_path, f"a.{ending}")
    Image.effect_noise((600, 400), 80).convert("RGB").save(path)
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) // 2)
    with pytest.raises(RefusedError) as caught:
        make(path)
    assert caught.value.final


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
    with pytest.raises(RefusedError, match="regular"):
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
    with pytest.raises(RefusedError, match="decompression bomb: more than 250 megapixels") as caught:
        picture.develop(data)
    assert caught.value.final


@pytest.mark.skipif(sys.platform != "linux", reason="macOS does not keep to RLIMIT_AS")
def test_memory_is_bounded() -> None:
    with pytest.raises(MemoryError), manners.bounded_memory():
        bytearray(manners.MEMORY + 1)
    bytearray(1 << 20)


@pytest.mark.skipif(not os.path.isdir(SHARED), reason="the shared photographs are not here")
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
def test_real_ones(tmp_path: os.PathLike[str], name: str, size: tuple[int, int]) -> None:
    path = os.path.join(tmp_path, os.path.basename(name))
    with open(os.path.join(SHARED, name), "rb") as source, open(path, "wb") as copy:
        copy.write(source.read())
    image = largest(path)
    assert image.size == size
    if name.endswith("orientation-6.jpg"):
        with Image.open(os.path.join(SHARED, "metadata/faces/portrait.jpg")) as upright:
            here, there = image.convert("L").resize((42, 35)), upright.convert("L").resize((42, 35))
        difference = sum(abs(a - b) for a, b in zip(here.tobytes(), there.tobytes(), strict=True))
        assert difference / (42 * 35) < 8
    if name.endswith("IMG_2682.heic"):
        with pillow_heif.open_heif(os.path.join(SHARED, name)).to_pillow() as plain:
            wanted = ImageCms.profileToProfile(
                plain, io.BytesIO(plain.info["icc_profile"]), ImageCms.createProfile("sRGB")
            )
        assert wanted is not None
        here, there = image.resize((40, 30)), wanted.resize((40, 30))
        worst = max(abs(a - b) for a, b in zip(here.tobytes(), there.tobytes(), strict=True))
        assert worst < 24
