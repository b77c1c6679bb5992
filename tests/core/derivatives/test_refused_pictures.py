"""Pictures that Pillow refuses or would show wrongly: by ffmpeg, by what there is of them, or with the reason."""

import io
import os
import struct
from contextlib import suppress

import pytest
from PIL import Image, ImageCms, TiffImagePlugin

from core.derivatives import boxes, ffmpeg, images, thumbnails
from core.derivatives.messages import Made, MakeThumbnails, OrderRefusedError
from core.media import demuxers
from tests.rigs import media
from tests.rigs.making import CORNERS, corners, distance, film, largest, make, pixel, seen_corners, shown, written
from tests.rigs.tiffs import LONG, SHORT, directories, tiff

pytestmark = pytest.mark.process

RISING = [65535 * x // 63 for _ in range(48) for x in range(64)]
"""Grey of 16 bits in 64 columns, black on the left."""


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


# Numbers 6 and 21: grey of 16 bits and more, planes apart, white that is 0.


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("deflated", [False, True])
@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("kind", ["H", "h", "f"])
def test_grey_is_right_or_has_no_decoder(
    tmp_path: os.PathLike[str], order: str, deflated: bool, photometric: int, kind: str
) -> None:
    scale = {"H": 1.0, "h": 0.5, "f": 1 / 65535}[kind]
    numbers = [value * scale if kind == "f" else int(value * scale) for value in RISING]
    data = tiff([numbers], 64, kind=kind, order=order, photometric=photometric, deflated=deflated)
    path = written(os.path.join(tmp_path, "a.tif"), data)
    made = make(path)
    if not made.files:
        assert made.note.startswith("no decoder for TIFF pictures of ")
        # Big-endian grey that is white at 0, with a sign, or turned round twice.
        assert kind in "hf"
        return
    image = largest(path)
    left, right = (pixel(image, x, 9)[0] for x in (0, 63))
    if kind == "h":  # which reaches half as far
        assert (left < right) == (photometric == 1)
        return
    assert (left, right) == ((0, 255) if photometric else (255, 0))
    assert abs(pixel(image, 32, 9)[0] - 128) <= 6


def test_planes_apart(tmp_path: os.PathLike[str]) -> None:
    flat = [40000] * len(RISING)
    for order in "<>":
        for deflated in (False, True):
            data = tiff([RISING, RISING[::-1], flat], 64, order=order, deflated=deflated)
            image = largest(written(os.path.join(tmp_path, "a.tif"), data))
            for x in (2, 30, 60):
                level = 255 * x / 63
                assert distance(pixel(image, x, 20), (level, 255 - level, 156)) <= 6


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiles_are_right_or_have_no_decoder(tmp_path: os.PathLike[str], order: str) -> None:
    path = os.path.join(tmp_path, "a.tif")
    planes = [RISING, RISING[::-1], [40000] * len(RISING)]
    made = make(written(path, tiff(planes, 64, order=order, tiled=True)))
    assert made == Made([], "no decoder for TIFF pictures of 16 bits, planes apart, in tiles")
    white = make(written(path, tiff([RISING], 64, order=order, photometric=0, tiled=True)))
    if not white.files:
        assert (white.note, order) == ("no decoder for TIFF pictures of 16 bits, in tiles", ">")
        return
    assert [pixel(largest(path), x, 9)[0] for x in (0, 63)] == [255, 0]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow reads a BigTIFF's tags as EXIF, which it is not
def test_bigtiff_of_either_order_is_right_or_has_no_decoder(tmp_path: os.PathLike[str]) -> None:
    level = 40_000
    for order, mark in (("<", b"II"), (">", b"MM")):
        tags = ((256, 1), (257, 1), (258, 16), (259, 1), (262, 1), (273, 16), (277, 1), (278, 1), (279, 2))
        entries = b"".join(struct.pack(f"{order}HHQQ", tag, 16, 1, value) for tag, value in tags)
        head = mark + struct.pack(f"{order}HHHQ", 43, 8, 0, 24) + struct.pack(f"{order}HHI", level, 0, 0)
        path = os.path.join(tmp_path, "a.tif")
        made = make(written(path, head + struct.pack(f"{order}Q", len(tags)) + entries + bytes(8)))
        if made.files:
            assert abs(pixel(largest(path), 0, 0)[0] - level // 257) <= 2
        else:
            assert made.note == "no decoder for BigTIFF pictures in big-endian order"
            assert order == ">"


def test_a_compression_without_a_decoder_is_no_damage(tmp_path: os.PathLike[str]) -> None:
    data = tiff([RISING], 64, order=">", photometric=0)
    entry = struct.pack(">HHIH", 259, SHORT, 1, 1)
    assert data.count(entry) == 1
    made = make(
        written(os.path.join(tmp_path, "a.tif"), data.replace(entry, struct.pack(">HHIH", 259, SHORT, 1, 50000)))
    )
    assert made == Made([], "no decoder for TIFF pictures of 16 bits")


def test_the_compression_is_named_where_nothing_decodes_it(tmp_path: os.PathLike[str]) -> None:
    data = tiff([RISING], 64, order="<")
    entry = struct.pack("<HHIH", 259, SHORT, 1, 1)
    assert data.count(entry) == 1
    for compression, name in ((50001, "WebP"), (34712, "JPEG 2000"), (34713, "34713")):
        changed = data.replace(entry, struct.pack("<HHIH", 259, SHORT, 1, compression))
        made = make(written(os.path.join(tmp_path, "a.tif"), changed))
        assert made == Made([], f"no decoder for TIFF pictures of 16 bits, compression {name}")


@pytest.mark.parametrize("before", [b"\0" * 7, b"\r\n", b"x" * 1000])
def test_a_jpeg_behind_something_else_is_shown(tmp_path: os.PathLike[str], before: bytes) -> None:
    path = os.path.join(tmp_path, "a.jpg")
    made = make(written(path, before + encoded(corners(96, 64), "JPEG", quality=95)))
    assert made.note == f"its first {len(before)} bytes are left out: the picture begins behind them"
    assert not made.damaged
    assert seen_corners(largest(path)) == [0, 1, 2, 3]


def test_a_file_that_is_too_large_for_a_jpeg_is_not_read_into_memory(tmp_path: os.PathLike[str]) -> None:
    path = written(os.path.join(tmp_path, "a.jpg"), b"junk" + encoded(corners(96, 64), "JPEG"))
    with open(path, "rb+") as file:
        assert images.jpeg_start(file) == 4
        file.truncate(1 << 40)
        assert images.jpeg_start(file) == 0


@pytest.mark.parametrize("reduced", [1, 2])
def test_a_thumbnail_before_the_picture_is_passed_over(tmp_path: os.PathLike[str], reduced: int) -> None:
    """A scanner's, and pages of a document (2 is a page of several)."""
    first = TiffImagePlugin.ImageFileDirectory_v2()
    first[254] = reduced
    path = os.path.join(tmp_path, "a.tif")
    data = encoded(corners(60, 40), "TIFF", tiffinfo=first, save_all=True, append_images=[corners(600, 400)])
    # Pillow gives the tag to both.
    at = data.rindex(struct.pack("<HHI", 254, LONG, 1)) + 8
    assert data.index(struct.pack("<HHI", 254, LONG, 1)) + 8 < at
    written(path, data[:at] + bytes(4) + data[at + 4 :])
    make(path)
    assert largest(path).size == ((600, 400) if reduced == 1 else (60, 40))
    # Nothing but thumbnails: the first.
    corners(60, 40).save(path, tiffinfo=first)
    make(path)
    assert largest(path).size == (60, 40)


@pytest.mark.parametrize(
    ("kind", "said"),
    [("e", "16 bits, floating point"), ("d", "64 bits, floating point"), ("I", "32 bits")],
)
def test_numbers_without_a_decoder(tmp_path: os.PathLike[str], kind: str, said: str) -> None:
    numbers = [float(value) if kind in "ed" else value << 16 for value in RISING]
    data = tiff([[min(value, 60000) for value in numbers] if kind == "e" else numbers], 64, kind=kind, order=">")
    path = written(os.path.join(tmp_path, "a.tif"), data)
    assert make(path) == Made([], f"no decoder for TIFF pictures of {said}")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("deflated", [False, True])
def test_signed_bytes_are_not_taken_for_unsigned_ones(
    tmp_path: os.PathLike[str], order: str, deflated: bool
) -> None:
    numbers = [x * 4 - 128 for _ in range(48) for x in range(64)]
    path = written(os.path.join(tmp_path, "a.tif"), tiff([numbers], 64, kind="b", order=order, deflated=deflated))
    assert make(path) == Made([], "no decoder for TIFF pictures of 8 bits, signed")


@pytest.mark.parametrize("bits", [10, 14, 24])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_number_of_bits_without_a_decoder_is_named(tmp_path: os.PathLike[str], order: str, bits: int) -> None:
    data = tiff([RISING], 64, order=order)
    entry = struct.pack(order + "HHI", 258, SHORT, 1) + struct.pack(order + "H", 16)
    assert data.count(entry) == 1
    data = data.replace(entry, entry[:-2] + struct.pack(order + "H", bits))
    made = make(written(os.path.join(tmp_path, "a.tif"), data))
    assert made == Made([], f"no decoder for TIFF pictures of {bits} bits")


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_without_its_directory_is_cut_off(tmp_path: os.PathLike[str], order: str) -> None:
    data = tiff([RISING], 64, order=order)
    path = written(os.path.join(tmp_path, "a.tif"), data[: len(data) // 2])
    with pytest.raises(OrderRefusedError, match="it is cut off, and nothing of it can be decoded") as refused:
        make(path)
    assert refused.value.damaged
    with open(path, "rb") as file:
        assert boxes.cut_off(file)
    with open(written(path, data), "rb") as file:
        assert not boxes.cut_off(file)


def test_a_bigtiff_without_its_directory_is_cut_off() -> None:
    for order, head in (("<", b"II+\0\x08\0\0\0"), (">", b"MM\0+\0\x08\0\0")):
        whole = io.BytesIO(head + struct.pack(order + "Q", 60) + bytes(80))
        assert not boxes.cut_off(whole)
        assert boxes.cut_off(io.BytesIO(whole.getvalue()[:40]))


# Number 16: AVIF and HEIF.


def test_avif_with_a_general_brand(tmp_path: os.PathLike[str]) -> None:
    data = bytearray(encoded(corners(320, 200), "AVIF", quality=90))
    assert data[8:12] == b"avif"
    data[8:12] = b"mif1"
    assert seen_corners(largest(written(os.path.join(tmp_path, "a.avif"), bytes(data)))) == [0, 1, 2, 3]


def without_size(data: bytes) -> bytes:
    """An AVIF file whose alpha plane has no size of its own: another property twice."""
    changed = bytearray(data)
    at = data.index(b"ipma") + 12
    ipco = data.index(b"ipco")
    names, place = [b""], ipco + 4
    while place < ipco - 4 + int.from_bytes(data[ipco - 4 : ipco], "big"):
        names.append(data[place + 4 : place + 8])
        place += int.from_bytes(data[place : place + 4], "big")
    at += 3 + data[at + 2]  # of the second item
    properties = range(at + 3, at + 3 + data[at + 2])
    other = next(data[place] for place in properties if names[data[place] & 127] == b"pixi")
    for place in properties:
        if names[data[place] & 127] == b"ispe":
            changed[place] = other
    return bytes(changed)


@pytest.mark.parametrize("orientation", [1, 3, 5, 6])
def test_avif_with_an_alpha_plane_without_a_size(tmp_path: os.PathLike[str], orientation: int) -> None:
    """libavif refuses it; ffmpeg does not, and is not left to turn it, as its versions differ in that."""
    image = corners(320, 200).convert("RGBA")
    exif = Image.Exif()
    exif[274] = orientation
    data = encoded(image, "AVIF", quality=90, exif=exif.tobytes())
    upright = largest(written(os.path.join(tmp_path, "sound.avif"), data))
    image.putalpha(Image.linear_gradient("L").point(lambda value: 255 - value // 2).resize(image.size))
    data = without_size(encoded(image, "AVIF", quality=90, exif=exif.tobytes()))
    found = largest(written(os.path.join(tmp_path, "a.avif"), data))
    assert found.size == upright.size
    assert seen_corners(found) == seen_corners(upright)


def cropped(data: bytes, width: int, height: int, right: int, down: int) -> bytes:
    """An AVIF file with a clean aperture (clap) of this size, its middle moved by that much."""
    clap = b"clap" + struct.pack(">IIIIiIiI", width, 1, height, 1, right, 1, down, 1)
    clap = struct.pack(">I", len(clap) + 4) + clap
    changed = bytearray(data)
    ipco, ipma = data.index(b"ipco") - 4, data.index(b"ipma") - 4
    size = int.from_bytes(data[ipco : ipco + 4], "big")
    names, place = 0, ipco + 8
    while place < ipco + size:
        names += 1
        place += int.from_bytes(data[place : place + 4], "big")
    count = ipma + 8 + 4 + 4 + 2
    changed[count] += 1
    changed[count + 1 + data[count] : count + 1 + data[count]] = bytes([0x80 | (names + 1)])
    changed[ipco + size : ipco + size] = clap
    grown = len(clap) + 1

    def grow(at: int, by: int) -> None:
        changed[at : at + 4] = struct.pack(">I", int.from_bytes(changed[at : at + 4], "big") + by)

    grow(ipco, len(clap))
    grow(ipma + len(clap), 1)
    for name in (b"iprp", b"meta"):
        grow(data.index(name) - 4, grown)
    # Where the picture lies: iloc of version 0, of one item, with one extent; offsets of 4 bytes.
    iloc = data.index(b"iloc")
    assert data[iloc + 4 : iloc + 5] == b"\0"
    assert data[iloc + 8] == 0x44
    grow(iloc + 4 + 4 + 2 + 2 + 2 + 2 + (data[iloc + 9] >> 4) + 2, grown)
    return bytes(changed)


def test_clean_aperture_of_avif(tmp_path: os.PathLike[str]) -> None:
    data = cropped(encoded(corners(320, 200), "AVIF", quality=90), 160, 100, -80, -50)
    how = boxes.shown(io.BytesIO(data))
    assert how is not None
    assert (how.size, how.crop) == ((320, 200), (0, 0, 160, 100))
    image = largest(written(os.path.join(tmp_path, "a.avif"), data))
    assert image.size == (160, 100)
    assert seen_corners(image) == [0, 0, 0, 0]


def test_ffmpeg_is_not_believed_with_another_picture(tmp_path: os.PathLike[str]) -> None:
    """Of pictures made of tiles some versions show one tile: the size tells."""
    image = corners(320, 200).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    data = bytearray(without_size(encoded(image, "AVIF")))
    ispe = data.index(b"ispe") + 8
    data[ispe : ispe + 8] = struct.pack(">II", 640, 400)
    with pytest.raises(OrderRefusedError):
        make(written(os.path.join(tmp_path, "a.avif"), bytes(data)))


def test_a_sequence_of_pictures(tmp_path: os.PathLike[str]) -> None:
    """HEIF that is a track alone (ISO/IEC 23008-12, 7): libheif wants a single picture in it."""
    encoder = ("-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p", "-tag:v", "hvc1")
    path = film(tmp_path, "a.mp4", *shown("testsrc2=size=320x240:rate=5:duration=1"), *encoder)
    with open(path, "rb") as file:
        data = bytearray(file.read())
    data[8:12], data[16:20] = b"msf1", b"hevc"
    assert largest(written(os.path.join(tmp_path, "a.heic"), bytes(data))).size == (320, 240)


# Number 17: what is cut off.


def photo(preview: bool) -> bytes:
    image = corners(600, 400)
    exif = Image.Exif()
    data = encoded(image, "JPEG", quality=92, exif=exif.tobytes() if preview else b"")
    if not preview:
        return data
    small = encoded(image.resize((160, 106)), "JPEG")
    ifd1 = directories([({}, [])])
    first = struct.pack("<HI", 0, 14)  # no tags, the next directory at 14
    tags = [(259, SHORT, 6), (513, LONG, 14 + 2 + 3 * 12 + 4), (514, LONG, len(small))]
    second = struct.pack("<H", 3) + b"".join(
        struct.pack("<HHII", tag, sort, 1, value) for tag, sort, value in tags
    )
    body = b"Exif\0\0" + ifd1[:4] + struct.pack("<I", 8) + first + second + bytes(4) + small
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def test_a_jpeg_that_something_else_lies_over_shows_what_is_before_it(tmp_path: os.PathLike[str]) -> None:
    """As a recovered card has it, where a cluster holds another file's data."""
    data = photo(preview=False)
    middle = len(data) // 2
    path = written(os.path.join(tmp_path, "a.jpg"), data[:middle] + data[2:300] + data[middle + 298 :])
    made = make(path)
    assert made.note == "a part of it is damaged: what is missing is grey or black"
    assert made.damaged
    assert distance(pixel(largest(path), 20, 20), CORNERS[0]) < 30


@pytest.mark.parametrize("part", [0.5, 0.9, -2])
def test_a_jpeg_that_is_cut_off_shows_what_there_is(tmp_path: os.PathLike[str], part: float) -> None:
    data = photo(preview=False)
    path = written(
        os.path.join(tmp_path, "a.jpg"), data[: int(part)] if part < 0 else data[: int(len(data) * part)]
    )
    made = make(path)
    assert made.note.startswith("it is cut off")
    assert made.damaged
    image = largest(path)
    assert image.size == (600, 400)
    assert seen_corners(image)[:2] == [0, 1]
    if part < 0:
        assert seen_corners(image) == [0, 1, 2, 3]


def test_a_jpeg_of_which_nothing_is_there_shows_its_preview(tmp_path: os.PathLike[str]) -> None:
    data = photo(preview=True)
    path = written(os.path.join(tmp_path, "a.jpg"), data[: data.rindex(b"\xff\xda") + 14])
    made = make(path)
    assert made.note == "it is cut off: this is the preview in it"
    assert made.damaged
    image = largest(path)
    assert image.size == (160, 106)
    assert seen_corners(image) == [0, 1, 2, 3]
    bare = photo(preview=False)
    with pytest.raises(OrderRefusedError, match="cannot be decoded") as caught:
        make(written(os.path.join(tmp_path, "b.jpg"), bare[: bare.rindex(b"\xff\xda") + 14]))
    assert caught.value.damaged


# Number 18: HEIC that is turned by EXIF alone.


@pytest.mark.parametrize("miaf", [True, False])
def test_heic_turned_by_exif_alone(tmp_path: os.PathLike[str], miaf: bool) -> None:
    path = os.path.join(tmp_path, "a.heic")
    corners(320, 200).save(path, quality=90)
    media.run("exiftool", "-q", "-n", "-overwrite_original", "-Orientation=6", "-Make=Acme", path)
    if not miaf:
        with open(path, "r+b") as file:
            data = file.read()
            assert b"miaf" in data[:40]
            file.seek(data.index(b"miaf"))
            file.write(b"mif1")
    image = largest(path)
    assert image.size == ((320, 200) if miaf else (200, 320))
    assert seen_corners(image) == ([0, 1, 2, 3] if miaf else [2, 0, 3, 1])


def test_heic_turned_by_itself_and_by_exif_is_turned_once(tmp_path: os.PathLike[str]) -> None:
    exif = Image.Exif()
    exif[274] = 6
    path = os.path.join(tmp_path, "a.heic")
    corners(320, 200).save(path, quality=90, exif=exif.tobytes())
    with open(path, "r+b") as file:
        data = file.read().replace(b"miaf", b"mif1", 1)
        file.seek(0)
        file.write(data)
    how = boxes.shown(io.BytesIO(data))
    assert how is not None
    assert how.turned
    assert b"miaf" not in how.brands
    assert seen_corners(largest(path)) == [2, 0, 3, 1]


# Number 25, and 19: formats that ffmpeg decodes; names that lie.


@pytest.mark.parametrize("name", ["a.jxl", "a.tga", "a.exr", "a.dpx", "a.sun", "a.xwd", "a.dds", "a.pam"])
def test_formats_without_a_decoder_of_pillow(tmp_path: os.PathLike[str], name: str) -> None:
    source = os.path.join(tmp_path, "source.png")
    corners(320, 200).save(source)
    path = os.path.join(tmp_path, name)
    if name == "a.dds":
        corners(320, 200).save(path)
    elif name == "a.exr":
        # Linear light, as the format has it: what stands in the file is not what is seen.
        linear = "format=gbrp16le,lutrgb=" + ":".join(f"{c}='65535*pow(val/65535,2.2)'" for c in "rgb")
        media.run("ffmpeg", "-v", "error", "-i", source, "-vf", f"{linear},format=gbrpf32le", path)
    else:
        options = ("-f", "image2", "-c:v", "sunrast") if name == "a.sun" else ()
        media.run("ffmpeg", "-v", "error", "-i", source, *options, path)
    image = largest(path)
    assert image.size == (320, 200)
    assert seen_corners(image) == [0, 1, 2, 3]
    assert distance(pixel(image, 20, 20), (220, 40, 40)) <= 12


@pytest.mark.parametrize("name", ["a.jxl", "a.exr", "a.dpx", "a.dds", "a.jpg"])
def test_what_is_no_picture_is_called_so(tmp_path: os.PathLike[str], name: str) -> None:
    for data in (bytes(5000), b"<!DOCTYPE html><html><body>Not found</body></html>"):
        with pytest.raises(OrderRefusedError, match="it is no picture of a known format"):
            make(written(os.path.join(tmp_path, name), data))


def test_jxl_in_boxes(tmp_path: os.PathLike[str]) -> None:
    """As with EXIF in it (ISO/IEC 18181-2): its boxes are not those of a HEIF file."""
    source, path = os.path.join(tmp_path, "source.png"), os.path.join(tmp_path, "a.jxl")
    corners(320, 200).save(source)
    media.run("ffmpeg", "-v", "error", "-i", source, path)
    with open(path, "rb") as file:
        data = file.read()
    assert data.startswith(b"\xff\x0a")
    with open(path, "wb") as file:
        for kind, content in ((b"JXL ", b"\r\n\x87\n"), (b"ftyp", b"jxl \0\0\0\0jxl "), (b"jxlc", data)):
            file.write(struct.pack(">I4s", 8 + len(content), kind) + content)
    assert seen_corners(largest(path)) == [0, 1, 2, 3]


def test_jxl_that_is_cut_off(tmp_path: os.PathLike[str]) -> None:
    source, path = os.path.join(tmp_path, "source.png"), os.path.join(tmp_path, "a.jxl")
    Image.effect_noise((320, 200), 90).save(source)
    media.run("ffmpeg", "-v", "error", "-i", source, path)
    os.truncate(path, os.path.getsize(path) // 2)
    with pytest.raises(OrderRefusedError, match="it is cut off, and nothing of it can be decoded") as refused:
        make(path)
    assert refused.value.damaged


def test_png_with_a_large_colour_profile(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "a.png")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    corners(320, 200).save(path, icc_profile=profile + bytes(2 << 20))
    assert seen_corners(largest(path)) == [0, 1, 2, 3]


def test_jxl_that_is_clear_lies_on_white(tmp_path: os.PathLike[str]) -> None:
    source, path = os.path.join(tmp_path, "source.png"), os.path.join(tmp_path, "a.jxl")
    Image.new("RGBA", (64, 48), (255, 0, 0, 0)).save(source)
    media.run("ffmpeg", "-v", "error", "-i", source, path)
    assert distance(pixel(largest(path), 9, 9), (255, 255, 255)) <= 3


def test_preview_of_a_dng_in_jpeg_xl(tmp_path: os.PathLike[str]) -> None:
    source, preview = os.path.join(tmp_path, "source.png"), os.path.join(tmp_path, "preview.jxl")
    corners(320, 200).save(source)
    media.run("ffmpeg", "-v", "error", "-i", source, preview)
    with open(preview, "rb") as file:
        jxl = file.read()
    raw = bytes(64 * 48 * 2)

    def tags(
        width: int, height: int, sub: int, photometric: int, compression: int, data: bytes
    ) -> dict[int, tuple[int, list[int]]]:
        return {
            254: (LONG, [sub]),
            256: (LONG, [width]),
            257: (LONG, [height]),
            258: (SHORT, [16] if photometric == 32803 else [8, 8, 8]),
            259: (SHORT, [compression]),
            262: (SHORT, [photometric]),
            274: (SHORT, [6]),
            277: (SHORT, [1 if photometric == 32803 else 3]),
            278: (LONG, [height]),
            279: (LONG, [len(data)]),
        }

    main = tags(64, 48, 0, 32803, 1, raw)
    dng = directories([({**main, 50706: (LONG, [0x00000701])}, [raw]), (tags(320, 200, 1, 6, 52546, jxl), [jxl])])
    image = largest(written(os.path.join(tmp_path, "a.dng"), dng))
    assert image.size == (200, 320)
    assert seen_corners(image) == [2, 0, 3, 1]


def test_a_film_that_is_called_a_picture(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "a.jpg")
    os.rename(film(tmp_path, "a.mp4", *shown(), "-pix_fmt", "yuv420p"), path)
    assert largest(path).size == (320, 240)


def test_telemetry_that_is_called_raw(tmp_path: os.PathLike[str]) -> None:
    made = make(written(os.path.join(tmp_path, "a.raw"), b"DEVC\0\1\1\x58DVID" + bytes(4000)))
    assert made == Made([], "no decoder for files of this kind, though .raw is a name of RAW pictures")


def test_a_picture_reads_no_other_file(tmp_path: os.PathLike[str]) -> None:
    """Neither list lets a file name others, whatever it is called."""
    assert not {"image2", "hls", "concat", "dash", "sdp", "svg_pipe"} & {*demuxers.PICTURES, *demuxers.FILMS}
    secret = os.path.join(tmp_path, "secret.mp4")
    media.run("ffmpeg", "-v", "error", *shown(), "-pix_fmt", "yuv420p", secret)
    for name in ("a.jpg", "a.jxl"):
        for text in (
            f"#EXTM3U\n#EXTINF:2,\nfile:{secret}\n#EXT-X-ENDLIST\n",
            f"ffconcat version 1.0\nfile '{secret}'\n",
        ):
            path = written(os.path.join(tmp_path, name), text.encode())
            order = MakeThumbnails(os.fsencode(path), name[2:], False, os.fsencode(tmp_path), "made")
            with suppress(OrderRefusedError):
                assert thumbnails.make(order, lambda _: None).files == []
            with pytest.raises(OrderRefusedError):
                ffmpeg.look(os.fsencode(path), os.fsencode(tmp_path), demuxers.PICTURES)
