"""Results of requests: the values of replies, frozen like those of core.models.

Sizes are bytes, times seconds since 1970 UTC. Text made from file names is safe to show (`core.paths.display`).
"""

from typing import Literal

import msgspec

from core.models import Count, Unopenable, Value, Verdict
from core.words import counted


class AlsoInto(Value, frozen=True, kw_only=True):
    """What a dry run has found for a further archive of an import into several; as in Survey."""

    archive: str
    new: Count = Count()
    duplicate: Count = Count()
    needed: int = 0
    free: int | None = None
    one_volume: bool = False
    refused: str = ""
    away: bool = False


class Survey(Value, frozen=True, kw_only=True):
    """The result of a dry run over one source.

    duplicate: files that were archived from this volume before, by path, size and time. earliest, latest: the span
    of the times of all files (Unix time); None: there are none. reused: new files whose path an imported file had.
    pairs: RAW + JPEG. takes: films in several files. indexes:
    files about the card as a whole. cameras: by the card's folders. libraries, icloud, icloud_folders: left out
    unless asked for; the content of such a folder is not counted. needed, free: bytes in the archive; free None:
    not known. seconds: the expected duration by earlier imports; None: there are no measurements. one_volume:
    source and archive are on one volume. broken_off: why the listing is not complete; empty: it is. refused: why
    the import will not start. away: because the archive is not where it was, or cannot be opened. also: the same
    for the other archives of an import into several.
    """

    source: str
    files: Count = Count()
    new: Count = Count()
    duplicate: Count = Count()
    earliest: float | None = None
    latest: float | None = None
    reused: Count = Count()
    junk: Count = Count()
    skipped: Count = Count()
    failed: Count = Count()
    by_kind: dict[str, Count] = msgspec.field(default_factory=dict)
    pairs: int = 0
    takes: int = 0
    indexes: int = 0
    cameras: str = ""
    libraries: int = 0
    icloud: int = 0
    icloud_folders: int = 0
    warnings: tuple[str, ...] = ()
    needed: int = 0
    free: int | None = None
    seconds: float | None = None
    one_volume: bool = False
    broken_off: str = ""
    refused: str = ""
    away: bool = False
    also: tuple[AlsoInto, ...] = ()


class CardView(Value, frozen=True, kw_only=True):
    """A card, drive or folder, by its newest import into one archive.

    identity: the volume's. verdict: OPEN where that import has not ended, or nothing was found. imports: how many
    there were of it into that archive. damaged: how many of its files are known to be damaged in the archive, or
    gone from it, since. location_folder: as in ImportRecord. below: the source's path on its volume; empty: all of
    the volume.
    """

    identity: str
    label: str
    source: str
    archive: str
    location: str
    location_folder: str = ""
    import_id: str
    state: str
    verdict: Verdict
    reason: str
    started: float
    ended: float | None
    imports: int
    damaged: int = 0
    below: str = ""


class ArchivePlace(Value, frozen=True, kw_only=True):
    """Where a copy of an archive was last seen: at `path`, which is `root` on the volume of this identity (both
    empty where that could not be identified). in_use: imports go to it."""

    path: bytes
    volume: str
    root: bytes
    in_use: bool


class InUse(Value, frozen=True, kw_only=True):
    """What must not be ejected: the sources that unfinished imports read, or will read again; the archives of
    these imports, and those that the engine has open. An import that can copy everything from another archive
    needs its source no longer.
    """

    sources: tuple[str, ...] = ()
    archives: tuple[str, ...] = ()


class AuditScope(Value, frozen=True, kw_only=True):
    """What an audit reads: only what was not read back for `older_than` seconds; of that a random `sample`, in
    percent; or only what is known to be damaged, to be healed from the sources `heal`, and with `copies` from
    other copies of the archive; or only `contents`, by their XXH3-128 in hexadecimal digits."""

    older_than: float | None = None
    sample: float | None = None
    heal: tuple[str, ...] = ()
    copies: bool = False
    contents: tuple[str, ...] = ()

    @property
    def heals(self) -> bool:
        """Whether damaged files are to be healed."""
        return self.copies or bool(self.heal)

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self.older_than is None and self.sample is None and not self.heals and not self.contents


