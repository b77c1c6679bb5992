"""Which files are given to the system's viewer."""

from core.media.file_types import Kind, kind_of_path, split

VIEWABLE_KINDS = (Kind.IMAGES, Kind.VIDEOS, Kind.AUDIO)
"""Of files of other kinds the system may run what is in them."""

PROGRAM_EXTENSIONS = frozenset({b"ai", b"eps", b"svg", b"svgz"})
"""Extensions of drawings that may hold a program: PostScript, or scripts that a browser runs."""

REFUSAL = "only photos, films and sound are opened in a viewer."
"""Why a viewer is not given others."""


def viewable(path: bytes) -> bool:
    """Whether a file with this name may be opened in the system's viewer."""
    return kind_of_path(path) in VIEWABLE_KINDS and split(path.rpartition(b"/")[2])[1] not in PROGRAM_EXTENSIONS
