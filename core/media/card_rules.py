"""Which files of a card belong together, by their names.

The catalog keeps `stem_key` of every file. For a file that may belong to another, `owner_keys` gives the keys to
look up, and `choose` picks the owner among the files found under a key. Stills and movies of a Live Photo are not
paired here, but by their ContentIdentifier.

The rules are in `core.media.makers`, each with its maker and its source; CARDS.md beside shows what they link. A
rule never guesses: a file that no rule matches has no owner. Here the rules are indexed by folder and extension,
once, because a card may have a million names.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

import msgspec

from core.media.card_structures import OF_THE_CARD_EXTENSIONS, in_folder_of_the_card, of_the_card
from core.media.file_types import split
from core.media.makers import RULES, SAME_STEM, TAKES
from core.media.makers.phones import takeout_owner
from core.media.makers.rule import Groups, Role, Rule
from core.media.stems import folder_and_name, parts

TAKEOUT = msgspec.structs.replace(
    SAME_STEM[b"json"], maker="Google Takeout", source="github.com/simulot/immich-go, docs/misc/google-takeout.md"
)
"""The rule of files whose owner `takeout_owner` finds."""


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A possible owner: look for `key` among the stem keys, then call `choose`."""

    key: bytes
    rule: Rule
    owners: Groups
    """The extensions that the owner may have, in groups, the preferred group first."""
    stem: bytes
    """The owner's stem as it is expected to be spelled; it decides between names that differ only by case."""
    name: bytes
    """The name of the file itself, which is never its own owner; empty when the owner is in another folder."""

    @property
    def role(self) -> Role:
        """The role of the file for its owner."""
        return self.rule.role


_Template = tuple[bytes, tuple[int, ...]]
"""Text with %b where groups of a match go, and their numbers."""


def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


def _template(text: bytes, group: bytes = b"") -> _Template:
    written, numbers = b"", []
    for index, part in enumerate(re.split(rb"(\\g<\d>|\\\d|%1)", text)):
        if index % 2 and part != b"%1":
            written += b"%b"
            numbers.append(int(part.strip(b"\\g<>")))
        else:
            written += (group if index % 2 else part).replace(b"%", b"%%")
    return written, tuple(numbers)


def _written(template: _Template, match: re.Match[bytes]) -> bytes:
    return template[0] % (match.group(*template[1]) if template[1] else ())


class _Ready(msgspec.Struct, frozen=True):
    """A rule with its patterns compiled."""

    number: int
    rule: Rule
    pattern: re.Pattern[bytes]
    within: re.Pattern[bytes] | None
    """Matches a whole folder. Groups: the folders above, the folders that the rule is for, and the group in
    these."""
    beside: bool
    """Whether the owner is in another folder."""
    templates: tuple[_Template, ...]


def _ready(number: int, one: Rule) -> _Ready:
    within = _compiled(rb"((?:.*/)?)(" + one.within + rb")/") if one.within else None
    beside = any(b"/" in stem for stem in one.stems)
    return _Ready(number, one, _compiled(one.pattern), within, beside, tuple(map(_template, one.stems)))


_Gate = tuple[re.Pattern[bytes], dict[int, int]]
"""A pattern that matches what any of some rules matches, and by its group that closes last the number of the first
rule that does."""


