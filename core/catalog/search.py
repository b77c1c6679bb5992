"""Parses a search text into conditions on files.

A query is a list of words, all of which must match; double quotes keep spaces within a word. A plain word is
searched in the path below the source's root, in camera, location, label and import. `*`, `?` and `[…]` make it a
pattern that the whole name must match, or with a `/` the end of the whole path. A date or a range of dates matches
the day of capture, or the file's modification date where that is not known, in local time. A capture date known in
UTC only matches each day that it was anywhere on Earth; one whose zone was inferred also matches its day in UTC.
Qualifiers: camera:, card:, location:, import:, kind:, date:, hash:, outcome:.
"""

# ruff: noqa: S608 - what is put together are conditions of our own; what a person typed is always a value

import json
import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from core.catalog.search_plan import ALSO, PATH, Criterion, Part
from core.database import Read
from core.errors import UsageError
from core.media.file_types import Kind
from core.models import Outcome
from core.paths import display

_METADATA = "LEFT JOIN metadata m ON m.item_id = f.item_id"
_NAME = f"replace({PATH}, rtrim({PATH}, replace({PATH}, '/', '')), '')"
_WORD = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_QUALIFIED = re.compile(r"([a-z]+):(.+)", re.DOTALL)
_DAY = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_LIKELY = re.compile(r"(?:\.\.)?(?:19|20)\d\d")
_DIGEST = re.compile(r"[0-9a-f]{1,64}")
_LITERAL = re.compile(r"\[[^]]*\]|[*?\[]")
_TRIGRAM = 3
EARLIEST, LATEST = 14, 12
"""Hours by which a day begins before the UTC day (zone +14), and ends after it (zone -12), somewhere on Earth."""
FURTHEST = max(EARLIEST, LATEST)

_UTC = "m.captured_zone = 'utc' AND m.offset IS NULL"
_INFERRED = "m.captured_zone IN ('position', 'neighbours', 'name')"
_BARE_DIGEST = 16
"""Hexadecimal digits from which on a plain word is also looked up as a digest."""


async def criteria(read: Read, text: str) -> list[Criterion]:
    """The criteria of a search text; a file must meet all of them. Raises UsageError."""
    found: list[Criterion] = []
    for match in _WORD.finditer(text):
        written = match[0]
        qualified = _QUALIFIED.fullmatch(written.lower())
        word = written.replace('"', "").strip()
        if qualified and qualified[1] in _QUALIFIERS and not written.startswith('"'):
            value = word[len(qualified[1]) + 1 :].strip()
            if value:
                found.append(await _QUALIFIERS[qualified[1]](read, value))
        elif word:
            found.append(await _plain(read, word))
    return found


def asks_outcome(text: str) -> bool:
    """Whether a search text has the qualifier outcome:."""
    return any(match[0].lower().startswith("outcome:") for match in _WORD.finditer(text))


# Plain words


async def _plain(read: Read, word: str) -> Criterion:
    if _LITERAL.search(word):
        return [_pattern(word)]
    parts = [_containing(word)]
    told = word.casefold()
    parts += await _imports(read, lambda one: told in one.name or told in one.label or told in one.location)
    parts += await _cameras(read, told)
    if _LIKELY.match(word) and (span := _span(word)) is not None:
        parts += _dated(*span)
    if len(word) >= _BARE_DIGEST and _DIGEST.fullmatch(told):
        parts += _digest(told)
    return parts


def _containing(word: str) -> Part:
    pattern = f"%{_escaped(word)}%"
    where, values = f"{PATH} LIKE ? ESCAPE '!'", (pattern,)
    if not word.isascii():
        # LIKE is case-sensitive for letters beyond ASCII; the trigram index is not.
        pattern = re.sub(r"[^\x00-\x7f]+", "%", unicodedata.normalize("NFC", pattern))
        where, values = f"{PATH} LIKE ? ESCAPE '!'", (pattern,)
    # macOS writes names decomposed (NFD), a keyboard types composed letters (NFC).
    spelled = {unicodedata.normalize(form, word) for form in ("NFC", "NFD")}
    return Part(where, values, *named(sorted(spelled)), False, True)


def _pattern(word: str) -> Part:
    text = word.lower()
    where, values = f"lower({_NAME}) GLOB ?", (text,)
    if "/" in text:
        # `?1` cannot be used, because the values of all conditions are joined in one list.
        where, values = f"'/' || lower({PATH}) GLOB ?", ("*/" + text.lstrip("/"),)
    return Part(where, values, *named([_LITERAL.split(word)]), False, True)


def named(spellings: Sequence[str | Sequence[str]]) -> tuple[str, tuple[Any, ...]]:
    """(query, values): selects, by the trigram index, ids of files that may have one of `spellings` in their path
    below the source's root, newest first. A spelling is a text, or several that must all occur. The query is empty
    where a spelling is too short for the index."""
    wanted = [_trigrams([one] if isinstance(one, str) else one) for one in spellings]
    if not all(wanted):
        return "", ()
    quoted = [[f'"{one.replace(chr(34), chr(34) * 2)}"' for one in spelling] for spelling in wanted]
    match = " OR ".join("(" + " AND ".join(spelling) + ")" for spelling in quoted)
    return "SELECT rowid AS id FROM file_name WHERE file_name MATCH ? ORDER BY rowid DESC LIMIT -1", (match,)


