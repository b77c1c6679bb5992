"""For tests of thumbnails and proxies: a stand-in for an archive, and pictures that show how they were
processed."""

import io
import os
import shutil
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image, ImageCms

from core.derivatives import thumbnails
from core.derivatives.messages import Made, MadeFile, MakeThumbnails
from core.errors import ArchiveError
from core.media.file_types import Kind, extension, kind_of_name
from core.tasks.task import ItemFacts, Job, Result
from tests.rigs import media

CORNERS = ((220, 40, 40), (40, 200, 40), (40, 60, 220), (230, 220, 40))
"""Red, green, blue and yellow: the colours top left, top right, bottom left and bottom right in `corners`."""


X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


class Archive:
    """A folder that stands for an archive, with the Context of tasks. It publishes by rename."""

    def __init__(self, root: str, scratch: str) -> None:
        self.root = root
        self.scratch = scratch
        self.refuses = False
        self.answers: dict[str, list[tuple[Any, ...]]] = {}
        self._items: dict[int, ItemFacts] = {}
        os.makedirs(root, exist_ok=True)
        os.makedirs(scratch, exist_ok=True)

    def add(self, path: str, kind: Kind | None = None) -> Job:
        """Add a copy of a file as an item. Returns a job on it."""
        number = len(self._items) + 1
        name = os.fsencode(os.path.basename(path))
        digest = f"{number:032x}"[::-1]
        folder = os.path.join(self.root, "data", digest[:2])
        os.makedirs(folder, exist_ok=True)
        held = os.path.join(folder, digest + extension(name))
        shutil.copy(path, held)
        self._items[number] = ItemFacts(
            id=number,
            archive_id=1,
            location_id=1,
            path=held,
            name=name,
            size=os.path.getsize(held),
            kind=kind or kind_of_name(name) or Kind.OTHER,
            xxh128=digest,
            sha256="0" * 64,
        )
        return Job(id=100 + number, queue="", item_id=number)

    async def items(self, ids: Sequence[int]) -> Mapping[int, ItemFacts]:
        """Context.items."""
        return {number: self._items[number] for number in ids if number in self._items}

    async def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Context.read; the rows in `answers` whose key is in the query or its parameters, else none."""
        return next((rows for words, rows in self.answers.items() if words in sql or words in parameters), [])

    async def text(self, archive_id: int, path: str) -> bytes | None:
        """Context.text; not implemented."""
        raise NotImplementedError(archive_id, path)

    async def heads(self, archive_id: int, paths: Sequence[str], length: int) -> list[tuple[int, bytes]]:
        """Context.heads."""
        assert archive_id == 1
        return [head(os.path.join(self.root, path), length) for path in paths]

    async def publish(self, archive_id: int, local: str, target: str) -> None:
        """Context.publish."""
        assert archive_id == 1
        if self.refuses:
            raise ArchiveError("it is full")
        path = os.path.join(self.root, target)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.move(local, path)

    def size(self, path: str) -> int:
        """The bytes of a file below the root."""
        return os.path.getsize(os.path.join(self.root, path))

    def lose(self, job: Job) -> None:
        """Remove the file of a job's item."""
        os.unlink(self._items[job.item_id or 0].path)

    def leftovers(self) -> list[str]:
        """The files in the scratch folder."""
        return os.listdir(self.scratch)


def head(path: str, length: int) -> tuple[int, bytes]:
    """Size and first bytes of a file; (-1, b"") when it does not exist."""
    if not os.path.exists(path):
        return -1, b""
    with open(path, "rb") as file:
        return os.path.getsize(path), file.read(length)


def rows(result: Result) -> list[tuple[Any, ...]]:
    """The rows that a job wants written; the job must have succeeded."""
    assert not result.error, result.error
    ((_, found),) = result.statements
    return [tuple(row) for row in found]


def written(path: str, data: bytes) -> str:
    """Write a file with this content. Returns its path."""
    with open(path, "wb") as file:
        file.write(data)
    return path


def corners(width: int, height: int) -> Image.Image:
    """A picture of four colours, which shows how it was turned."""
    picture = Image.new("RGB", (2, 2))
    for number, colour in enumerate(CORNERS):
        picture.putpixel((number % 2, number // 2), colour)
    return picture.resize((width, height), Image.Resampling.NEAREST)


def seen_corners(picture: Image.Image) -> list[int]:
    """The index in CORNERS of the colour in each corner of a picture, in the order of CORNERS."""
    width, height = picture.size
    places = [(x, y) for y in (height // 8, height * 7 // 8) for x in (width // 8, width * 7 // 8)]
    return [
        min(range(4), key=lambda number: distance(pixel(picture, *place), CORNERS[number])) for place in places
    ]


def pixel(picture: Image.Image, x: int, y: int) -> tuple[int, ...]:
    """A pixel as (red, green, blue)."""
    value = picture.convert("RGB").getpixel((x, y))
    assert isinstance(value, tuple)
    return tuple(int(part) for part in value)


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    """The largest difference of two colours in any channel."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def display_p3() -> bytes:
    """An ICC profile with the primaries of Display P3 and a gamma of 2.2 (ICC.1:2001, matrix and curves)."""

    def xyz(x: float, y: float, z: float) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in (x, y, z)))

    curve = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(2.2 * 256))
    text = b"desc\0\0\0\0" + struct.pack(">I", 3) + b"P3\0" + bytes(78 + 3)
    tags = {
        b"desc": text,
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.51512, 0.2412, -0.00105),
        b"gXYZ": xyz(0.29198, 0.69225, 0.04189),
        b"bXYZ": xyz(0.1571, 0.06657, 0.78407),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, data, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    size = struct.pack(">I", start + len(data))
    head = size + bytes(4) + b"\2\x10\0\0mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28)
    return head + struct.pack(">3i", 63190, 65536, 54061) + bytes(128 - 80) + table + data


def make(path: str, *, film: bool = False) -> Made:
    """Make thumbnails of a file, beside it, in this process."""
    folder, name = os.path.split(path)
    order = MakeThumbnails(os.fsencode(path), name.rpartition(".")[2].lower(), film, os.fsencode(folder), "made")
    return thumbnails.make(order, lambda fraction: None)


def largest(path: str, *, film: bool = False) -> Image.Image:
    """The largest thumbnail of a file, after checking all of them."""
    made = make(path, film=film)
    assert [file.role for file in made.files] == ["1920", "800", "400"]
    for file in made.files:
        with Image.open(os.path.join(os.path.dirname(path), file.name)) as image:
            assert image.format == "JPEG"
            assert image.size == (file.width, file.height)
            assert not image.getexif()
            assert not {"exif", "xmp", "photoshop"} & set(image.info)
            assert image.info.get("comment", b"").decode() == made.note
            if image.mode == "RGB":
                named = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
                assert "sRGB" in ImageCms.getProfileDescription(named)
    with Image.open(os.path.join(os.path.dirname(path), made.files[0].name)) as image:
        image.load()
        return image


def sizes(files: list[MadeFile]) -> list[tuple[int, int]]:
    """Width and height of each file."""
    return [(file.width, file.height) for file in files]


def film(folder: os.PathLike[str], name: str, *arguments: str) -> str:
    """Make a film with ffmpeg. Returns its path."""
    path = os.path.join(folder, name)
    media.run("ffmpeg", "-v", "error", "-nostdin", "-y", *arguments, f"file:{path}")
    return path


def shown(what: str = "testsrc2=size=320x240:rate=25:duration=2") -> tuple[str, ...]:
    """The options of a generated input for ffmpeg."""
    return ("-f", "lavfi", "-i", what)