class Correction(Value, frozen=True, kw_only=True):
    """A person's correction of capture dates (`core.media.adjusting` parses it). `what`: as text, `shift +1h`.

    kind: "shift", by `seconds`; "clock": the camera's clock was behind by so many seconds, or was not set; "zone":
    that of the place, by its name or offset.
    """

    kind: Literal["shift", "clock", "zone"]
    what: str
    seconds: float = 0.0
    zone: str = ""


class Adjusted(Value, frozen=True, kw_only=True):
    """The result of correcting capture dates. `what`: the correction; or, when one was reverted, that one.

    count: contents whose date changed, or would with `dry`. left: (why, how many) of those that did not change.
    shown: (original path, date before, date now), the first of them.
    """

    what: str
    undone: bool = False
    dry: bool = False
    count: int = 0
    left: tuple[tuple[str, int], ...] = ()
    shown: tuple[tuple[str, str, str], ...] = ()


class AuditResult(Value, frozen=True, kw_only=True):
    """The result of an audit. `damaged` are (path, why), the first thousand of them.

    not_read: (path, why) of files that could not be opened, which says nothing about their content; likewise.
    junk: how many junk files of operating systems are in its bags. oldest, oldest_read: the file that was read
    back longest ago, and when; None: never. unread: how many were never read back. healed: (path, the source's
    file that it was healed from). copy_of: the path of the copy in use, when this was another copy of the archive.
    """

    checked: Count = Count()
    well: Count = Count()
    level: str = ""
    damaged_count: int = 0
    damaged: tuple[tuple[str, str], ...] = ()
    not_read_count: int = 0
    not_read: tuple[tuple[str, str], ...] = ()
    junk: int = 0
    seconds: float = 0.0
    complete: bool = True
    oldest: str = ""
    oldest_read: float | None = None
    unread: int = 0
    healed: tuple[tuple[str, str], ...] = ()
    copy_of: str = ""


class MirrorResult(Value, frozen=True, kw_only=True):
    """The result of a mirror. brought: payload files that the copy got; others: journals, receipts, tag files,
    thumbnails and proxies. held: items of the archive that are verified there; total: all items.

    lacking: (path, why) of what it does not have, the first thousand. open_bags: locations whose bag could not be
    brought up to date, and why.
    """

    source: str
    target: str
    brought: Count = Count()
    others: int = 0
    held: Count = Count()
    total: Count = Count()
    lacking_count: int = 0
    lacking: tuple[tuple[str, str], ...] = ()
    open_bags: tuple[str, ...] = ()
    seconds: float = 0.0


class RestoreResult(Value, frozen=True, kw_only=True):
    """The result of a restore. `there`: files that existed at the destination already, with the same content.

    renamed: (original, path), where another file had the name; both were kept. encoded: (original, path) with
    portable names. failed: (path, why), of files, and of so many failed_folders, whose paths end with /, and
    failed_links, that failed_count holds, too. absent: (path, why it was never archived), such as symbolic links.
    The first thousand of each. links: symbolic links made. folders: those below the destination that hold the
    cards, when there are several. copy: the copy of the archive that was read, when it was not the one in use.
    dry: nothing was written, and planned is (original, path). unread: files that were placed or named without
    their date of capture, because their metadata is not read yet.
    """

    restored: Count = Count()
    there: Count = Count()
    renamed_count: int = 0
    renamed: tuple[tuple[str, str], ...] = ()
    encoded_count: int = 0
    encoded: tuple[tuple[str, str], ...] = ()
    failed_count: int = 0
    failed: tuple[tuple[str, str], ...] = ()
    failed_folders: int = 0
    failed_links: int = 0
    links: int = 0
    absent_count: int = 0
    absent: tuple[tuple[str, str], ...] = ()
    folders: tuple[str, ...] = ()
    unread: int = 0
    dry: bool = False
    planned_count: int = 0
    planned: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    copy: str = ""


