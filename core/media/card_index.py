"""The clips that a card's own index names: they were on the card when the camera wrote it.

Sony: MEDIAPRO.XML has a `Material` for every clip, its `uri` relative to the folder of the index. Panasonic P2:
each CONTENTS/CLIP/NAME.XML lists the essence files of its clip, with their bytes (EssenceList, as P2_Handler of
github.com/adobe/XMP-Toolkit-SDK reads it). ARRI: an Avid Log Exchange list in the folder of the reel has a row for
every clip (manual of the ALEXA, page 105). Canon's INDEX.MIF and DJI's databases have no published description.
"""

import os
import posixpath
import xml.etree.ElementTree as ET
from urllib.parse import unquote_to_bytes

import msgspec

LARGEST_INDEX = 4 << 20
"""The most bytes of an index that is parsed."""


class IndexedClip(msgspec.Struct, frozen=True):
    """A clip that an index names. `paths`: where it may be, below the source; `least`: the fewest bytes it can
    have."""

    clip: bytes
    paths: tuple[bytes, ...]
    least: int = 0


def is_index(path: bytes) -> bool:
    """Whether a file may be such an index, by its path."""
    folder, _, name = path.lower().rpartition(b"/")
    return name == b"mediapro.xml" or name.endswith(b".ale") or (_in_clip(folder) and name.endswith(b".xml"))


def _in_clip(folder: bytes) -> bool:
    return folder == b"contents/clip" or folder.endswith(b"/contents/clip")


def indexed_clips(path: bytes, data: bytes) -> list[IndexedClip]:
    """The clips that the index `path` names; empty where it cannot be parsed."""
    folder, _, name = path.rpartition(b"/")
    try:
        if name.lower().endswith(b".ale"):
            return _parse_ale(folder, data)
        root = ET.fromstring(data)  # noqa: S314 - 4 MiB at most; expat bounds what entities grow to since 2.4.1
    except (ET.ParseError, ValueError, LookupError):
        return []
    return _parse_mediapro(folder, root) if name.lower() == b"mediapro.xml" else _parse_p2(folder, root)


def _elements(root: ET.Element, name: str) -> list[ET.Element]:
    """The elements with this name, in any namespace."""
    return [one for one in root.iter() if isinstance(one.tag, str) and one.tag.rpartition("}")[2] == name]


def _parse_mediapro(folder: bytes, root: ET.Element) -> list[IndexedClip]:
    found = []
    for material in _elements(root, "Material"):
        path = posixpath.normpath(posixpath.join(folder, unquote_to_bytes(material.get("uri", ""))))
        if material.get("uri") and not path.startswith((b"..", b"/")):
            clip = os.path.splitext(posixpath.basename(path))[0]
            found.append(IndexedClip(clip, (path,)))
    return found


def _parse_p2(folder: bytes, root: ET.Element) -> list[IndexedClip]:
    names = [(one.text or "").strip() for one in _elements(root, "ClipName")]
    if not names or not names[0].isalnum():
        return []
    clip = names[0].encode()
    contents = folder.rpartition(b"/")[0]
    below = contents + b"/" if contents else b""
    # In an AVCLIP the audio is in the video file.
    whole = below + b"AVCLIP/" + clip + b".MXF"
    video = below + b"VIDEO/" + clip + b".MXF"
    found = [IndexedClip(clip, (video, whole), _end_of_essence(one)) for one in _elements(root, "Video")[:1]]
    return found + [
        IndexedClip(clip, (below + b"AUDIO/%b%02d.MXF" % (clip, number), whole), _end_of_essence(one))
        for number, one in enumerate(_elements(root, "Audio"))
    ]


def _end_of_essence(essence: ET.Element) -> int:
    """The byte at which the essence of a file ends, by its index; 0 when the index does not say."""
    values = [one for name in ("StartByteOffset", "DataSize") for one in _elements(essence, name)[:1]]
    numbers = [int((one.text or "").strip()) for one in values]
    return sum(numbers) if len(numbers) == 2 else 0


def _parse_ale(folder: bytes, data: bytes) -> list[IndexedClip]:
    """Parse the sections Heading, Column and Data, each begun by a line; columns are separated by tabs."""
    lines = [line.rstrip(b"\r") for line in data.split(b"\n")]
    columns = lines[lines.index(b"Column") + 1].split(b"\t")
    at = columns.index(b"Name")
    rows = (line.split(b"\t") for line in lines[lines.index(b"Data") + 1 :])
    names = [row[at].strip() for row in rows if len(row) > at and row[at].strip()]
    return [IndexedClip(clip, (posixpath.join(folder, clip),)) for clip in names if b"/" not in clip]
