"""Which files of a card belong together, by their names.

The catalog keeps `stem_key` of every file. For a file that may belong to another, `owner_keys` gives the keys to
look up, and `choose` picks the owner among the files found under a key. Stills and movies of a Live Photo are not
paired here, but by their ContentIdentifier.

The rules are in `core.media.makers`, each with its maker and its source; CARDS.md beside shows what they link. A
rule never guesses: a file that no rule matches has no owner. Here the rules are indexed by folder and extension,
once, because a card may have a million names.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from itertools import chain

import msgspec

from core.media.card_structures import OF_THE_CARD_EXTENSIONS, in_folder_of_the_card, of_the_card
from core.media.file_types import split
from core.media.makers import RULES, SAME_STEM, TAKES
from core.media.makers.phones import takeout_owners
from core.media.makers.rule import Groups, Role, Rule
from core.media.stems import NameParts, folder_and_name, name_parts

TAKEOUT = msgspec.structs.replace(
    SAME_STEM[b"json"], maker="Google Takeout", source="github.com/simulot/immich-go, docs/misc/google-takeout.md"
)
"""The rule of files whose owner `takeout_owners` finds."""


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A possible owner: look for `key` among the stem keys, then call `choose`."""

    key: bytes
    rule: Rule
    ranks: dict[bytes, int]
    """The extensions that the owner may have, with their ranks; the lowest rank is preferred."""
    stem: bytes
    """The owner's stem as it is expected to be spelled; it decides between names that differ only by case."""
    rest: bytes | None = None
    """If it is not None, the owner's key consists of `key`, one unknown character, and `rest`: `complete` finds it
    among the keys of the files."""

    @property
    def role(self) -> Role:
        """The role of the file for its owner."""
        return self.rule.role


@lru_cache(maxsize=256)
def _ranks(owners: Groups) -> dict[bytes, int]:
    """The number of the first group that an extension is in."""
    return {extension: rank for rank, group in reversed(list(enumerate(owners))) for extension in group}


_Template = tuple[bytes, tuple[int, ...]]
"""Text with %b where groups of a match go, and their numbers."""


@cache
def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    """A rule's pattern, compiled at its first use: compiling all takes as long as a tenth of an engine's start."""
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


def _fill(template: _Template, match: re.Match[bytes]) -> bytes:
    return template[0] % (match.group(*template[1]) if template[1] else ())


def _shift_groups(templates: Iterable[_Template], group: int) -> tuple[_Template, ...]:
    """Templates for a match in which the pattern is the group with this number."""
    return tuple((text, tuple(number + group for number in numbers)) for text, numbers in templates)


class _PreparedRule(msgspec.Struct, frozen=True):
    """A rule, and the values that are computed from it only once."""

    number: int
    rule: Rule
    beside: bool
    """Whether the owner is in another folder."""
    templates: tuple[_Template, ...]
    ranks: dict[bytes, int]


def _prepare(number: int, one: Rule) -> _PreparedRule:
    beside = any(b"/" in stem for stem in one.stems)
    return _PreparedRule(number, one, beside, tuple(map(_template, one.stems)), _ranks(one.owners))


class _GatedRule(msgspec.Struct, frozen=True):
    """A rule as a part of a gate's pattern."""

    at: int
    """The index of the rule in `_Rules._by_stem`."""
    group: int
    """The group that is the rule's match; the rule's own groups follow it."""
    ready: _PreparedRule
    templates: tuple[_Template, ...]
    """The rule's templates, with the numbers of groups in the gate's pattern."""


_Gate = tuple[re.Pattern[bytes], dict[int, _GatedRule]]
"""A pattern that matches each stem that one of several rules matches; and those rules, by the number of their
group in the pattern. The group that closes last (`lastindex`) is that of the first rule that matches."""


