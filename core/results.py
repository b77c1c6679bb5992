"""What came of what a person asked for beside imports: values like those of core.models."""

import msgspec

from core.models import Count, Value, Verdict


class Survey(Value, frozen=True, kw_only=True):
    """What importing one source would do.

    reused: new ones whose path another file had, which was imported. pairs: RAW + JPEG. takes: films in several
    files. indexes: files about the card as a whole. cameras: as its folders tell them. libraries, icloud: left
    out until they are asked for. needed, free: bytes in the archive; free None: not known. seconds: how long it
    would take by earlier imports; None: nothing was measured.
    """

    source: str
    files: Count = Count()
    new: Count = Count()
    known: Count = Count()
    reused: Count = Count()
    litter: Count = Count()
    skipped: Count = Count()
    failed: Count = Count()
    by_kind: dict[str, Count] = msgspec.field(default_factory=dict)
    pairs: int = 0
    takes: int = 0
    indexes: int = 0
    cameras: str = ""
    libraries: int = 0
    icloud: int = 0
    warnings: tuple[str, ...] = ()
    needed: int = 0
    free: int | None = None
    seconds: float | None = None


class AuditScope(Value, frozen=True, kw_only=True):
    """What an audit reads: only what was not read back for `older_than` seconds; of that a random `sample`, in
    percent; or only what is known to be damaged, to be healed from the sources `heal`."""

    older_than: float | None = None
    sample: float | None = None
    heal: tuple[str, ...] = ()

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self.older_than is None and self.sample is None and not self.heal


class AuditResult(Value, frozen=True, kw_only=True):
    """What reading an archive again has found. `damaged` are (path, why), the first thousand of them.

    oldest, oldest_read: the file that was read back longest ago, and when; None: never. unread: how many never
    were. healed: (path, the source's file that it was healed from).
    """

    checked: Count = Count()
    well: Count = Count()
    level: str = ""
    damaged_count: int = 0
    damaged: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    complete: bool = True
    oldest: str = ""
    oldest_read: float | None = None
    unread: int = 0
    healed: tuple[tuple[str, str], ...] = ()


class RestoreResult(Value, frozen=True, kw_only=True):
    """What became of a restore. `there` lay at the destination already, with the same content.

    renamed: (original, path), where something else had the name; both were kept. failed: (path, why). absent:
    (path, why it was never archived), such as symbolic links. The first thousand of each. folders: those below the
    destination that the cards lie in, when there are several.
    """

    restored: Count = Count()
    there: Count = Count()
    renamed_count: int = 0
    renamed: tuple[tuple[str, str], ...] = ()
    failed_count: int = 0
    failed: tuple[tuple[str, str], ...] = ()
    absent_count: int = 0
    absent: tuple[tuple[str, str], ...] = ()
    folders: tuple[str, ...] = ()
    seconds: float = 0.0


class CheckResult(Value, frozen=True, kw_only=True):
    """Whether every file of a source is archived, verified and still there. reasons: (why, files), most first;
    files: (path, why) of those that stand in the way, the first thousand. `read`: their content was compared."""

    source: str
    verdict: Verdict
    safe: Count = Count()
    litter: int = 0
    reasons: tuple[tuple[str, int], ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    read: bool = False
    seconds: float = 0.0


class Rebuilt(Value, frozen=True, kw_only=True):
    """What the catalog knows of an archive after it was rebuilt.

    `unrecorded` are the first thousand payload files that no import told of; they are items now. `problems` are
    records that were of no use. `jobs`: how much is to be made or found again in the background.
    """

    locations: int = 0
    imports: int = 0
    unfinished: int = 0
    items: int = 0
    bytes: int = 0
    damaged: int = 0
    unrecorded_count: int = 0
    unrecorded: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    jobs: int = 0


class Moved(Value, frozen=True, kw_only=True):
    """What became of an import's payload: so many `files` went to the location, `copied` were copied there because
    the old one needs them, too, `kept` stayed for that reason. `bytes` of both. `problems` could not go."""

    id: str
    location: str
    files: int = 0
    copied: int = 0
    kept: int = 0
    bytes: int = 0
    problems: tuple[str, ...] = ()