class CheckResult(Value, frozen=True, kw_only=True):
    """The result of a check whether every file of a source is archived, verified and still present. reasons: (why,
    files), most first; files: (path, why) of single files that prevent SAFE, the first thousand. `read`: contents
    were compared. unopenable: archived, but damaged before that. advice: what to do for a better result. Where
    nothing was found there is no verdict, and `note` says so. copy_of: the path of the copy in use, when the check
    used another copy of the archive."""

    source: str
    verdict: Verdict
    note: str = ""
    safe: Count = Count()
    junk: int = 0
    reasons: tuple[tuple[str, int], ...] = ()
    files_count: int = 0
    files: tuple[tuple[str, str], ...] = ()
    unopenable: Unopenable = Unopenable()
    advice: str = ""
    read: bool = False
    seconds: float = 0.0
    copy_of: str = ""
    copies: int = 1


class Rebuilt(Value, frozen=True, kw_only=True):
    """The catalog's content about an archive after a rebuild.

    `unrecorded` are the first thousand payload files that no journal has; they are items now. `problems` are
    records that could not be used. `jobs`: how many jobs were added to make or find results again. instead_of: the
    path of the copy that was in use before; empty when it was this one. id: archive.toml was lost, and has been
    written again with this id. remote: the name of the remote that it was rebuilt from.
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
    instead_of: str = ""
    id: str = ""
    remote: str = ""


class Moved(Value, frozen=True, kw_only=True):
    """The result of moving an import: `files` were moved to the location, `copied` were copied there because the
    old location needs them, too, `kept` stayed for that reason. `bytes` of both. `problems` could not be moved."""

    id: str
    location: str
    files: int = 0
    copied: int = 0
    kept: int = 0
    bytes: int = 0
    problems: tuple[str, ...] = ()


class Tidied(Value, frozen=True, kw_only=True):
    """The result of removing junk from an archive's bags: `removed` are (path, what it is), `kept` (path, why);
    the first thousand of each, a folder counts as one. `files`: how many files were removed, including those in
    folders.

    removed: with `dry`, what would have been removed.
    """

    dry: bool = False
    files: int = 0
    removed_count: int = 0
    removed: tuple[tuple[str, str], ...] = ()
    kept_count: int = 0
    kept: tuple[tuple[str, str], ...] = ()


class Exported(Value, frozen=True, kw_only=True):
    """The hash list that was written as `path` (empty: it was sent): how many files it has, and how many it cannot
    have."""

    path: str
    files: int
    left_out: int


def junk_sentence(count: int, where: str = "it") -> str:
    """A sentence for a person about `count` junk files in a bag (`where`: "it", or its name); empty when there are
    none. It does not promise to remove all of them, because a recycle bin can hold somebody's files."""
    files = counted(count, "junk file or folder lies", "junk files or folders lie")
    told = f"{files} in {where}: `lading tidy` removes what certainly is junk, and names what is left to you"
    return told if count else ""


class OffsiteResult(Value, frozen=True, kw_only=True):
    """What became of a mirror to a remote, or back from it.

    total: files that the bags name. brought: those that this run has brought and compared; `compared` says how.
    lacking: (path, why) of what is not there, or not as it should be. not_arrived: in words, how many of these
    were to be brought and did not arrive, and why one of them did not. receipt: where at the remote what was
    verified is listed.
    """

    archive: str
    remote: str
    total: int
    brought: int
    brought_bytes: int
    compared: str
    lacking_count: int
    lacking: tuple[tuple[str, str], ...]
    not_arrived: str = ""
    receipt: str = ""
    seconds: float = 0.0


class OffsiteAudit(Value, frozen=True, kw_only=True):
    """What reading all files at a remote again found; damaged: (path, why)."""

    remote: str
    locations: int
    checked: int
    well: int
    damaged_count: int
    damaged: tuple[tuple[str, str], ...]
    seconds: float = 0.0
