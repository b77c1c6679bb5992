"""Parses a search text into conditions on files.

A query is a list of words, all of which must match; double quotes keep spaces within a word. A plain word is
searched in the path below the source's root, in camera, location, label and import. `*`, `?` and `[…]` make it a
pattern that the whole name must match, or with a `/` the end of the whole path. A date or a range of dates matches
the day of capture, or the file's modification date where that is not known, in local time. A capture date known in
UTC only matches each day that it was anywhere on Earth; one whose zone was inferred also matches its day in UTC.
Qualifiers: camera:, card:, location:, import:, kind:, ext:, date:, hash:, outcome:, size> and size<.
"""

# ruff: noqa: S608 - what is put together are conditions of our own; what a person typed is always a value

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from core.catalog.find_import import LEAST_CHARACTERS
from core.catalog.import_names import ImportNames, import_names
from core.catalog.search_dates import dated, span
from core.catalog.search_plan import ALSO, METADATA, PATH, Criterion, CriterionPart
from core.database import Read
from core.errors import UsageError
from core.media.file_types import Kind
from core.models import Outcome
from core.paths import display

_NAME = f"replace({PATH}, rtrim({PATH}, replace({PATH}, '/', '')), '')"
_WORD = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_QUALIFIED = re.compile(r"([a-z]+):(.+)", re.DOTALL)
_SIZED = re.compile(r"size([<>])(.*)", re.DOTALL)
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(?:([kmgtp]?)(i?)b?)", re.ASCII)
_LIKELY = re.compile(r"(?:\.\.)?(?:19|20)\d\d")
_DIGEST = re.compile(r"[0-9a-f]{1,64}")
_LITERAL = re.compile(r"\[[^]]*\]|[*?\[]")
_TRIGRAM = 3

LARGEST_INTEGER = 2**63 - 1
"""The largest number that SQLite can hold."""

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
        elif (sized := _SIZED.fullmatch(word.lower())) and not written.startswith('"'):
            found.append(_size(sized[1], sized[2].strip()))
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
    if _LIKELY.match(word) and (days := span(word)) is not None:
        parts += dated(*days)
    if len(word) >= _BARE_DIGEST and _DIGEST.fullmatch(told):
        parts += _digest(told)
    return parts


def _containing(word: str) -> CriterionPart:
    pattern = f"%{_escaped(word)}%"
    where, values = f"{PATH} LIKE ? ESCAPE '!'", (pattern,)
    if not word.isascii():
        # LIKE is case-sensitive for letters beyond ASCII; the trigram index is not.
        pattern = re.sub(r"[^\x00-\x7f]+", "%", unicodedata.normalize("NFC", pattern))
        where, values = f"{PATH} LIKE ? ESCAPE '!'", (pattern,)
    # macOS writes names decomposed (NFD), a keyboard types composed letters (NFC).
    spelled = {unicodedata.normalize(form, word) for form in ("NFC", "NFD")}
    return CriterionPart(where, values, *names_query(sorted(spelled)), False, True)


def _pattern(word: str) -> CriterionPart:
    text = word.lower()
    where, values = f"lower({_NAME}) GLOB ?", (text,)
    if "/" in text:
        # `?1` cannot be used, because the values of all conditions are joined in one list.
        where, values = f"'/' || lower({PATH}) GLOB ?", ("*/" + text.lstrip("/"),)
    return CriterionPart(where, values, *names_query([_LITERAL.split(word)]), False, True)


def names_query(spellings: Sequence[str | Sequence[str]]) -> tuple[str, tuple[Any, ...]]:
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


async def _imports(read: Read, fits: Callable[[ImportNames], bool]) -> list[CriterionPart]:
    found = [one.id for one in await import_names(read) if fits(one)]
    return [of_imports(found)] if found else []


def of_imports(found: Sequence[int]) -> CriterionPart:
    """The condition that a file belongs to one of these imports."""
    ids = json.dumps(found)
    among = "f.import_id IN (SELECT value FROM json_each(?))"
    led = f"SELECT f.id FROM json_each(?) j CROSS JOIN file f ON f.import_id = j.value {METADATA} WHERE 1 {ALSO}"
    return CriterionPart(among, (ids,), led, (ids,))


