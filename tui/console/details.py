"""Everything about one item or one location, as lines of names and values."""

from collections.abc import Iterable

from core.details import ItemView, LocationView
from core.paths import display, is_remote
from core.results import junk_sentence
from core.words import counted
from tui import format
from tui.console.output import Output

WIDTH = 16
"""Columns of the names."""


def tell(item: ItemView, out: Output) -> None:
    """Print everything known of an item."""
    first = item.originals[0].path if item.originals else item.path
    out.line(out.styled(out.text(first), "bold"))
    _lines(out, _item(item))
    _lines(out, _taken(item))
    for name, facts in (("metadata", item.metadata), ("probe", item.probe)):
        _lines(
            out,
            (
                (name if not number else "", f"{key}: {_value(key, value)}")
                for number, (key, value) in enumerate(facts.items())
            ),
        )
    _lines(out, _around(item))


def _value(key: str, value: object) -> object:
    """A fact for a person: a moment in the local zone where the catalog has seconds since 1970."""
    return format.moment(value) if key == "captured" and isinstance(value, int | float) else value


def _item(item: ItemView) -> Iterable[tuple[str, str]]:
    yield "archived", f"{item.archive}/{item.path}"
    yield "location", item.location
    yield "size", f"{counted(item.size, 'byte')}, {item.kind}"
    yield "XXH3-128", item.xxh128
    yield "SHA-256", item.sha256
    yield "verified", item.level + (f", read back {format.moment(item.read_back)}" if item.read_back else "")
    yield "damage", item.damage
    for number, copy in enumerate(item.copies):
        done = "compared" if is_remote(copy.path) else "read back"
        when = f"{done} {format.moment(copy.read_back)}" if copy.read_back else f"never {done}"
        yield "copies" if not number else "", f"{named(copy.path)}: {copy.damage or when}"
    for number, original in enumerate(item.originals):
        label = f" ({original.label})" if original.label else ""
        yield "names" if not number else "", f"{original.path} in {original.import_id}{label}, {original.outcome}"
        for role, name in original.links:
            yield "", f"  {role} {name}"
    if item.originals_count > len(item.originals):
        yield "", f"and {format.number(item.originals_count - len(item.originals))} more"


def _taken(item: ItemView) -> Iterable[tuple[str, str]]:
    yield "taken", item.taken.replace("T", " ", 1)
    yield "zone", item.zone
    for one in item.adjusted:
        yield "corrected", one
    yield "exposure", item.exposure


def _around(item: ItemView) -> Iterable[tuple[str, str]]:
    for partner in item.partners:
        yield "live partner", partner
    for one in item.derivatives:
        size = f"{one.path} ({one.width} x {one.height}, {format.size(one.size)})" if one.path else ""
        yield (
            "proxy" if one.role == "proxy" else f"thumbnail {one.role}",
            ", ".join(filter(None, (size, one.note))),
        )
    for number, job in enumerate(item.jobs):
        error = f": {job.error}" if job.error and job.state != "done" else ""
        yield "jobs" if not number else "", f"{job.queue} {job.state}{error}"


def tell_location(location: LocationView, out: Output) -> None:
    """Print everything known of a location."""
    out.line(out.styled(out.text(location.name), "bold"))
    _lines(out, _location(location))


def _location(location: LocationView) -> Iterable[tuple[str, str]]:
    yield "folder", f"locations/{location.folder}"
    yield "description", location.description
    yield "identifier", location.external_identifier
    if location.latitude is not None and location.longitude is not None:
        yield "position", f"{location.latitude:g}, {location.longitude:g}"
    yield "access", location.access_note
    yield "bag", f"sealed {format.moment(location.sealed)}" if location.sealed else f"open: {location.note}"
    yield "", junk_sentence(location.junk) if location.sealed else ""
    if not location.counted:
        yield "holds", "not counted yet"
    if location.files:
        yield "holds", f"{counted(location.files, 'file')}, {format.size(location.bytes)}"
        yield "", ", ".join(f"{count:,} {kind}" for kind, count in location.kinds)
    for number, told in enumerate(location.copies):
        yield "copies" if not number else "", copied(*told)
    if location.earliest:
        yield "taken", f"{location.earliest} to {location.latest}"
    for number, (camera, count) in enumerate(location.cameras[:10]):
        yield "cameras" if not number else "", f"{camera}, {counted(count, 'file')}"
    if location.bounds:
        south, north, west, east = location.bounds
        yield "seen in", f"{south:.5f} to {north:.5f} north, {west:.5f} to {east:.5f} east"


def _lines(out: Output, told: Iterable[tuple[str, str]]) -> None:
    for name, value in told:
        if value:
            out.line(f"  {out.styled(name.ljust(WIDTH), 'dim')}{out.text(display(value))}")


def named(path: str) -> str:
    """A copy of an archive, for a person: its path, and whether that is off-site."""
    return f"off-site: {path}" if is_remote(path) else path


def copied(path: str, count: int, seen: str) -> str:
    """What a copy holds, for a person. seen: when the copy was last seen, ISO 8601."""
    files = counted(count, "file")
    if is_remote(path):
        return f"{named(path)}, {files} as of {seen[:10]}"
    return f"in {path}, {files} read back"