class _Rules:
    """The rules for one extension in some folder.

    same: the rule by which the owner has the same stem. It applies unless a rule for the folder does.
    whole: rules for sidecars that are named after a whole file name.
    """

    def __init__(self, ready: Sequence[_PreparedRule], same: Rule | None) -> None:
        self._by_stem = tuple(one for one in ready if not one.rule.whole_name)
        self._gates: list[_Gate | None] = [None] * len(self._by_stem)
        """For each rule, the gate of this rule and all after it; None until its first use, when it is compiled."""
        self.same = same
        self.same_ranks = _ranks(same.owners) if same else {}
        self.whole = tuple(one for one in ready if one.rule.whole_name)

    def matches(self, stem: bytes) -> Sequence[tuple[_GatedRule, re.Match[bytes]]]:
        """The rules that match a stem, each with the match of its gate. Most stems match no rule, or one: then one
        or two patterns are tried, not each rule's own."""
        found: list[tuple[_GatedRule, re.Match[bytes]]] = []
        at, count = 0, len(self._by_stem)
        while at < count:
            pattern, passing = self._gates[at] or self._gate(at)
            if not (match := pattern.fullmatch(stem)):
                break
            one = passing[match.lastindex or 0]
            found.append((one, match))
            at = one.at + 1
        return found

    def _gate(self, at: int) -> _Gate:
        numbered = list(enumerate(self._by_stem[at:], at))
        pattern = _compiled(b"|".join(rb"(?P<r%d>%b)" % (number, one.rule.pattern) for number, one in numbered))
        passing: dict[int, _GatedRule] = {}
        for number, one in numbered:
            group = pattern.groupindex[f"r{number}"]
            passing[group] = _GatedRule(number, group, one, _shift_groups(one.templates, group))
        made = self._gates[at] = pattern, passing
        return made


_COPIED = re.compile(rb"(.+)( \(\d{1,3}\))", re.DOTALL)
"""A stem as Windows and browsers number a file that is copied beside one of its name: C0001M01 (1).XML belongs to
C0001 (1).MP4."""

_GIVING_WAY = frozenset((Role.METADATA, Role.SIDECAR))
"""Roles whose rules are used only if no file has the same stem: CAM01.xml beside CAM01.mp4 belongs to that, and
not to CA.mp4."""

_ALL = tuple(_prepare(number, one) for number, one in enumerate(RULES))
_PLACES: dict[bytes, list[int]] = {}
"""By the pattern of the folders that rules are for, the numbers of these rules."""
for _placed in _ALL:
    if _placed.rule.within:
        _PLACES.setdefault(_placed.rule.within, []).append(_placed.number)
_DEEPEST = 3
"""The most folders that a rule is for, one in the other."""


@cache
def _of_depth(depth: int) -> tuple[re.Pattern[bytes], list[tuple[re.Pattern[bytes], list[int]]]]:
    """For folders of `depth` + 1 names: a pattern that matches each place that some rules are for, and the places,
    each with the numbers of its rules."""
    # A slash in brackets is part of the pattern, and separates no folders.
    places = [place for place in _PLACES if re.sub(rb"\[.*?\]", b"", place).count(b"/") == depth]
    return _compiled(b"|".join(places)), [(_compiled(place), _PLACES[place]) for place in places]


@lru_cache(maxsize=256)
def _rules(placed: tuple[int, ...]) -> dict[bytes, _Rules]:
    """By extension, the rules with these numbers, which are for a folder, and the rules that apply anywhere."""
    by_extension: dict[bytes, list[_PreparedRule]] = {extension: [] for extension in SAME_STEM}
    # The rules for the folder come first.
    for one in (*(_ALL[number] for number in placed), *(one for one in _ALL if not one.rule.within)):
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
    placed: list[int] = []
    for depth in range(_DEEPEST):
        any_place, places = _of_depth(depth)
        tail = b"/".join(last[-depth - 1 :])
        if any_place.fullmatch(tail):
            placed += chain.from_iterable(numbers for place, numbers in places if place.fullmatch(tail))
    return _rules(tuple(sorted(placed))) if placed else _ANYWHERE


@lru_cache(maxsize=1024)
def _beside(number: int, folder: bytes, moved: int) -> tuple[bytes, tuple[_Template, ...]]:
    """The folder above those that a rule is for, and its templates, with folders spelled in the same case as this
    one: CLIP as the maker writes it, clip or Clip.

    moved: the group of a match that is the rule's.
    """
    one = _ALL[number]
    within = one.rule.within
    # Groups: the folders above, the folders that the rule is for, and the group in these.
    match = _compiled(rb"((?:.*/)?)(" + within + rb")/").fullmatch(folder) if within else None
    if match is None:
        return b"", ()
    place = match[2]

    def spelled(word: re.Match[bytes]) -> bytes:
        return word[0] if place.isupper() else word[0].lower() if place.islower() else word[0].title()

    stems = (re.sub(rb"[A-Z]{2,}", spelled, stem).removeprefix(b"./") for stem in one.rule.stems)
    group = match[3] if match.re.groups > 2 else b""
    return match[1], _shift_groups((_template(stem, group) for stem in stems), moved)


