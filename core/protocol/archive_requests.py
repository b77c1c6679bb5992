"""Requests about archives, and the items and locations in them. `archive` is the path of an archive."""

import os
from typing import Annotated

import msgspec

from core.details import Changes, ItemView, LocationView
from core.models import RestoreOptions
from core.protocol.message import Name
from core.protocol.requests import Change, FromArchive, Page, Request
from core.results import (
    Adjusted,
    ArchivePlace,
    AuditResult,
    AuditScope,
    CheckResult,
    Correction,
    MirrorResult,
    OffsiteResult,
    Rebuilt,
    RestoreResult,
    Tidied,
)


class Audit(Request[AuditResult], frozen=True, kw_only=True):
    """Read an archive again; the fields are those of AuditScope. Sends Progress."""

    archive: bytes
    older_than: Annotated[float, msgspec.Meta(ge=0)] | None = None
    sample: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    heal: tuple[bytes, ...] = ()
    copies: bool = False
    contents: tuple[Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")], ...] = ()

    @classmethod
    def of(cls, archive: str, scope: AuditScope) -> "Audit":
        """Make the message."""
        return cls(
            archive=os.fsencode(archive),
            older_than=scope.older_than,
            sample=scope.sample,
            heal=tuple(map(os.fsencode, scope.heal)),
            copies=scope.copies,
            contents=scope.contents,
        )

    def scope(self) -> AuditScope:
        """The scope in the message."""
        return AuditScope(
            older_than=self.older_than,
            sample=self.sample,
            heal=tuple(map(os.fsdecode, self.heal)),
            copies=self.copies,
            contents=self.contents,
        )


class Check(Request[CheckResult], frozen=True, kw_only=True):
    """Check whether every file of a source is archived, verified and still present, in `copies` copies on separate
    devices; with `read` by content. Sends Progress."""

    source: bytes
    archive: bytes
    read: bool = False
    copies: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1


class Missing(Request[CheckResult], frozen=True, kw_only=True):
    """Find the files of a source that are not in the archive, by content. Sends Progress, and Parts: per file one
    line with its percent-encoded path, a tab and why it could not be read."""

    source: bytes
    archive: bytes


class Restore(Request[RestoreResult], frozen=True, kw_only=True):
    """Restore the original tree of an import, a card or a location or, with `find`, the files that match these
    words, below the folder `target`. `archive`: the copy of its archive to read from, if given. `environ`: as in
    StartMirror. The others are as in RestoreOptions. Sends Progress."""

    name: Name
    target: bytes
    by_date: bool = False
    portable: bool = False
    archive: bytes = b""
    naming: str = ""
    dry: bool = False
    find: bool = False
    links: bool = False
    environ: dict[str, str] | None = None

    def options(self) -> RestoreOptions:
        """How the files are restored."""
        return RestoreOptions(
            by_date=self.by_date,
            portable=self.portable,
            naming=self.naming,
            links=self.links,
            dry=self.dry,
        )


class StartMirror(Change[str], frozen=True, kw_only=True):
    """Start or resume a mirror, which brings the copy of an archive at `target` everything that the one at
    `source` has. The reply is its id, with which it is paused, resumed, cancelled and waited for like an import.
    `both`: in the other direction, too. One of the two may be a remote, rclone:NAME:PATH; rclone runs in the
    environment `environ` then, if it is given, else in the engine's."""

    source: bytes
    target: bytes
    both: bool = False
    environ: dict[str, str] | None = None


class MirrorResults(Request[list[MirrorResult]], frozen=True, kw_only=True):
    """The results of a mirror, in each direction."""

    id: Name


class GetOffsiteResult(Request[OffsiteResult], frozen=True, kw_only=True):
    """The result of a mirror from or to a remote."""

    id: Name


class Tidy(Request[Tidied], frozen=True, kw_only=True):
    """Remove junk files of operating systems from an archive's bags; with `dry` only report them."""

    archive: bytes
    dry: bool = False


class Rebuild(Request[Rebuilt], frozen=True, kw_only=True):
    """Rebuild the catalog from everything that an archive itself holds. `archive` may be a remote; `environ` as in
    StartMirror. Sends Progress."""

    archive: bytes
    environ: dict[str, str] | None = None


class AdjustDates(Change[Adjusted], frozen=True, kw_only=True):
    """`by` corrects the capture dates of what `text` means, an import, a card or a search; without a correction
    the last one is reverted. `dry`: only report what would change."""

    text: Annotated[str, msgspec.Meta(max_length=10_000)]
    correction: Correction | None = None
    by: Name = ""
    dry: bool = False


class AddMissingJobs(Change[int], frozen=True, kw_only=True):
    """Add jobs for all results that an archive lacks. The reply is how many."""

    archive: bytes


class GetSheet(FromArchive[None], frozen=True, kw_only=True):
    """The contact sheet of what `what` means, as HTML, in Parts: a location, an import, a card, or words as for
    `ListFiles`; `embed`: with all thumbnails and proxies in it."""

    what: Annotated[str, msgspec.Meta(max_length=10_000)]
    embed: bool = False


class GetThumbnail(FromArchive[bytes], frozen=True, kw_only=True):
    """The smallest thumbnail of the item with this SHA-256 (hexadecimal digits), a JPEG file; empty where there is
    none, or none yet."""

    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class GetFilmStrip(FromArchive[bytes], frozen=True, kw_only=True):
    """Six frames of the film with this SHA-256 (hexadecimal digits), one JPEG file; empty where there are none."""

    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class CopyToView(Request[str], frozen=True, kw_only=True):
    """Copy the content with this SHA-256 (hexadecimal digits) for a viewer, read-only, as a file called `name`; a
    film that is too large is its proxy then. The reply is the copy's path, in the state folder."""

    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    name: Annotated[str, msgspec.Meta(max_length=10_000)]


class ShowItems(Request[list[ItemView]], frozen=True, kw_only=True):
    """The items that `wanted` means, the first of them where there are many: a digest or its beginning, a name, or
    the path (absolute, `path`) where a file is or was. `raw`: a single item with the raw answers of exiftool and
    ffprobe."""

    wanted: Annotated[str, msgspec.Meta(max_length=10_000)]
    path: bytes = b""
    raw: bool = False


class ListArchives(Request[list[ArchivePlace]], frozen=True, kw_only=True):
    """Where archives and their copies were last seen, those in use first."""


class ListLocations(Page[list[LocationView]], frozen=True, kw_only=True):
    """The locations of an archive, ordered by name."""

    archive: bytes


class DescribeLocation(Change[LocationView], frozen=True, kw_only=True):
    """Change the description of the location with this folder or name: None leaves a value, an empty text or an
    empty `position` (latitude and longitude in degrees) removes it."""

    archive: bytes
    location: Name
    name: str | None = None
    description: str | None = None
    access_note: str | None = None
    external_identifier: str | None = None
    position: tuple[float, ...] | None = None

    @classmethod
    def of(cls, archive: str, location: str, changes: Changes) -> "DescribeLocation":
        """Make the message."""
        return cls(archive=os.fsencode(archive), location=location, **msgspec.structs.asdict(changes))

    def changes(self) -> Changes:
        """The changes in the message."""
        return Changes(**{name: getattr(self, name) for name in Changes.__struct_fields__})
