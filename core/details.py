"""Everything that is told of one item or one location: frozen values without behaviour.

Sizes are bytes, times seconds since 1970 UTC. Text made from file names is safe to show (`core.paths.display`).
"""

import msgspec

from core.models import Value
from core.snapshot import JobView

Facts = dict[str, str | int | float]
"""Names of columns and their values."""


class Original(Value, frozen=True, kw_only=True):
    """One file that had this content, as an import saw it. `links` are (role, name) of the files that belong to
    it, with "… of" for the file that it belongs to; of a film's first frame, ("film", its frames and gaps) stands
    for all other frames. `location_folder`: as in ImportRecord."""

    path: str
    import_id: str
    label: str
    location: str
    location_folder: str
    outcome: str
    mtime: float
    links: tuple[tuple[str, str], ...] = ()


class Derived(Value, frozen=True, kw_only=True):
    """A thumbnail ("400", "800", "1920": its short edge) or the "proxy"; `path` is below the archive's root, empty
    where none can be made: then `note` says why."""

    role: str
    path: str = ""
    width: int = 0
    height: int = 0
    size: int = 0
    note: str = ""


class CopyView(Value, frozen=True, kw_only=True):
    """An item in a copy of its archive that is not in use, at `path`; read_back None: it was never read back."""

    path: str
    level: str = ""
    read_back: float | None = None
    damage: str = ""


class ItemView(Value, frozen=True, kw_only=True):
    """One item. `path` is below the root of `archive`, `level` the verification level that it reached.

    metadata, probe: the typed facts from exiftool and ffprobe, without missing ones. exiftool, ffprobe: their
    whole answers, as JSON text; empty where that was not asked for, or is not known. partners: payload paths of
    the other half of a Live Photo. copies: the other copies of the archive that were checked for it. taken: the
    capture date, `2024-05-06T07:08:09.25`, with ` UTC` where the local time is not known. zone: what is known of
    the time zone, and how. adjusted: the corrections by persons, the latest last. exposure: time, aperture, ISO,
    `1/250 s, f/2.8, ISO 200`, as far as they are known. location_folder: as in ImportRecord.
    """

    xxh128: str
    sha256: str
    size: int
    kind: str
    archive: str
    path: str
    location: str
    location_folder: str
    level: str
    read_back: float | None = None
    damage: str = ""
    originals: tuple[Original, ...] = ()
    originals_count: int = 0
    partners: tuple[str, ...] = ()
    derivatives: tuple[Derived, ...] = ()
    metadata: Facts = msgspec.field(default_factory=dict)
    probe: Facts = msgspec.field(default_factory=dict)
    exiftool: str = ""
    ffprobe: str = ""
    copies: tuple[CopyView, ...] = ()
    jobs: tuple[JobView, ...] = ()
    taken: str = ""
    zone: str = ""
    adjusted: tuple[str, ...] = ()
    exposure: str = ""


class LocationView(Value, frozen=True, kw_only=True):
    """One location. `folder` never changes. latitude, longitude: degrees, as a person gave them, both or neither.

    sealed: when its bag was last made valid; None: it is open, and `note` says why. junk: junk files of
    operating systems last seen in it. counted: whether its files were counted yet. files and bytes count
    distinct contents, kinds are (kind, files), cameras (camera, files). bounds: south, north, west, east of
    all positions; empty when none is known. copies: (path of another copy, contents of this location that are
    verified there, when that copy was last seen: ISO 8601).
    """

    folder: str
    name: str
    description: str = ""
    access_note: str = ""
    external_identifier: str = ""
    latitude: float | None = None
    longitude: float | None = None
    sealed: float | None = None
    note: str = ""
    junk: int = 0
    counted: bool = True
    files: int = 0
    bytes: int = 0
    kinds: tuple[tuple[str, int], ...] = ()
    cameras: tuple[tuple[str, int], ...] = ()
    earliest: str = ""
    latest: str = ""
    bounds: tuple[float, ...] = ()
    copies: tuple[tuple[str, int, str], ...] = ()


class Changes(Value, frozen=True, kw_only=True):
    """Changes of a location's description: None leaves a value, an empty text or an empty `position` removes
    it."""

    name: str | None = None
    description: str | None = None
    access_note: str | None = None
    external_identifier: str | None = None
    position: tuple[float, ...] | None = None
