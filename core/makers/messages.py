"""What the engine asks of a maker and what it answers: any number of steps, then one reply to every order."""

import msgspec


class Message(msgspec.Struct, tag=True, array_like=True, gc=False):
    """Base of all messages; the class name is the tag. Paths are raw bytes."""


class MakeThumbnails(Message):
    """Make the three sizes of the picture or film `path` in `folder`, their names beginning with `stem`.

    `extension` is that of its name, lower-case and without the dot.
    """

    path: bytes
    extension: str
    film: bool
    folder: bytes
    stem: str


class MakeProxy(Message):
    """Make a small film of the film `path` in `folder`; its name begins with `stem`."""

    path: bytes
    folder: bytes
    stem: str


Order = MakeThumbnails | MakeProxy


class Step(Message):
    """Progress was made; `fraction` of the whole is done (0 to 1)."""

    fraction: float


class File(Message):
    """One file that was made: `name` in the order's folder."""

    role: str
    name: str
    width: int
    height: int
    size: int


class Made(Message):
    """The order was carried out. `note`: why nothing was made, or what is wrong with it."""

    files: list[File]
    note: str = ""


class Refused(Message):
    """It cannot be made. `final`: because of what the file holds, so that trying again cannot help."""

    error: str
    final: bool


Answer = Step | Made | Refused


class RefusedError(Exception):
    """In a maker: the order cannot be carried out. `final` is as in Refused."""

    def __init__(self, error: str, *, final: bool = True) -> None:
        super().__init__(error)
        self.final = final