def _trigrams(texts: Sequence[str]) -> list[str]:
    return [text[at : at + _TRIGRAM] for text in texts for at in range(len(text) - _TRIGRAM + 1)]


def _escaped(word: str) -> str:
    text = word.encode("utf-8", "replace").decode()
    for special in "!%_":
        text = text.replace(special, "!" + special)
    return text


# Imports and what they belong to


class _Import(msgspec.Struct, frozen=True):
    id: int
    name: str
    label: str
    location: str
    folder: str
    volume: str


async def _imports(read: Read, fits: Callable[[_Import], bool]) -> list[Part]:
    rows = await read(
        "SELECT i.id, i.name, i.options ->> 'label', l.name, l.folder, v.name FROM import i "
        "JOIN location l ON l.id = i.location_id JOIN volume v ON v.id = i.volume_id ORDER BY i.id DESC",
        (),
    )
    facts = (_Import(id, *(str(text or "").casefold() for text in texts)) for id, *texts in rows)
    found = [one.id for one in facts if fits(one)]
    return [of_imports(found)] if found else []


def of_imports(found: Sequence[int]) -> Part:
    """The condition that a file belongs to one of these imports."""
    ids = json.dumps(found)
    among = "f.import_id IN (SELECT value FROM json_each(?))"
    led = f"SELECT f.id FROM json_each(?) j CROSS JOIN file f ON f.import_id = j.value {_METADATA} WHERE 1 {ALSO}"
    return Part(among, (ids,), led, (ids,))


def _nothing() -> Part:
    return Part("0", (), "SELECT id FROM file WHERE 0")


async def _card(read: Read, value: str) -> Criterion:
    told = value.casefold()
    return await _imports(read, lambda one: told in one.label or told in one.volume) or [_nothing()]


async def _location(read: Read, value: str) -> Criterion:
    told = value.casefold()
    return await _imports(read, lambda one: told in one.location or told == one.folder) or [_nothing()]


async def _import(read: Read, value: str) -> Criterion:
    told = value.casefold()
    return await _imports(read, lambda one: one.name.startswith(told)) or [_nothing()]


# Cameras, dates, kinds, digests


async def _cameras(read: Read, told: str) -> list[Part]:
    names, last = list[str](), ""
    # A loop of index steps: one for each camera, however many pictures it took.
    while rows := await read("SELECT camera FROM metadata WHERE camera > ? ORDER BY camera LIMIT 1", (last,)):
        last = rows[0][0]
        if all(part in last.casefold() for part in told.split()):
            names.append(last)
    if not names:
        return []
    listed = json.dumps(names)
    led = (
        "SELECT f.id FROM json_each(?) j CROSS JOIN metadata m ON m.camera = j.value "
        f"CROSS JOIN file f ON f.item_id = m.item_id WHERE 1 {ALSO}"
    )
    return [Part("m.camera IN (SELECT value FROM json_each(?))", (listed,), led, (listed,))]


async def _camera(read: Read, value: str) -> Criterion:
    return await _cameras(read, value.casefold()) or [_nothing()]


def _span(text: str) -> tuple[str, str] | None:
    """(from, until) of a day, month, year or range, as prefixes of captured_local; until is excluded; empty: no
    bound. None for what is no date."""
    first, dots, last = text.partition("..")
    if not (first or last) or (dots and not all(_DAY.fullmatch(one) for one in (first, last) if one)):
        return None
    try:
        begin = _moment(first, 0) if first else ""
        end = _moment(last if dots else first, 1) if last or not dots else ""
    except ValueError:
        return None
    return begin, end


def _moment(text: str, later: int) -> str:
    """The prefix of captured_local for the day, month or year in `text`, or with `later` 1 for the next one.
    Raises ValueError."""
    match = _DAY.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day = (int(number or 0) for number in match.groups())
    datetime(year, month or 1, day or 1)
    if day:
        return f"{datetime.fromordinal(datetime(year, month, day).toordinal() + later):%Y-%m-%d}"
    if month:
        year, month = year + (month - 1 + later) // 12, (month - 1 + later) % 12 + 1
        return f"{year:04}-{month:02}"
    return f"{year + later:04}"


