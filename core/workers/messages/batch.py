"""Reading, copying and publishing: the messages of one batch, in their order."""

import msgspec

from core.workers.messages.message import Fault, Message, Place, Source


class ToRead(Message):
    """A file to read; `number` is the caller's, unique in its batch."""

    number: int
    path: bytes
    size: int
    kind: str


class ReadBatch(Message):
    """Read and hash files; with `keep` their bytes stay in memory for `Stage`."""

    source: Source
    files: list[ToRead]
    keep: bool


class CopyLarge(Message):
    """Read, hash and write one file to staging at the same time."""

    source: Source
    place: Place
    staging: str
    file: ToRead


class Digest(Message):
    """What was read of one file, or why it could not be."""

    number: int
    size: int = 0
    mtime_ns: int = 0
    xxh128: bytes = b""
    sha256: bytes = b""
    kind: str = ""
    fault: Fault | None = None


class Digests(Message):
    """The reply to ReadBatch and CopyLarge, in their order."""

    files: list[Digest]


class ToStage(Message):
    """What becomes of one file read: written and published as `payload`, or (empty) only journaled."""

    number: int
    payload: str
    outcome: str


class Stage(Message):
    """Write the files of the batch to staging; those not named are forgotten."""

    place: Place
    staging: str
    files: list[ToStage]


class Journal(Message):
    """Append the batch's rows to the import's journal. Callers take turns."""

    import_id: str


class Flush(Message):
    """The batch's staged files and its journal rows are on the medium."""


class Verify(Message):
    """Read the staged files back and compare (`mode` readback); read the source once more, too (source)."""

    mode: str


class Publish(Message):
    """Give every verified file its final name and flush the folders."""


class Drop(Message):
    """Forget the batch and remove what it left in staging."""


class Checked(Message):
    """The reply to Stage, Flush and Verify: the faults by number; all others are well.

    `levels` names the verification level reached by each file that was verified.
    """

    faults: list[tuple[int, Fault]]
    levels: list[tuple[int, str]] = msgspec.field(default_factory=list)


class Arrived(Message):
    """The reply to Publish. `taken` are names that hold other content, with the name to journal and use."""

    published: list[tuple[int, str]]
    taken: list[tuple[int, str]]
    faults: list[tuple[int, Fault]]
