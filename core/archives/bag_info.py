"""bag-info.txt (RFC 8493, section 2.2.2): what a bag says about itself to people."""

import re
import unicodedata
from datetime import UTC, date, datetime

from core import VERSION
from core.catalog.locations import Location
from core.config import Config
from core.database import Statement

Elements = list[tuple[str, str]]
"""(label, value) in the file's order; a label may occur more than once."""

ORGANIZATION, CONTACT_NAME, CONTACT_EMAIL = "Source-Organization", "Contact-Name", "Contact-Email"
IDENTIFIER, DESCRIPTION = "External-Identifier", "External-Description"
LATITUDE, LONGITUDE, ACCESS = "Location-Latitude", "Location-Longitude", "Access-Note"
DATE, AGENT, SIZE, OXUM = "Bagging-Date", "Bag-Software-Agent", "Bag-Size", "Payload-Oxum"
SENDER_IDENTIFIER, SENDER_DESCRIPTION = "Internal-Sender-Identifier", "Internal-Sender-Description"
DESCRIBED = "Location-Described"
"""When a person last changed the location's description. The latest change wins, whichever engine it was made
in."""

FILE = "bag-info.txt"
"""The file's name in the bag."""

OURS = frozenset(
    label.lower()
    for label in (
        *(ORGANIZATION, CONTACT_NAME, CONTACT_EMAIL, IDENTIFIER, DESCRIPTION, LATITUDE, LONGITUDE, ACCESS),
        *(DATE, AGENT, SIZE, OXUM, SENDER_IDENTIFIER, SENDER_DESCRIPTION, DESCRIBED),
    )
)

_LEARN = """
    UPDATE location SET name = ?, description = ?, access_note = ?, external_identifier = ?, latitude = ?,
    longitude = ?, described = ? WHERE id = ? AND described IS ?
"""

_BREAKS = re.compile(r"\s+")


def clean(text: str) -> str:
    """`text` on one line without line breaks, control or formatting characters; joiners (U+200C, U+200D) are
    kept."""
    visible = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    kept = "".join(c for c in visible if unicodedata.category(c)[0] != "C" or c in "\u200c\u200d")
    return _BREAKS.sub(" ", kept).strip()


def parse(text: bytes) -> Elements:
    """The elements of a bag-info.txt written by any program; folded lines are joined."""
    found: Elements = []
    for line in re.split(r"\r\n|\n|\r", text.decode(errors="replace").removeprefix("\ufeff")):
        if line[:1].isspace() and found:
            label, value = found[-1]
            found[-1] = label, f"{value} {line.strip()}".strip()
            continue
        label, colon, value = line.partition(":")
        if colon and label.strip():
            found.append((label.strip(), value.strip()))
    return found


def first(elements: Elements, label: str) -> str:
    """The first value of a label, ignoring case; empty when there is none."""
    return next((value for name, value in elements if name.lower() == label.lower()), "")


def believed(location: Location, before: Elements, access_note: str) -> Location:
    """The location with the description of its bag and of the archive (`access_note`), if that is later than this
    database's, or this database has none; else unchanged."""
    told = _moment(first(before, DESCRIBED))
    if location.described is not None and (told is None or told <= location.described):
        return location
    name = first(before, SENDER_DESCRIPTION)
    latitude, longitude = _degrees(first(before, LATITUDE), 90), _degrees(first(before, LONGITUDE), 180)
    whole = latitude is not None and longitude is not None
    return location.with_(
        name=location.name if name in ("", clean(location.name)) else name,
        description=first(before, DESCRIPTION),
        external_identifier=first(before, IDENTIFIER),
        access_note=access_note or first(before, ACCESS),
        latitude=latitude if whole else None,
        longitude=longitude if whole else None,
        described=told,
    )


def learned(now: Location, before: Location) -> Statement:
    """The statement that stores what `believed` returned, unless the location's description has changed
    meanwhile."""
    values = (now.name, now.description, now.access_note, now.external_identifier, now.latitude, now.longitude)
    return _LEARN, [(*values, now.described, now.id, before.described)]


def _moment(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _degrees(text: str, most: float) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) <= most else None


def compose(settings: Config, location: Location, before: Elements, files: int, size: int, today: date) -> bytes:
    """The new bag-info.txt.

    Bags are meant to be handed on, so the access note, which may say where a key lies, is included only where the
    configuration says so. `before` is the file on disk: its elements with labels that Lading does not use are
    kept, and so are the organization's from another engine where this one's configuration has none. The bagging
    date is kept while nothing else changes.
    """
    import humanize  # imported here, because it makes an engine start later

    elements: Elements = [
        (ORGANIZATION, settings.organization or first(before, ORGANIZATION)),
        (CONTACT_NAME, settings.contact_name or first(before, CONTACT_NAME)),
        (CONTACT_EMAIL, settings.contact_email or first(before, CONTACT_EMAIL)),
        (IDENTIFIER, location.external_identifier),
        (DESCRIPTION, location.description),
        (LATITUDE, _number(location.latitude)),
        (LONGITUDE, _number(location.longitude)),
        (ACCESS, location.access_note if settings.share_access_note else ""),
        (AGENT, f"Lading {VERSION}"),
        (SIZE, humanize.naturalsize(size)),
        (OXUM, f"{size}.{files}"),
        (SENDER_IDENTIFIER, location.folder),
        (SENDER_DESCRIPTION, location.name),
        (DESCRIBED, "" if location.described is None else _stamp(location.described)),
    ]
    elements += [(label, value) for label, value in before if label.lower() not in OURS]
    made = _text(elements)
    dated = first(before, DATE)
    if not dated or made != _text([(label, value) for label, value in before if label.lower() != DATE.lower()]):
        dated = today.isoformat()
    return _text([(DATE, dated), *elements]).encode()


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def _number(degrees: float | None) -> str:
    return "" if degrees is None else repr(degrees)


def _text(elements: Elements) -> str:
    cleaned = ((clean(label), clean(value)) for label, value in elements)
    return "".join(f"{label}: {value}\n" for label, value in cleaned if value)