def _dated(begin: str, end: str) -> list[Part]:
    low, high = begin or "0", end or ":"  # the first characters before and after the digits
    captured = "m.captured_local >= ? AND m.captured_local < ?"
    led = f"SELECT f.id FROM metadata m CROSS JOIN file f ON f.item_id = m.item_id WHERE {captured} {ALSO}"
    # Days before and after that are near enough to have been that day in UTC, or somewhere on Earth.
    beside = [
        *([(_later(begin, -FURTHEST), low)] if begin else []),
        *([(high, _later(end, FURTHEST))] if end else []),
    ]
    also = f"({_UTC} AND m.captured_local < ? OR {_INFERRED} AND m.captured >= ? AND m.captured < ?)"
    that_day = (_later(end, LATEST) if end else high, _seconds(begin, -math.inf), _seconds(end, math.inf))
    since, until = _ns(begin, -(2**63)), _ns(end, 2**63 - 1)
    changed = "f.mtime_ns >= ? AND f.mtime_ns < ?"
    return [
        Part(captured, (low, high), f"{led} ORDER BY m.captured_local DESC LIMIT -1", (low, high)),
        *(
            Part(
                f"({captured} AND {also})",
                (*bounds, *that_day),
                f"SELECT f.id FROM metadata m CROSS JOIN file f ON f.item_id = m.item_id WHERE {captured} "
                f"AND {also} {ALSO} ORDER BY m.captured_local DESC LIMIT -1",
                (*bounds, *that_day),
            )
            for bounds in beside
        ),
        Part(
            f"(m.captured_local IS NULL AND {changed})",
            (since, until),
            f"SELECT f.id FROM file f {_METADATA} WHERE {changed} AND m.captured_local IS NULL {ALSO} "
            "ORDER BY f.mtime_ns DESC LIMIT -1",
            (since, until),
        ),
    ]


def _later(day: str, hours: int) -> str:
    """`hours` after the start of a day, month or year, in the form of captured_local."""
    try:
        return (datetime(*_first(day)) + timedelta(hours=hours)).isoformat()
    except (ValueError, OverflowError):
        return day


def _seconds(day: str, bound: float) -> float:
    """The start of a day, month or year in UTC, as Unix time."""
    try:
        return datetime(*_first(day), tzinfo=UTC).timestamp() if day else bound
    except ValueError:  # the year 10000
        return bound


def _first(day: str) -> tuple[int, int, int]:
    year, month, date = (*map(int, day.split("-")), 1, 1)[:3]
    return year, month, date


def _ns(day: str, bound: int) -> int:
    """The start of a day, month or year in the local zone, in nanoseconds since 1970."""
    if not day:
        return bound
    try:
        return max(-(2**63), min(2**63 - 1, int(datetime(*_first(day)).timestamp()) * 10**9))
    except (ValueError, OverflowError):
        return bound


async def _date(_: Read, value: str) -> Criterion:
    if (span := _span(value)) is None:
        raise UsageError(
            f"{display(value)} is no date.", "Write 2025, 2025-12, 2025-12-06, or a range: 2025-12-01..2025-12-06."
        )
    return _dated(*span)


async def _kind(_: Read, value: str) -> Criterion:
    told = value.casefold()
    kinds = [str(kind) for kind in Kind if str(kind).startswith(told) or str(kind).rstrip("s") == told]
    if not kinds:
        raise UsageError(f"There is no kind {display(value)}.", f"Kinds: {', '.join(map(str, Kind))}.")
    led = f"SELECT f.id FROM file f {_METADATA} WHERE f.kind = ? {ALSO} ORDER BY f.id DESC LIMIT -1"
    return [Part("f.kind = ?", (kinds[0],), led, (kinds[0],))]


async def _outcome(_: Read, value: str) -> Criterion:
    told = {"known": "duplicate", "junk": "litter", "to do": "todo"}.get(value.casefold(), value.casefold())
    outcomes = {outcome.name.lower(): outcome for outcome in Outcome}
    if told not in outcomes:
        raise UsageError(f"There is no outcome {display(value)}.", f"Outcomes: {', '.join(outcomes)}.")
    return [Part("f.outcome = ?", (outcomes[told],))]


async def _hash(_: Read, value: str) -> Criterion:
    told = value.lower()
    if not _DIGEST.fullmatch(told):
        raise UsageError(
            f"{display(value)} is no beginning of a digest.", "Give hexadecimal digits of an XXH3-128 or SHA-256."
        )
    return _digest(told)


def _digest(told: str) -> list[Part]:
    """Parts that match the beginning of either digest."""
    found: list[Part] = []
    columns = (
        ("xxh128", "archive a CROSS JOIN item t ON t.archive_id = a.id", "t.xxh128", 16),
        ("sha256", "item t", "substr(t.sha256, 1, 8)", 32),
    )
    for column, items, indexed, size in columns:
        low, high = (bytes.fromhex(told.ljust(size * 2, digit)[: size * 2]) for digit in "0f")
        if len(told) > size * 2:
            continue
        fits = f"t.{column} BETWEEN ? AND ?"
        first, last = (low[:8], high[:8]) if size > 16 else (low, high)
        found.append(
            Part(
                f"EXISTS (SELECT 1 FROM item t WHERE t.id = f.item_id AND {fits})",
                (low, high),
                f"SELECT f.id FROM {items} CROSS JOIN file f ON f.item_id = t.id "
                f"{_METADATA} WHERE {indexed} BETWEEN ? AND ? AND {fits} {ALSO}",
                (first, last, low, high),
            )
        )
    return found


_QUALIFIERS = {
    "camera": _camera,
    "card": _card,
    "location": _location,
    "import": _import,
    "kind": _kind,
    "date": _date,
    "hash": _hash,
    "outcome": _outcome,
}