def owner_keys(file: NameParts) -> Sequence[Candidate]:
    """The possible owners of a file, the likeliest first; empty for a file that stands alone.

    Call it for every file: a JPEG may belong to a RAW, a WAV to a photo, a film to the first chapter of its take.
    """
    folder, stem, extension = file.folder, file.stem, file.extension
    rules = _in_folder(folder).get(extension)
    if rules is None or (extension in OF_THE_CARD_EXTENSIONS and of_the_card(file.name)):
        return ()
    if file.inner:
        return _whole_name(file, rules)
    if extension == b"json" and (told := takeout_owners(stem)):
        return [
            Candidate(folder + one.stem.lower(), TAKEOUT, _ranks(one.owners), one.stem, one.rest) for one in told
        ]
    if stem.endswith(b")") and (copied := _COPIED.fullmatch(stem)):
        original, mark = copied.groups()
        before = name_parts(folder + original + b"." + extension)
        candidates = _whole_name(before, rules) if before.inner else _by_stem(folder, original, rules)
        return [msgspec.structs.replace(one, key=one.key + mark, stem=one.stem + mark) for one in candidates]
    return _by_stem(folder, stem, rules)


def _by_stem(folder: bytes, stem: bytes, rules: _Rules) -> Sequence[Candidate]:
    same = rules.same
    if not (matches := rules.matches(stem)):
        return (Candidate(folder + stem.lower(), same, rules.same_ranks, stem),) if same else ()
    found: list[Candidate] = []
    last: list[Candidate] = []
    for passed, match in matches:
        one = passed.ready
        candidates = _candidates(one, match, folder, passed.templates, passed.group)
        if one.rule.role in _GIVING_WAY:
            last += candidates
        elif candidates:
            found += candidates
            same = None if one.rule.within else same
    if same is not None:
        found.append(Candidate(folder + stem.lower(), same, rules.same_ranks, stem))
    return found + last if last else found


def _whole_name(file: NameParts, rules: _Rules) -> list[Candidate]:
    """The possible owners of a sidecar that is named after a whole file name."""
    exact = _exact(file.inner)
    return [
        msgspec.structs.replace(found, ranks=exact)
        for one in rules.whole
        if (match := _compiled(one.rule.pattern).fullmatch(file.stem))
        for found in _candidates(one, match, file.folder, one.templates, 0)
    ]


@lru_cache(maxsize=256)
def _exact(extension: bytes) -> dict[bytes, int]:
    return {extension: 0}


def _candidates(
    one: _PreparedRule, match: re.Match[bytes], folder: bytes, templates: Iterable[_Template], group: int
) -> list[Candidate]:
    rule, ranks = one.rule, one.ranks
    found = []
    if one.beside:
        above, templates = _beside(one.number, folder, group)
        for template in templates:
            where, owner = folder_and_name(above + _fill(template, match))
            found.append(Candidate(where + owner.lower(), rule, ranks, owner))
    else:
        for text, numbers in templates:
            owner = text % match.group(*numbers) if numbers else text % ()
            found.append(Candidate(folder + owner.lower(), rule, ranks, owner))
    return found


def complete(candidate: Candidate, keys: Iterable[bytes]) -> Candidate | None:
    """Complete a candidate of which only the beginning of the key is known (`rest` is not None) by one of `keys`.
    None where no key fits, and where several do, because a wrong link is worse than none."""
    rest = (candidate.rest or b"").lower()
    found = {key for key in keys if key.startswith(candidate.key) and key.endswith(rest)}
    fitting = [
        key for key in found if len(key[len(candidate.key) : len(key) - len(rest)].decode("utf-8", "replace")) == 1
    ]
    if len(fitting) != 1:
        return None
    return msgspec.structs.replace(candidate, key=fitting[0], stem=folder_and_name(fitting[0])[1], rest=None)


def choose(candidate: Candidate, files: Iterable[NameParts]) -> NameParts | None:
    """Pick the owner among the files found under a candidate's key, without the file itself; None when none of
    them can be it.

    The order of extensions decides (RAW before JPEG before others), then the exact spelling of the stem, then the
    name.
    """
    best: NameParts | None = None
    least: tuple[int, bool, bytes] | None = None
    for file in files:
        if (rank := candidate.ranks.get(file.extension)) is not None:
            score = (rank, file.stem != candidate.stem, file.name)
            if least is None or score < least:
                best, least = file, score
    return best


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
            return folder + _fill(template, match).lower()
    return None
