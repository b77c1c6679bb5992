"""What a check has found so far, and how a person reads it."""

import time
from collections import Counter

from core.archives.copy_count import CopyCount
from core.archives.readonly import FoundArchive
from core.catalog import unopenable
from core.importing.keep_reasons import ALL_EXCLUDED, KEEP_REASONS, NOTHING, UNKEPT
from core.importing.sources import Picked
from core.media import left_out
from core.models import Count, Unopenable, Verdict
from core.paths import display
from core.results import CheckResult
from core.workers.source_messages import Entry

NAMED = 1000
"""The most files that a result names."""

COPIES_PREFIX = "copies "
"""Prefix of the reason of files with too few copies; the number of copies follows."""

UNREAD = {"new": "are not known by name and time; try --read"}
UNREAD_ONE = {"new": "not known by name and time; try --read"}
"""Wording for what the record alone cannot decide: the content may be in the archive under another name."""

ASKS_TO_READ = {"new", "unlike", "unsure"}
READ_IT = "Whether their content is in the archive is found out by reading it: lading check --read"

ONE = {
    "failed": "could not be archived",
    left_out.EXCLUDED: "excluded by your choice",
    left_out.LINKS: "left out",
    left_out.SPECIAL: "left out",
    left_out.LEFT_OUT: "left out",
    "new": "not in the archive",
    "changed": "changed since it was archived",
    "missing": "no longer in the archive, or damaged there",
    "refused": "may not be read in the archive",
    "unlisted": "cannot be listed",
    "unverified": "never read back from the archive",
    "unread": "cannot be read",
    UNKEPT: "has extended attributes that could not be kept",
    "unlike": "its content is not what is archived under its name and time",
    "differs": "differs from what was imported before, although size and time are the same",
}
"""The reasons of KEEP_REASONS, worded for one file."""


class Findings:
    """Counts the files that are safe and those that are not, by reason, and names the first of the latter.

    `copies` counts how many copies each file has; None: one in this archive is enough. `read`: the source's files
    are read, so that what is not known by its name may be known by its content.
    """

    def __init__(
        self, picked: Picked, archive: FoundArchive, copies: CopyCount | None = None, *, read: bool
    ) -> None:
        self._began = time.monotonic()
        self._picked = picked
        self._archive = archive
        self._copies = copies
        self._read = read
        self._safe = Count()
        self._junk = 0
        self._excluded = 0
        self._reasons: Counter[str] = Counter()
        self._kept = 0
        self._named: list[tuple[str, str]] = []
        self._broken = 0
        self._broken_names: list[str] = []

    def safe(self, entry: Entry) -> None:
        """Count a file that is archived, verified and present."""
        self._safe = Count(files=self._safe.files + 1, bytes=self._safe.bytes + entry.size)

    def keep(self, entry: Entry, reason: str, detail: str = "") -> None:
        """Count a file that stands in the way of SAFE. `reason`: a key of KEEP_REASONS, or COPIES_PREFIX and a
        number; `detail`: what is said of this file only."""
        self._reasons[reason] += 1
        self._kept += 1
        if len(self._named) < NAMED:
            worded = (ONE if self._read else ONE | UNREAD_ONE).get(reason)
            told = worded or self._worded(reason).removeprefix("are ")
            more = detail or entry.reason
            if more:
                told = more if more.startswith(told) else f"{told}: {more}"
            self._named.append((display(entry.path), display(told)))

    def keep_after_all(self, entry: Entry, reason: str, detail: str = "") -> None:
        """As `keep`, for a file that was counted as safe before."""
        self._safe = Count(files=self._safe.files - 1, bytes=self._safe.bytes - entry.size)
        self.keep(entry, reason, detail)

    def junk(self, files: int) -> None:
        """Count junk files."""
        self._junk += files

    def excluded(self, files: int) -> None:
        """Count files that were excluded, and accepted as such."""
        self._excluded += files

    def broken(self, names: list[str]) -> None:
        """Record the names of files that are archived unchanged, but cannot be opened."""
        self._broken += len(names)
        self._broken_names += names[: unopenable.NAMED - len(self._broken_names)]

    def unsure(self) -> None:
        """Count the safe files as unsure: they are safe by the catalog's record only, and another volume could
        have the same record."""
        if self._safe.files:
            self._reasons["unsure"] = self._safe.files

    def _worded(self, reason: str) -> str:
        count = reason.removeprefix(COPIES_PREFIX)
        if self._copies is not None and count != reason:
            return f"are in {self._copies.said(int(count))}"
        return KEEP_REASONS[reason] if self._read else UNREAD.get(reason, KEEP_REASONS[reason])

    def result(self) -> CheckResult:
        """The verdict, and what it rests on."""
        only = self._picked.only
        if self._excluded and not self._reasons and not self._safe.files:
            self._reasons[ALL_EXCLUDED] = self._excluded
        return CheckResult(
            source=display(self._picked.source.root + (b"/" + only if only else b"")),
            verdict=Verdict.KEEP if self._reasons else Verdict.SAFE if self._safe.files else Verdict.OPEN,
            note="" if self._reasons or self._safe.files else NOTHING,
            safe=self._safe,
            junk=self._junk,
            reasons=tuple((self._worded(why), count) for why, count in self._reasons.most_common()),
            copies=self._copies.wanted if self._copies else 1,
            unopenable=Unopenable(files=self._broken, names=tuple(self._broken_names)),
            advice="" if self._read or not self._reasons.keys() & ASKS_TO_READ else READ_IT,
            files_count=self._kept,
            files=tuple(self._named),
            read=self._read,
            copy_of=display(self._archive.copy.in_use) if self._archive.copy.number else "",
            seconds=time.monotonic() - self._began,
        )
