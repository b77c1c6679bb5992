"""Rows and pages of lists: imports, files, failures. Frozen values without behaviour.

Sizes are bytes, times seconds since 1970 UTC. Text made from file names is safe to show (`core.paths.display`).
"""

import msgspec

from core.models import Outcome, Unopenable, Value, Verdict


class FileView(Value, frozen=True, kw_only=True):
    """One file of an import as a list shows it; `id` is for requesting its details.

    `path` is below the source's root, `payload` below the archive's root; that and the digests, in hexadecimal
    digits, are empty where nothing was archived. captured: `2024-05-06T07:08:09.25`, local time at the place; UTC
    when it ends in Z; or a day, month or year alone. sequence: for the first frame of a film kept as numbered
    pictures, which stands for all of them: `frames 0–86,399, 3 missing: 1,204–1,206`. damage: what was wrong with
    the archived file when it was last read. imports: how many had this content. location_folder: as in
    ImportRecord.
    """

    id: int
    import_id: str
    path: str
    size: int
    mtime: float
    kind: str
    outcome: Outcome
    reason: str = ""
    payload: str = ""
    level: str = ""
    captured: str = ""
    camera: str = ""
    label: str = ""
    location: str = ""
    location_folder: str = ""
    archive: str = ""
    xxh128: str = ""
    sha256: str = ""
    sequence: str = ""
    copies: tuple[str, ...] = ()
    damage: str = ""
    imports: int = 0


class FilePage(Value, frozen=True, kw_only=True):
    """A page of files, and how many there are in all; with `more`, at least so many."""

    total: int
    more: bool = False
    files: tuple[FileView, ...]


class Failure(Value, frozen=True, kw_only=True):
    """One file that could not be archived. `path` is absolute; attempts 0: it could not even be listed. `cause` is
    the same for all files of its group, `detail` is about this file only."""

    id: int
    path: str
    size: int
    stage: str
    attempts: int
    cause: str
    detail: str = ""


class FailureGroup(Value, frozen=True, kw_only=True):
    """Files of one import that failed with one cause: a stage at which one of them failed, the most attempts for
    one of them, the newest of them."""

    cause: str
    count: int
    stage: str
    attempts: int
    advice: str
    newest: str


class ImportRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One import as the catalog has it; the counts are files. `row` is for paging.

    proven: archived files by the verification level that they reached; only for an import requested by its name.
    copies: (path of another copy of the archive, contents of this import that are verified there, when the copy
    was last seen: ISO 8601).
    damaged: files of it that are known now to be damaged or gone in the archive, which the verdict of then does
    not say.
    together: as in `ImportOptions`. location_folder: the name of the location's folder in the archive, which never
    changes as `location` may.

    state: a `core.models.State`, or "interrupted" for one that does not run and was not paused.
    """

    row: int
    id: str
    started: float
    ended: float | None = None
    source: str
    label: str = ""
    archive: str
    location: str
    location_folder: str = ""
    state: str
    reason: str = ""
    advice: str = ""
    seen: int = 0
    archived: int = 0
    duplicate: int = 0
    skipped: int = 0
    junk: int = 0
    failed: int = 0
    todo: int = 0
    verdict: Verdict = Verdict.OPEN
    verdict_reason: str = ""
    unopenable: Unopenable = Unopenable()
    damaged: int = 0
    proven: tuple[tuple[str, int], ...] = ()
    copies: tuple[tuple[str, int, str], ...] = ()
    together: str = ""


PAGE = 200
"""The most imports or jobs on one page."""