def _nothing() -> CriterionPart:
    return CriterionPart("0", (), "SELECT id FROM file WHERE 0")


async def _card(read: Read, value: str) -> Criterion:
    told = value.casefold()
    return await _imports(read, lambda one: told in one.label or told in one.volume) or [_nothing()]


async def _location(read: Read, value: str) -> Criterion:
    told = value.casefold()
    return await _imports(read, lambda one: told in one.location or told == one.folder) or [_nothing()]


async def _import(read: Read, value: str) -> Criterion:
    told = value.casefold()
    # As where a command names an import: lists show the end of an id only.
    found = await _imports(read, lambda one: one.name.startswith(told))
    if not found and len(told) >= LEAST_CHARACTERS:
        found = await _imports(read, lambda one: told in one.name)
    return found or [_nothing()]


# Cameras, dates, kinds, digests


async def _cameras(read: Read, told: str) -> list[CriterionPart]:
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
    return [CriterionPart("m.camera IN (SELECT value FROM json_each(?))", (listed,), led, (listed,))]


async def _camera(read: Read, value: str) -> Criterion:
    return await _cameras(read, value.casefold()) or [_nothing()]


async def _date(_: Read, value: str) -> Criterion:
    if (days := span(value)) is None:
        raise UsageError(
            f"{display(value)} is no date.", "Write 2025, 2025-12, 2025-12-06, or a range: 2025-12-01..2025-12-06."
        )
    return dated(*days)


async def _kind(_: Read, value: str) -> Criterion:
    told = value.casefold()
    kinds = [str(kind) for kind in Kind if str(kind).startswith(told) or str(kind).rstrip("s") == told]
    if not kinds:
        raise UsageError(f"There is no kind {display(value)}.", f"Kinds: {', '.join(map(str, Kind))}.")
    led = f"SELECT f.id FROM file f {METADATA} WHERE f.kind = ? {ALSO} ORDER BY f.id DESC LIMIT -1"
    return [CriterionPart("f.kind = ?", (kinds[0],), led, (kinds[0],))]


async def _ext(_: Read, value: str) -> Criterion:
    ending = "." + value.removeprefix(".")
    return [
        CriterionPart(f"{PATH} LIKE ? ESCAPE '!'", (f"%{_escaped(ending)}",), *names_query([ending]), False, True)
    ]


def _size(sign: str, value: str) -> Criterion:
    number = _SIZE.fullmatch(value)
    if number is None or (number[3] and not number[2]):
        raise UsageError(
            f"{display(value) or 'Nothing'} is no size.", "Write 'size>2GB', 'size<500kB', 'size>1GiB'."
        )
    factor = (1024 if number[3] else 1000) ** " kmgtp".index(number[2] or " ")
    return [CriterionPart(f"f.size {sign} ?", (min(round(float(number[1]) * factor), LARGEST_INTEGER),))]


async def _outcome(_: Read, value: str) -> Criterion:
    told = {"known": "duplicate", "litter": "junk", "to do": "todo"}.get(value.casefold(), value.casefold())
    outcomes = {outcome.word: outcome for outcome in Outcome}
    if told not in outcomes:
        raise UsageError(f"There is no outcome {display(value)}.", f"Outcomes: {', '.join(outcomes)}.")
    return [CriterionPart("f.outcome = ?", (outcomes[told],))]


async def _hash(_: Read, value: str) -> Criterion:
    told = value.lower()
    if not _DIGEST.fullmatch(told):
        raise UsageError(
            f"{display(value)} is no beginning of a digest.", "Give hexadecimal digits of an XXH3-128 or SHA-256."
        )
    return _digest(told)


def _digest(told: str) -> list[CriterionPart]:
    """Parts that match the beginning of either digest."""
    found: list[CriterionPart] = []
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
            CriterionPart(
                f"EXISTS (SELECT 1 FROM item t WHERE t.id = f.item_id AND {fits})",
                (low, high),
                f"SELECT f.id FROM {items} CROSS JOIN file f ON f.item_id = t.id "
                f"{METADATA} WHERE {indexed} BETWEEN ? AND ? AND {fits} {ALSO}",
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
    "ext": _ext,
    "date": _date,
    "hash": _hash,
    "outcome": _outcome,
}
