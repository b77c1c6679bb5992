"""Requests to a worker about one batch of files that is being archived, in the order in which they are sent."""

import msgspec

from core.workers.messages import Fault, Message, Place, Reply, Request, Source
from core.workers.source_messages import ToRead


class CopyLarge(Request):
    """Read, hash and write one file to staging at the same time. `with_metadata` as in `ReadBatch`."""

    source: Source
    place: Place
    staging: str
    file: ToRead
    with_metadata: bool = False


class ToStage(Message):
    """What to do with one file that was read: write and publish it as `payload`, or (empty) only journal it.

    `before`: (XXH3-128, SHA-256, start) of an earlier import that read other content under the same size and time.
    """

    number: int
    payload: str
    outcome: str
    before: tuple[str, str, float] | None = None


class StageBatch(Request):
    """Write the files of the batch to staging; those not named leave the batch."""

    place: Place
    staging: str
    files: list[ToStage]


class Journal(Request):
    """Append the batch's rows to the import's journal. Callers must take turns."""

    import_id: str


class Flush(Request):
    """Flush the batch's staged files and its journal rows to the medium."""


class Verify(Request):
    """Read the staged files back and compare; `mode` source: read the source again, too; none: compare nothing."""

    mode: str


class Publish(Request):
    """Give every verified file its final name and flush the folders."""


class Drop(Request):
    """Drop the batch and remove its files from staging."""


class Checked(Reply):
    """The reply to StageBatch, Flush and Verify: the faults by file number; all other files are well.

    `levels`: the verification level reached, by the number of each file that was verified.
    """

    faults: list[tuple[int, Fault]]
    levels: list[tuple[int, str]] = msgspec.field(default_factory=list)


class Published(Reply):
    """The reply to Publish. `taken`: the numbers of files whose names hold other content, with the names to
    journal and use instead."""

    published: list[tuple[int, str]]
    taken: list[tuple[int, str]]
    faults: list[tuple[int, Fault]]
