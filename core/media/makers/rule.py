"""The type of a card rule."""

from enum import StrEnum

import msgspec

from core.media.file_types import AUDIO, CAMERA_JPEG, DOCUMENTS, OTHER_IMAGES, RAW, VIDEOS


class Role(StrEnum):
    """The role of a file for the file that it belongs to."""

    SIDECAR = "sidecar"
    RAW_PAIR = "raw_pair"
    PROXY = "proxy"
    THUMBNAIL = "thumbnail"
    VOICE_MEMO = "voice_memo"
    METADATA = "metadata"
    EDIT = "edit"
    CHAPTER = "chapter"
    """A further part of a take: the next chapter or segment, or the other lens."""
    FRAME = "frame"
    """A further frame of a film that is kept as numbered pictures (`core.media.frames`); no rule has it."""
    AUDIO = "audio"
    """The audio of a film in a separate file, or one track of a recording."""


Groups = tuple[frozenset[bytes], ...]
"""Extensions that an owner may have, in groups, the preferred group first."""


def words(text: bytes) -> frozenset[bytes]:
    """Parse extensions that are separated by spaces."""
    return frozenset(text.split())


STILLS: Groups = (RAW, CAMERA_JPEG, OTHER_IMAGES)
FILM_EXTENSIONS: Groups = (words(b"braw crm krw nev r3d zraw"), words(b"mov mxf osv"), VIDEOS)
"""A proxy is an MP4 beside its film, so the film's extensions come first."""
ANYTHING: Groups = (*STILLS, *FILM_EXTENSIONS, AUDIO, DOCUMENTS)
FIRST_FILMS: Groups = (*FILM_EXTENSIONS, *STILLS)
EDITED = CAMERA_JPEG | OTHER_IMAGES
"""What phones and their services write for an edited picture."""


class Rule(msgspec.Struct, frozen=True):
    """Files with these extensions whose stem matches `pattern` belong to `owners` with the names that `stems`
    makes."""

    maker: str
    role: Role
    extensions: frozenset[bytes]
    pattern: bytes
    """Matches the whole stem, in any case; it has no backreferences."""
    stems: tuple[bytes, ...]
    r"""Where the owner may be, the likeliest first: a stem in the same folder or, with a slash in it, a path below
    the folder above `within`. `\1` is a group of `pattern`, `%1` the group of `within`. Folders are written as the
    maker does, but in lower or title case where the file's own folder is."""
    owners: Groups
    source: str
    within: bytes = b""
    """The last folders of the path, as a pattern without a slash at its end; empty: the rule applies anywhere."""
    whole_name: bool = False
    """For sidecars named after a whole file name, as X.NEF.xmp: `pattern` matches X, and the owner is X.NEF
    only."""
    rivals: bool = False
    """Whether the names that `stems` makes are those of different cameras, so that the time decides where a folder
    has more than one of them."""


class Take(msgspec.Struct, frozen=True):
    """Files with these extensions whose stem matches `pattern` are parts of the take called `name`, in one
    folder."""

    extensions: frozenset[bytes]
    pattern: bytes
    name: bytes


def rule(
    maker: str,
    role: Role,
    extensions: bytes | frozenset[bytes],
    pattern: bytes,
    stems: bytes,
    owners: bytes | Groups,
    source: str,
    within: bytes = b"",
    *,
    whole_name: bool = False,
    rivals: bool = False,
) -> Rule:
    """A rule from texts: `extensions`, `stems` and `owners` are separated by spaces."""
    chosen = extensions if isinstance(extensions, frozenset) else words(extensions)
    groups = owners if isinstance(owners, tuple) else (words(owners),)
    return Rule(maker, role, chosen, pattern, tuple(stems.split()), groups, source, within, whole_name, rivals)


def take(extensions: bytes, pattern: bytes, name: bytes) -> Take:
    """A take from texts; `extensions` are separated by spaces."""
    return Take(words(extensions), pattern, name)


NO_SOURCE = "names as the devices write them; no published source"
