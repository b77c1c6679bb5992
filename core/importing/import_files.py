"""One file on its way through an import: what is to be done, and the result."""

import msgspec

from core.catalog import FailureRow, Item
from core.catalog.differing import Before
from core.catalog.files import ATTRIBUTES_UNKEPT
from core.checksums.algorithms import ALWAYS
from core.models import Outcome
from core.workers.source_messages import Digest, SourceMetadata, Taken


class Todo(msgspec.Struct):
    """A file to be imported. `path` is below the source's root; `item_id`: the item that an earlier import made of
    the same path, size and time; None: it is imported like a new file.

    `before`: what that import read, where the content differs although size and time are the same. `taken`: what
    another import of the group has read of it; the content comes from the archive of that one, where it is the
    item `taken_item`. `listed`: the
    algorithms by which checksum lists on the source name it.
    """

    id: int
    path: bytes
    size: int
    kind: str
    item_id: int | None = None
    before: Before | None = None
    taken: Taken | None = None
    taken_item: int | None = None
    listed: frozenset[str] = frozenset()

    @property
    def also(self) -> tuple[str, ...]:
        """The algorithms that are computed of it alone."""
        return tuple(sorted(self.listed.difference(ALWAYS)))

    @property
    def known(self) -> bool:
        """Whether it was previously imported, by path, size and time."""
        return self.item_id is not None


class Settled(msgspec.Struct):
    """The result for a file. `mtime_ns` None: the time is as it was listed. `sort`: as in core.media.left_out.
    `facts`: its metadata on the source, if it was read by an import of a group. `checksums`: those that checksum
    lists name, as they were read."""

    todo: Todo
    outcome: Outcome
    item_id: int | None
    reason: str | None
    size: int
    mtime_ns: int | None
    kind: str
    failure: FailureRow | None = None
    unkept: bool = False
    sort: str = ""
    facts: SourceMetadata | None = None
    checksums: dict[str, bytes] = msgspec.field(default_factory=dict)

    @classmethod
    def of(cls, todo: Todo, digest: Digest, outcome: Outcome, item: Item) -> "Settled":
        """The result for a file that was read, and whose content is in the archive as `item`."""
        reason = f"{ATTRIBUTES_UNKEPT}: {digest.unkept}" if digest.unkept else None
        facts = digest.size, digest.mtime_ns, digest.kind
        read = {"xxh128": digest.xxh128, "sha256": digest.sha256, **digest.others}
        checksums = {name: read[name] for name in todo.listed if name in read}
        unkept = bool(digest.unkept)
        return cls(todo, outcome, item.id, reason, *facts, unkept=unkept, facts=digest.facts, checksums=checksums)
