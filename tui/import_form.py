"""A person's choices for a new import: sources, what is left out of them, where it goes and how."""

import os
from datetime import date

import msgspec

from core import presets
from core.config import Config
from core.import_choices import Acceptable, DuplicateScope, KnownFiles, Verification
from core.models import ImportRequest
from core.paths import is_remote
from core.presets import Preset
from core.results import Survey
from core.volumes.filesystems import StorageKind
from core.volumes.volume import Volume
from tui import path_completion

VERIFY: dict[Verification, str] = {
    "readback": "read every copy back and compare",
    "source": "read copies back, and the card a second time",
    "end": "read copies back, and all of them again at the end",
    "none": "do not read back: faster, and never SAFE",
}
KNOWN_CHOICES: dict[KnownFiles, str] = {
    "read": "read them again and compare",
    "record": "believe the record: faster",
}
DUPLICATE_CHOICES: dict[DuplicateScope, str] = {
    "archive": "what the archive holds is not kept twice",
    "location": "what this location holds is not kept twice",
}
LIBRARIES = {False: "photo libraries stay out", True: "photo libraries, too, file by file"}
ICLOUD_CHOICES = {False: "what is only in iCloud stays out", True: "what is only in iCloud is fetched"}

ANSWERS: dict[str, tuple[object, ...]] = {
    "verify": tuple(VERIFY),
    "known": tuple(KNOWN_CHOICES),
    "duplicates": tuple(DUPLICATE_CHOICES),
    "libraries": tuple(LIBRARIES),
    "icloud": tuple(ICLOUD_CHOICES),
}
"""The answers to each question that has a fixed set of them, by the name of its field in `Choice`."""


class SourceRow(msgspec.Struct, kw_only=True):
    """A row of the list of sources. `typed`: a path that a person entered; else a volume."""

    path: str
    name: str
    typed: bool = False
    volume: Volume | None = None
    picked: bool = False
    out: set[bytes] = msgspec.field(default_factory=set)
    """If the source is picked: paths below it that are left out."""
    only: set[bytes] = msgspec.field(default_factory=set)
    """If the source is not picked: paths below it that are."""
    label: str = ""
    note: str = ""
    glance: Survey | None = None
    """What is new on the whole source; None: not counted yet."""
    compared: str = ""
    """The archive for which `glance` was counted, or tried."""

    @property
    def chosen(self) -> bool:
        """Whether anything of it is to be imported."""
        return self.picked or bool(self.only)

    def toggle(self) -> None:
        """Pick the whole source, or nothing of it."""
        self.pick(whole=not self.chosen)

    def pick(self, *, whole: bool) -> None:
        """Pick the whole source, or nothing of it."""
        self.picked = whole
        self.out.clear()
        self.only.clear()

    def has(self, below: bytes) -> bool:
        """Whether a path below it is to be imported."""
        parts = [below[:at] for at, byte in enumerate(below) if byte == ord("/")] + [below]
        return not any(part in self.out for part in parts) if self.picked else any(p in self.only for p in parts)

    def partly(self, below: bytes) -> bool:
        """Whether something, but not all, below a folder is to be imported, as far as that was said."""
        chosen = self.out if self.picked else self.only
        return below not in chosen and any(path.startswith(below + b"/") for path in chosen)

    def toggle_below(self, below: bytes) -> str:
        """Pick a path below it, or leave it out. Returns why that is not possible, else an empty text."""
        chosen = self.out if self.picked else self.only
        above = [below[:at] for at, byte in enumerate(below) if byte == ord("/")]
        if any(one in chosen for one in above):
            return "The folder above is " + ("left out." if self.picked else "picked: leave that out first.")
        if below in chosen:
            chosen.discard(below)
        else:
            # The choice for a folder replaces those for the paths below it.
            chosen -= {one for one in chosen if one.startswith(below + b"/")}
            chosen.add(below)
        return ""


