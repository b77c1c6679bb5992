"""Requests about imports and the files in them. `id` is the id of an import, `name` an id or its beginning.

Those that pause, resume, cancel and wait accept the id of a mirror, too.
"""

import os
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from core.import_choices import Acceptable
from core.listings import Failure, FailureGroup, FilePage, ImportRecord
from core.models import ImportOptions, ImportRequest, Outcome
from core.protocol.message import Name, Number
from core.protocol.requests import Change, FromArchive, Page, Request
from core.results import CardView, Exported, InUse, Moved, Survey

SOURCES = 200
"""The most imports that one request starts: as many as a snapshot shows."""

Cause = Annotated[str, msgspec.Meta(max_length=10_000)]
Row = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class SourceToImport(ImportOptions, frozen=True, kw_only=True):
    """An `ImportRequest` as a message: its paths are bytes."""

    source: bytes
    archive: bytes
    also: tuple[bytes, ...] = ()
    exclude: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, request: ImportRequest) -> "SourceToImport":
        """Make the message."""
        values = msgspec.structs.asdict(request)
        for name in ("source", "archive"):
            values[name] = os.fsencode(values[name])
        for name in ("also", "exclude"):
            values[name] = tuple(map(os.fsencode, values[name]))
        return cls(**values)

    def request(self) -> ImportRequest:
        """The request in the message."""
        values = msgspec.structs.asdict(self)
        for name in ("source", "archive"):
            values[name] = os.fsdecode(values[name])
        for name in ("also", "exclude"):
            values[name] = tuple(map(os.fsdecode, values[name]))
        return ImportRequest(**values)


SourcesToImport = Annotated[tuple[SourceToImport, ...], msgspec.Meta(max_length=SOURCES)]


def sources(requests: Iterable[ImportRequest]) -> tuple[SourceToImport, ...]:
    """The messages for these requests."""
    return tuple(map(SourceToImport.of, requests))


class StartImports(Change[list[str]], frozen=True, kw_only=True):
    """Start imports. The reply is their ids, fewer than sources when one source is inside another."""

    sources: SourcesToImport


class WatchCards(Request[None], frozen=True, kw_only=True):
    """Look for cards that are put in, until the call is ended; snapshots have them."""


class HoldCards(Change[int], frozen=True, kw_only=True):
    """Stop the countdowns of all imports that are about to begin by themselves. The reply is how many."""


class DryRun(Request[list[Survey]], frozen=True, kw_only=True):
    """What importing these would do: one survey for each source that does not lie in another."""

    sources: SourcesToImport


class ResumeImport(Change[None], frozen=True, kw_only=True):
    """Resume a paused or interrupted import, which from now on accepts this, too."""

    id: Name
    accept: tuple[Acceptable, ...] = ()


class RetryImport(Change[int], frozen=True, kw_only=True):
    """Retry failed files of an import: these, else those with this cause, else all. The reply is how many failed
    in this way."""

    id: Name
    cause: Cause = ""
    files: Annotated[tuple[Number, ...], msgspec.Meta(max_length=1000)] = ()


class PauseImport(Change[None], frozen=True, kw_only=True):
    """Stop reading and writing until `ResumeImport`."""

    id: Name
    reason: Name = "by the user"


class CancelImport(Change[None], frozen=True, kw_only=True):
    """Cancel an import."""

    id: Name


class WaitForImports(Request[None], frozen=True, kw_only=True):
    """Wait until these imports have ended, or cannot continue."""

    ids: tuple[Name, ...]


class WaitForJobs(Request[None], frozen=True, kw_only=True):
    """Wait until these imports and all their jobs have ended, except for those that wait for a person."""

    ids: tuple[Name, ...]


class DistinctSources(Request[list[bytes]], frozen=True, kw_only=True):
    """The sources, in this order, without those that equal another one or are inside one."""

    sources: tuple[bytes, ...]


class ListImports(Request[list[ImportRecord]], frozen=True, kw_only=True):
    """The imports before the one in row `before` (0: from the newest on), newest first, at most `PAGE`.
    `unfinished`: only those that are neither done nor cancelled."""

    before: int = 0
    unfinished: bool = False


class FindImport(Request[ImportRecord], frozen=True, kw_only=True):
    """The import whose id is `name` or begins with it."""

    name: Name


class ListFiles(Page[FilePage], frozen=True, kw_only=True):
    """Files of the import `name`, or of all, from row `offset` on; only with these outcomes, and only those that
    match `text` (see `core.catalog.search`)."""

    name: Name = ""
    outcomes: tuple[Outcome, ...] = ()
    text: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    offset: Row = 0


class FileDetails(Request[list[tuple[str, str]]], frozen=True, kw_only=True):
    """Everything known of the file with this number: (name, value), as they are shown."""

    file: Number


class FailureCauses(Request[list[FailureGroup]], frozen=True, kw_only=True):
    """The causes of failed files of an import, the most frequent first."""

    name: Name


class FailedFiles(Request[list[Failure]], frozen=True, kw_only=True):
    """Files of an import that failed with this cause, from row `offset` on."""

    name: Name
    cause: Cause
    offset: Row = 0


class FilePosition(Request[int], frozen=True, kw_only=True):
    """The row of the file with this number in the list of all files of its import."""

    file: Number


class RecogniseFiles(Request[list[bool]], frozen=True, kw_only=True):
    """Of files below a source, by (path, size, time in nanoseconds): whether each was archived before, by the
    catalog alone."""

    source: bytes
    archive: bytes
    files: Annotated[tuple[tuple[bytes, int, int], ...], msgspec.Meta(max_length=2000)]


class ListCards(Request[list[CardView]], frozen=True, kw_only=True):
    """The newest import of each source into each archive, newest first."""


class ListInUse(Request[InUse], frozen=True, kw_only=True):
    """The sources and archives that are in use, and so must not be ejected."""


class DismissImport(Change[None], frozen=True, kw_only=True):
    """Show an import that has ended in no snapshot any more."""

    id: Name


class GetReceipt(Page[None], frozen=True, kw_only=True):
    """The receipt of an import, in Parts."""

    name: Name
    form: Literal["text", "json", "csv", "tsv"] = "text"


class GetReport(FromArchive[None], frozen=True, kw_only=True):
    """The report of an import as HTML, in Parts; `embed`: with all thumbnails and proxies in it."""

    name: Name
    embed: bool = False


class HashList(FromArchive[Exported], frozen=True, kw_only=True):
    """The ASC MHL manifest of an import, in Parts; or, with `folder`, a generation of the history there.
    `classic`: MHL 1.1 instead."""

    name: Name
    folder: bytes = b""
    classic: bool = False


class AcceptImport(Change[list[str]], frozen=True, kw_only=True):
    """`by` accepts what differs from an earlier import, in this import and in earlier ones of its volume. The
    reply is the ids of those whose verdict has changed."""

    name: Name
    by: Name


class MoveImport(Change[Moved], frozen=True, kw_only=True):
    """Move an import that has ended to another location."""

    name: Name
    location: Name
