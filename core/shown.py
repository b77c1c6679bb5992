"""What is told of one item or one location when a person asks for it: frozen values, as those of core.models.

Sizes are bytes, times seconds since 1970 UTC. Text made from file names is safe to show (`core.paths.display`).
"""

import msgspec

from core.models import JobView, Value

Facts = dict[str, str | int | float]
"""Names of columns and their values."""


class Original(Value, frozen=True, kw_only=True):
    """One file that had this content, as it was seen in an import. `links` are (role, name) of what belongs to it,
    with "… of" for what it belongs to."""

    path: str
    import_id: str
    label: str
    location: str
    outcome: str
    mtime: float
    links: tuple[tuple[str, str], ...] = ()


class Derived(Value, frozen=True, kw_only=True):
    """A thumbnail ("400", "800", "1920": its short edge) or the "proxy"; `path` is below the archive's root, empty
    where none can be made, and then `note` says why."""

    role: str
    path: str = ""
    width: int = 0
    height: int = 0
    size: int = 0
    note: str = ""


class ItemView(Value, frozen=True, kw_only=True):
    """One distinct content. `path` is below the root of `archive`, `level` the verification level that it reached.

    metadata, probe: the typed facts that exiftool and ffprobe gave, without those that are not there.
    exiftool, ffprobe: all that they said, as JSON text; empty where that was not asked for, or is not known.
    partners: payload paths of the other half of a Live Photo.
    """

    xxh128: str
    sha256: str
    size: int
    kind: str
    archive: str
    path: str
    location: str
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
    jobs: tuple[JobView, ...] = ()


class LocationView(Value, frozen=True, kw_only=True):
    """One location. `folder` never changes. latitude, longitude: degrees, as a person gave them, both or neither.

    sealed: when its bag was last made valid; None: it is open, and `note` says why. files and bytes count distinct
    contents, kinds are (kind, files), cameras (camera, files). bounds: south, north, west, east of all positions;
    empty when none is known.
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
    files: int = 0
    bytes: int = 0
    kinds: tuple[tuple[str, int], ...] = ()
    cameras: tuple[tuple[str, int], ...] = ()
    earliest: str = ""
    latest: str = ""
    bounds: tuple[float, ...] = ()


class Changes(Value, frozen=True, kw_only=True):
    """What to change of a location: None leaves a value, an empty text or an empty `position` takes it back."""

    name: str | None = None
    description: str | None = None
    access_note: str | None = None
    external_identifier: str | None = None
    position: tuple[float, ...] | None = None