class _Rules:
    """The rules for one extension in some folder.

    same: the rule by which the owner has the same stem. It applies unless a rule for the folder does.
    whole: rules for sidecars that are named after a whole file name.
    """

    def __init__(self, ready: Sequence[_Ready], same: Rule | None) -> None:
        self._by_stem = tuple(one for one in ready if not one.rule.whole_name)
        self._gates: list[_Gate | None] = [None] * len(self._by_stem)
        """For each rule, the gate of it and those after it; compiled at its first use."""
        self.same = same
        self.whole = tuple(one for one in ready if one.rule.whole_name)

    def matches(self, stem: bytes) -> list[tuple[_Ready, re.Match[bytes]]]:
        """The rules that match a stem, with the match. Most stems match none, or one."""
        found: list[tuple[_Ready, re.Match[bytes]]] = []
        at = 0
        while at < len(self._by_stem):
            pattern, numbers = self._gates[at] or self._gate(at)
            if not (passed := pattern.fullmatch(stem)):
                break
            at = numbers[passed.lastindex or 0]
            one = self._by_stem[at]
            if match := one.pattern.fullmatch(stem):
                found.append((one, match))
            at += 1
        return found

    def _gate(self, at: int) -> _Gate:
        numbered = enumerate(self._by_stem[at:], at)
        pattern = _compiled(b"|".join(rb"(?P<r%d>%b)" % (number, one.rule.pattern) for number, one in numbered))
        made = self._gates[at] = pattern, {group: int(name[1:]) for name, group in pattern.groupindex.items()}
        return made


_GIVING_WAY = frozenset((Role.METADATA, Role.SIDECAR))
"""Metadata and sidecars give way to a whole name: CAM01.xml beside CAM01.mp4 is not CA's."""

_ALL = tuple(_ready(number, one) for number, one in enumerate(RULES))
_PLACES: dict[bytes, list[int]] = {}
"""By the pattern of the folders that rules are for, the numbers of these rules."""
for _placed in _ALL:
    if _placed.within:
        _PLACES.setdefault(_placed.rule.within, []).append(_placed.number)
_DEEPEST = 3
"""The most folders that a rule is for, one in the other."""
_PLACE_PATTERNS = [
    # A slash in brackets is none of the path's.
    (re.sub(rb"\[.*?\]", b"", place).count(b"/"), _compiled(place).fullmatch, numbers)
    for place, numbers in _PLACES.items()
]
"""For each of them, how many slashes are in it, and what matches it."""


@lru_cache(maxsize=256)
def _rules(placed: tuple[int, ...]) -> dict[bytes, _Rules]:
    """By extension, the rules with these numbers, which are for a folder, and the rules that apply anywhere."""
    by_extension: dict[bytes, list[_Ready]] = {extension: [] for extension in SAME_STEM}
    # The rules for the folder come first.
    for one in (*(_ALL[number] for number in placed), *(one for one in _ALL if one.within is None)):
        for extension in one.rule.extensions:
            by_extension.setdefault(extension, []).append(one)
    return {extension: _Rules(found, SAME_STEM.get(extension)) for extension, found in by_extension.items()}


_ANYWHERE = _rules(())


@lru_cache(maxsize=1024)
def _in_folder(folder: bytes) -> dict[bytes, _Rules]:
    """The rules of a folder, by extension. It is cached, because files of one folder follow each other."""
    if in_folder_of_the_card(folder):
        return {}
    last = folder[:-1].rsplit(b"/", _DEEPEST)
    tails = [b"/".join(last[-count:]) for count in range(1, _DEEPEST + 1)]
    placed = [numbers for slashes, matches, numbers in _PLACE_PATTERNS if matches(tails[slashes])]
    return _rules(tuple(sorted(chain.from_iterable(placed)))) if placed else _ANYWHERE


@lru_cache(maxsize=1024)
def _beside(number: int, folder: bytes) -> tuple[bytes, tuple[_Template, ...]]:
    """The folder above those that a rule is for, and its templates, with folders spelled in the same case as this
    one: CLIP as the maker writes it, clip or Clip."""
    one = _ALL[number]
    match = one.within.fullmatch(folder) if one.within else None
    if match is None:
        return b"", ()
    place = match[2]

    def spelled(word: re.Match[bytes]) -> bytes:
        return word[0] if place.isupper() else word[0].lower() if place.islower() else word[0].title()

    stems = (re.sub(rb"[A-Z]{2,}", spelled, stem).removeprefix(b"./") for stem in one.rule.stems)
    group = match[3] if match.re.groups > 2 else b""
    return match[1], tuple(_template(stem, group) for stem in stems)


