"""What a person has chosen for a new import: sources, what is left out of them, where it goes and how."""

import os
from typing import Literal

import msgspec

from core.models import ImportRequest
from core.results import Survey
from core.volumes.filesystems import Kind
from core.volumes.volume import Volume

Verify = Literal["readback", "source", "none"]
Known = Literal["read", "record"]

VERIFY: dict[Verify, str] = {
    "readback": "read every copy back and compare",
    "source": "read copies back, and the card a second time",
    "none": "do not read back: faster, and never SAFE",
}
KNOWN: dict[Known, str] = {
    "read": "read them again and compare",
    "record": "believe the record: faster",
}
LIBRARIES = {False: "photo libraries stay out", True: "photo libraries, too, file by file"}
ICLOUD = {False: "what is only in iCloud stays out", True: "what is only in iCloud is fetched"}


class Source(msgspec.Struct, kw_only=True):
    """A row of the list of sources. `typed`: a path that a person gave; else a volume."""

    path: str
    name: str
    typed: bool = False
    volume: Volume | None = None
    picked: bool = False
    out: set[bytes] = msgspec.field(default_factory=set)
    """Paths below it that are left out, while it is picked."""
    only: set[bytes] = msgspec.field(default_factory=set)
    """Paths below it that are picked, while it is not."""
    label: str = ""
    note: str = ""
    glance: Survey | None = None
    """What is new and known on all of it, once that was counted."""
    compared: str = ""
    """The archive for which that was counted, or tried."""

    @property
    def chosen(self) -> bool:
        """Whether anything of it is to be imported."""
        return self.picked or bool(self.only)

    def toggle(self) -> None:
        """Pick it, or nothing of it."""
        self.picked = not self.chosen
        self.out.clear()
        self.only.clear()

    def has(self, below: bytes) -> bool:
        """Whether a path below it is to be imported."""
        parts = [below[:at] for at, byte in enumerate(below) if byte == ord("/")] + [below]
        return not any(part in self.out for part in parts) if self.picked else any(p in self.only for p in parts)

    def toggle_below(self, below: bytes) -> str:
        """Pick a path below it, or leave it out; or say why not."""
        chosen = self.out if self.picked else self.only
        above = [below[:at] for at, byte in enumerate(below) if byte == ord("/")]
        if any(one in chosen for one in above):
            return "The folder above is " + ("left out." if self.picked else "picked: leave that out first.")
        if below in chosen:
            chosen.discard(below)
        else:
            # What lies below it is now said by it.
            chosen -= {one for one in chosen if one.startswith(below + b"/")}
            chosen.add(below)
        return ""


class Choice(msgspec.Struct, kw_only=True):
    """All of it."""

    sources: list[Source] = []
    archive: str = ""
    location: str = ""
    verify: Verify = "readback"
    known: Known = "read"
    duplicates: Literal["archive", "location"] = "archive"
    operator: str = ""
    libraries: bool = False
    icloud: bool = False
    exclude: tuple[str, ...] = ()

    @property
    def picked(self) -> list[Source]:
        """The sources of which anything is to be imported."""
        return [source for source in self.sources if source.chosen]

    def missing(self) -> str:
        """What is still needed before an import can start."""
        if not self.picked:
            return "Pick a source first: space."
        if not self.archive:
            return "Say which archive it goes to."
        if not self.location.strip():
            return "Say which location it belongs to."
        return ""

    def requests(self) -> list[ImportRequest]:
        """What the engine is asked for."""
        return [request for source in self.picked for request in self._requests(source)]

    def _requests(self, source: Source) -> list[ImportRequest]:
        if source.picked:
            left_out = tuple("./" + literal(os.fsdecode(path)) for path in sorted(source.out))
            return [self._request(source, source.path, left_out)]
        return [
            self._request(source, os.path.join(source.path, os.fsdecode(path)), ()) for path in sorted(source.only)
        ]

    def _request(self, source: Source, path: str, left_out: tuple[str, ...]) -> ImportRequest:
        return ImportRequest(
            source=path,
            archive=self.archive,
            location=self.location.strip(),
            label=source.label or (source.name if source.picked else ""),
            operator=self.operator,
            note=source.note,
            verify=self.verify,
            known=self.known,
            duplicates=self.duplicates,
            exclude=(*self.exclude, *left_out),
            libraries=self.libraries,
            icloud=self.icloud,
        )

    def all_of(self, source: Source) -> ImportRequest:
        """What would be asked for if all of a source were picked."""
        return self._request(source, source.path, ())

    def merge(self, volumes: list[Volume]) -> None:
        """Volumes come and go: keep what was chosen of those that are still there."""
        before = {source.path: source for source in self.sources if not source.typed}
        found = []
        for volume in sorted(volumes, key=_rank):
            source = before.get(volume.mount)
            if source is None or source.volume is None or source.volume.identity != volume.identity:
                # Cards of one camera have one name, and so one mount point.
                source = Source(path=volume.mount, name=volume.name)
            source.volume = volume
            found.append(source)
        self.sources = [*(source for source in self.sources if source.typed), *found]

    @property
    def cards(self) -> list[Source]:
        """The cards of cameras among the sources."""
        return [source for source in self.sources if is_card(source.volume)]

    def add(self, path: str) -> Source:
        """A typed path is a picked source."""
        for source in self.sources:
            if source.path == path:
                source.picked = True
                return source
        source = Source(path=path, name=os.path.basename(path.rstrip("/")) or path, typed=True, picked=True)
        self.sources.insert(0, source)
        return source


def is_card(volume: Volume | None) -> bool:
    """Whether it is the card of a camera."""
    return volume is not None and volume.camera is not None


def literal(path: str) -> str:
    """A pattern that fits this path only (fnmatch: a special character stands for itself in brackets)."""
    return "".join(f"[{one}]" if one in "*?[" else one for one in path)


def _rank(volume: Volume) -> tuple[int, str]:
    if is_card(volume):
        return 0, volume.name.lower()
    return (1 if volume.removable else 3 if volume.kind is Kind.NETWORK else 2), volume.name.lower()
