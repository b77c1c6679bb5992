"""States, outcomes and verdicts, and what an import is asked for; the base of all frozen values that pass between
engine, command line and screen.

Sizes are bytes, rates bytes per second, times seconds since 1970 UTC unless a name ends in `_ns`. Text made from
file names is safe to show (`core.paths.display`).
"""

from enum import IntEnum, StrEnum

import msgspec

from core.import_choices import Acceptable, DuplicateScope, KnownFiles, Verification


class State(StrEnum):
    """The state of an import. A `running` one in a database without an engine was interrupted."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


class Side(StrEnum):
    """The side on which a fault happened."""

    SOURCE = "source"
    ARCHIVE = "archive"
    TARGET = "target"
    PROGRAM = "program"
    UNKNOWN = ""


class Waits(StrEnum):
    """The volume that a paused import waits for; the import is resumed by itself when that is back."""

    NOTHING = ""
    SOURCE = "source"
    ARCHIVE = "archive"


class Outcome(IntEnum):
    """The outcome of one directory entry."""

    TODO = 0
    ARCHIVED = 1
    DUPLICATE = 2
    SKIPPED = 3
    LITTER = 4
    FAILED = 5

    @property
    def word(self) -> str:
        """The outcome as people and JSON have it; journals and receipts keep "litter", as they always had."""
        return "junk" if self is Outcome.LITTER else self.name.lower()


IN_ARCHIVE = (Outcome.ARCHIVED, Outcome.DUPLICATE)
"""Outcomes of files whose content is in the archive."""

ENDED = (State.DONE, State.CANCELLED)
"""States of imports that have ended, and have a receipt."""


class JobState(StrEnum):
    """The state of a job: running; ready; waiting; failed for good; cancelled for lack of what it needs; done."""

    CLAIMED = "claimed"
    READY = "ready"
    WAITING = "waiting"
    DEAD = "dead"
    CANCELLED = "cancelled"
    DONE = "done"


class Verdict(StrEnum):
    """The verdict on a source."""

    OPEN = ""
    SAFE = "SAFE"
    KEEP = "KEEP"


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the frozen values here."""


class ImportOptions(Value, frozen=True, kw_only=True):
    """The options of an import, without its paths.

    copies: so many verified copies on devices of their own SAFE takes.
    together: the import is one of a group that brings one source into several archives, and this the id of the
    first one; the engine sets it.
    """

    location: str
    label: str = ""
    operator: str = ""
    note: str = ""
    verify: Verification = "readback"
    known: KnownFiles = "read"
    duplicates: DuplicateScope = "archive"
    libraries: bool = False
    icloud: bool = False
    copies: int = 1
    accept: tuple[Acceptable, ...] = ()
    together: str = ""


class ImportRequest(ImportOptions, frozen=True, kw_only=True):
    """One source into one location. In paths and in `exclude` (patterns of names) bytes that are not UTF-8 are
    escaped, as os.fsdecode does. `also`: further archives; an import begins for each."""

    source: str
    archive: str
    also: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class RestoreOptions(Value, frozen=True, kw_only=True):
    """How files are restored. by_date: in folders by capture date. portable: under names that any file system can
    hold. naming: under names by this pattern (`core.restoring.naming`); empty: their original ones. links: with
    the recorded symbolic links. dry: only planned, nothing is written."""

    by_date: bool = False
    portable: bool = False
    naming: str = ""
    links: bool = False
    dry: bool = False


class Count(Value, frozen=True, kw_only=True):
    """A number of files, and their bytes."""

    files: int = 0
    bytes: int = 0


class Unopenable(Value, frozen=True, kw_only=True):
    """Photos and films that are archived unchanged, but cannot be opened: how many, and the first names.

    `looking`: the background jobs have not opened all of them yet.
    """

    files: int = 0
    names: tuple[str, ...] = ()
    looking: bool = False
