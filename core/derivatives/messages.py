"""Messages between the engine and a maker: to every order any number of steps, then one reply."""

import msgspec

CUT_OFF = "it is cut off"
"""The beginning of notes on a picture whose end is missing."""

BROKEN = "a part of it is damaged"
"""The beginning of notes on a picture that makes no sense from somewhere in it on."""

LONG_EDGE = 720
"""The most pixels of a proxy's long edge."""


class Message(msgspec.Struct, tag=True, array_like=True, gc=False):
    """The base of all messages; the class name is the tag. Paths are raw bytes."""


class MakeThumbnails(Message):
    """Make thumbnails in three sizes of the picture or film `path` in `folder`, their names beginning with `stem`.

    `extension` is that of its name, lower-case and without the dot. `programs_only`: decode films with ffmpeg's
    command line only, not inside the maker.
    """

    path: bytes
    extension: str
    film: bool
    folder: bytes
    stem: str
    programs_only: bool = False


class MakeProxy(Message):
    """Make a proxy of the film `path` in `folder`; its name begins with `stem`."""

    path: bytes
    folder: bytes
    stem: str


class MakeStrip(Message):
    """Make one picture of six frames of the film `path` in `folder`; its name begins with `stem`.

    `programs_only` is as in MakeThumbnails.
    """

    path: bytes
    folder: bytes
    stem: str
    programs_only: bool = False


class ProbeFilm(Message):
    """Read what ffprobe would tell of the film or recording `path`, without running ffprobe."""

    path: bytes


Order = MakeThumbnails | MakeProxy | MakeStrip | ProbeFilm


class Step(Message):
    """Progress: `fraction` of the whole is done (0 to 1)."""

    fraction: float


class MadeFile(Message):
    """One file that was made: `name` in the order's folder. `role`: the short edge of a thumbnail (400, 800,
    1920), proxy or strip. `width` and `height` are pixels, `size` is bytes."""

    role: str
    name: str
    width: int
    height: int
    size: int


class Made(Message):
    """The order was carried out. `note`: why nothing was made, or what is wrong with the file. `damaged`: the file
    has lost a part of its content."""

    files: list[MadeFile]
    note: str = ""
    damaged: bool = False


class Probed(Message):
    """The reply to ProbeFilm. `answer`: JSON as ffprobe prints it; empty where the file is to be left to ffprobe,
    for the reason in `note`."""

    answer: bytes
    note: str = ""


class Refused(Message):
    """The order cannot be carried out. `final`: because of the file's content, so that a retry cannot help;
    `damaged`: the file has lost a part of that content."""

    error: str
    final: bool
    damaged: bool = False


Answer = Step | Made | Probed | Refused


class OrderRefusedError(Exception):
    """The order cannot be carried out. Makers raise it, and `Makers` raises it again in the engine. `final` and
    `damaged` are as in Refused."""

    def __init__(self, error: str, *, final: bool = True, damaged: bool = False) -> None:
        super().__init__(error)
        self.final = final
        self.damaged = damaged


class NoDecoderError(OrderRefusedError):
    """In a maker: the format is known, but no decoder here can decode this file."""