class Choice(msgspec.Struct, kw_only=True):
    """All choices for a new import."""

    sources: list[SourceRow] = []
    archive: str = ""
    also: tuple[str, ...] = ()
    """Further archives, each of which gets all files."""
    archive_mount: tuple[str, bytes] = ("", b"")
    """A former value of `archive`, and the mount point that the kernel reported for it; empty: not known."""
    location: str = ""
    preset: str = ""
    """The name of the preset that the answers come from."""
    pattern: str = ""
    """The preset's pattern for locations, until a person answers otherwise; empty: none."""
    verify: Verification = "readback"
    known: KnownFiles = "read"
    duplicates: DuplicateScope = "archive"
    operator: str = ""
    libraries: bool = False
    icloud: bool = False
    exclude: tuple[str, ...] = ()
    accept: tuple[Acceptable, ...] = ()
    wanted: int | None = None
    """The configured number of verified copies that SAFE requires; None: not configured."""
    mirrors: int = 0

    @property
    def copies(self) -> int:
        """The number of verified copies that SAFE requires: `wanted`, else one for each archive and mirror."""
        return self.wanted or 1 + len(self.also) + self.mirrors

    def take(self, settings: Config, preset: str) -> None:
        """Take the answers of the configuration, replaced by those of the preset of this name (empty: none)."""
        chosen = settings.presets.get(preset, Preset())
        given = chosen.over(settings)
        self.preset = preset if preset in settings.presets else ""
        self.pattern = chosen.location or ""
        if given.archive:
            self.archive, self.also = given.archive, given.archives[1:]
        self.location = "" if self.pattern else given.location or self.location
        self.operator = given.operator or self.operator
        self.verify, self.known, self.duplicates = given.verify, given.known, given.duplicates
        self.exclude, self.accept = given.exclude, given.accept
        self.wanted, self.mirrors = given.copies, sum(not is_remote(path) for path in given.mirror)

    def choose_next(self, question: str) -> None:
        """Take the next one of the ANSWERS to a question."""
        answers = ANSWERS[question]
        setattr(self, question, answers[(answers.index(getattr(self, question)) + 1) % len(answers)])

    def answer(self, question: str, text: str) -> None:
        """Take the typed answer to a question: paths separated by os.pathsep for `also`, patterns separated by
        commas for `exclude`; else the text itself."""
        if question == "archive":
            self.archive = _absolute(text) if text else ""
        elif question == "also":
            self.also = tuple(_absolute(path) for path in text.split(os.pathsep) if path.strip())
        elif question == "exclude":
            self.exclude = tuple(filter(None, (one.strip() for one in text.split(","))))
        elif question == "location":
            self.location, self.pattern = text, ""
        else:
            setattr(self, question, text)

    def location_of(self, source: SourceRow | None) -> str:
        """The location that a source belongs to."""
        if not self.pattern:
            return self.location.strip()
        label = (source.label or source.name) if source else ""
        camera = source.volume.camera or "" if source and source.volume else ""
        return presets.location(self.pattern, label=label, camera=camera, today=date.today())

    @property
    def picked(self) -> list[SourceRow]:
        """The sources of which at least a part is to be imported."""
        return [source for source in self.sources if source.chosen]

    def missing(self, pick: str) -> str:
        """What is still needed before an import can start; empty: nothing. `pick`: the key that picks a source."""
        if not self.picked:
            return f"Pick a source first: {pick}."
        if not self.archive:
            return "Say which archive it goes to."
        if not (self.pattern or self.location.strip()):
            return "Say which location it belongs to."
        return ""

    def requests(self) -> list[ImportRequest]:
        """The requests for the engine."""
        return [request for source in self.picked for request in self._requests(source)]

    def _requests(self, source: SourceRow) -> list[ImportRequest]:
        if source.picked:
            left_out = tuple("./" + literal(os.fsdecode(path)) for path in sorted(source.out))
            return [self._request(source, source.path, left_out)]
        return [
            self._request(source, os.path.join(source.path, os.fsdecode(path)), ()) for path in sorted(source.only)
        ]

    def _request(self, source: SourceRow, path: str, left_out: tuple[str, ...]) -> ImportRequest:
        return ImportRequest(
            source=path,
            archive=self.archive,
            also=self.also,
            location=self.location_of(source),
            label=source.label or (source.name if source.picked else ""),
            operator=self.operator,
            note=source.note,
            verify=self.verify,
            known=self.known,
            duplicates=self.duplicates,
            exclude=(*self.exclude, *left_out),
            accept=self.accept,
            libraries=self.libraries,
            icloud=self.icloud,
            copies=self.copies,
        )

    def all_of(self, source: SourceRow) -> ImportRequest:
        """The request for the whole of a source."""
        return self._request(source, source.path, ())

    def merge(self, volumes: list[Volume]) -> None:
        """Take over the volumes that are mounted now, keeping the choices for those that were there before."""
        before = {source.path: source for source in self.sources if not source.typed}
        found = []
        # A file system in memory, such as /tmp, holds nothing that anybody would archive.
        for volume in sorted((one for one in volumes if one.kind is not StorageKind.MEMORY), key=_rank):
            source = before.get(volume.mount)
            if source is None or source.volume is None or source.volume.identity != volume.identity:
                # Cards of one camera have the same name, and so can have the same mount point.
                source = SourceRow(path=volume.mount, name=volume.name)
            source.volume = volume
            found.append(source)
        self.sources = [*(source for source in self.sources if source.typed), *found]

    @property
    def cards(self) -> list[SourceRow]:
        """The camera cards among the sources."""
        return [source for source in self.sources if is_card(source.volume)]

    def add(self, path: str) -> SourceRow:
        """Add a path that a person entered, as a picked source."""
        for source in self.sources:
            if source.path == path:
                source.picked = True
                return source
        source = SourceRow(path=path, name=os.path.basename(path.rstrip("/")) or path, typed=True, picked=True)
        self.sources.insert(0, source)
        return source


def _absolute(path: str) -> str:
    return path_completion.absolute(os.path.expandvars(path.strip()))


def is_card(volume: Volume | None) -> bool:
    """Whether a volume is a camera's card."""
    return volume is not None and volume.camera is not None


def kind(volume: Volume) -> str:
    """What a volume is, in a word: a card, a removable disk, a disk, or where else its bytes are."""
    if is_card(volume):
        return "card"
    if volume.removable:
        return "removable"
    return "disk" if volume.kind is StorageKind.LOCAL else str(volume.kind)


def literal(path: str) -> str:
    """A pattern that matches only this path (fnmatch: a special character in brackets matches itself)."""
    return "".join(f"[{one}]" if one in "*?[" else one for one in path)


def _rank(volume: Volume) -> tuple[int, str]:
    if is_card(volume):
        return 0, volume.name.lower()
    return (1 if volume.removable else 3 if volume.kind is StorageKind.NETWORK else 2), volume.name.lower()
