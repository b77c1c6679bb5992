"""Paths below an archive's root: all of them are made here. ARCHITECTURE.md shows the tree."""

OWN = ".lading"
"""The folder of everything that is not for other programs."""

ARCHIVE_TOML = f"{OWN}/archive.toml"
LOCK = f"{OWN}/lock"
JOURNALS = f"{OWN}/imports"
MOVES = f"{OWN}/moves"
STAGING = f"{OWN}/staging"
DAMAGED_FOLDER = f"{OWN}/damaged"
ACCESS_NOTES = f"{OWN}/access-notes"
LOCATIONS = "locations"

DERIVATIVES = (f"{OWN}/thumbnails", f"{OWN}/proxies")

RECEIPTS = "lading"
"""The folder of receipts in a location's bag."""

JOURNAL_ENDING = ".jsonl"


def journal(name: str) -> str:
    """The path of an import's journal."""
    return f"{JOURNALS}/{name}{JOURNAL_ENDING}"


def staging(owner: str, part: object) -> str:
    """The folder in staging of an import, or of another `owner`."""
    return f"{STAGING}/{owner}/{part}"


def access_notes(folder: str) -> str:
    """The file that says who may see what of a location."""
    return f"{ACCESS_NOTES}/{folder}.txt"


def location(folder: str) -> str:
    """The folder of a location, which is a bag."""
    return f"{LOCATIONS}/{folder}"


def payload_folder(folder: str) -> str:
    """The folder of a location's payload."""
    return f"{location(folder)}/data"


def payload(folder: str, kind: str, xxh128: str, ending: str) -> str:
    """The path of an archived file; `xxh128` in hexadecimal digits, `ending` with its dot."""
    return f"{payload_folder(folder)}/{kind}/{xxh128[:2]}/{xxh128}{ending}"


def receipts(folder: str) -> str:
    """The folder of a location's receipts."""
    return f"{location(folder)}/{RECEIPTS}"


def receipt(folder: str, name: str) -> str:
    """The path of an import's receipt, without its extension."""
    return f"{receipts(folder)}/{name}"


def derivative(folder: str, xxh128: str, name: str) -> str:
    """The path of the thumbnail or proxy `name`; `folder` is thumbnails or proxies."""
    return f"{OWN}/{folder}/{xxh128[:2]}/{name}"