def owner_keys(path: bytes) -> Sequence[Candidate]:
    """The possible owners of a file, the likeliest first; empty for a file that stands alone.

    Call it for every file: a JPEG may belong to a RAW, a WAV to a photo, a film to the first chapter of its take.
    """
    folder, slash, name = path.rpartition(b"/")
    folder += slash
    stem, extension, inner = parts(name)
    rules = _in_folder(folder).get(extension)
    if rules is None or (extension in OF_THE_CARD_EXTENSIONS and of_the_card(name)):
        return []
    if inner:
        exact = (frozenset((inner,)),)
        matched = [(one, match) for one in rules.whole if (match := one.pattern.fullmatch(stem))]
        return [found for one, match in matched for found in _candidates(one, match, folder, name, exact)]
    if extension == b"json" and (told := takeout_owner(stem)):
        owner, extensions = told
        return [Candidate(folder + owner.lower(), TAKEOUT, (extensions,), owner, name)]
    found: list[Candidate] = []
    last: list[Candidate] = []
    same = rules.same
    for one, match in rules.matches(stem):
        candidates = _candidates(one, match, folder, name, one.rule.owners)
        if one.rule.role in _GIVING_WAY:
            last += candidates
        elif candidates:
            found += candidates
            same = None if one.within else same
    if same is not None:
        found.append(Candidate(folder + stem.lower(), same, same.owners, stem, name))
    return found + last if last else found


def _candidates(
    one: _Ready, match: re.Match[bytes], folder: bytes, name: bytes, owners: Groups
) -> list[Candidate]:
    if not one.beside:
        stems = [_written(template, match) for template in one.templates]
        return [Candidate(folder + owner.lower(), one.rule, owners, owner, name) for owner in stems]
    above, templates = _beside(one.number, folder)
    found = []
    for template in templates:
        where, owner = folder_and_name(above + _written(template, match))
        found.append(Candidate(where + owner.lower(), one.rule, owners, owner, b""))
    return found


def choose(candidate: Candidate, names: Sequence[bytes]) -> bytes | None:
    """Pick the owner among the files found under a candidate's key; None when none of them can be it.

    `names` are names or whole paths; the choice is returned as it was given. The order of extensions decides (RAW
    before JPEG before others), then the exact spelling of the stem, then the name.
    """
    best: tuple[int, bool, bytes] | None = None
    ranks = _ranks(candidate.owners)
    for path in names:
        name = path.rpartition(b"/")[2]
        if name == candidate.name:
            continue
        stem, extension = split(name)
        if (rank := ranks.get(extension)) is not None:
            score = (rank, stem != candidate.stem, path)
            best = score if best is None else min(best, score)
    return best[2] if best else None


@lru_cache(maxsize=256)
def _ranks(owners: Groups) -> dict[bytes, int]:
    """The number of the first group that an extension is in."""
    return {extension: rank for rank, group in reversed(list(enumerate(owners))) for extension in group}


_TAKES: dict[bytes, list[tuple[re.Pattern[bytes], _Template]]] = {}
for _take in TAKES:
    for _extension in _take.extensions:
        _TAKES.setdefault(_extension, []).append((_compiled(_take.pattern), _template(_take.name, b"")))


def take_key(path: bytes) -> bytes | None:
    """The key that the chapters, segments, lenses or tracks of one take share; None for any other file.

    GX010012.MP4 and GX020012.MP4; GOPR0012.MP4 and GP010012.MP4; the pieces of a loop, GHAA0001.MP4 and
    GHAA0002.MP4; the segments of Canon and RED; the halves of a BRAW clip; the lenses of Insta360 and GoPro
    Fusion; the pictures of a burst; the tracks of a recorder.
    """
    folder, name = folder_and_name(path)
    stem, extension = split(name)
    for pattern, template in _TAKES.get(extension, ()):
        if match := pattern.fullmatch(stem):
            return folder + _written(template, match).lower()
    return None
