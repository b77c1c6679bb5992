"""Links between the files of one import, by the card rules."""

from collections import defaultdict
from collections.abc import Sequence

from core.catalog import Catalog
from core.media.card_rules import Candidate, choose, complete, owner_keys
from core.media.frames import FRAME_EXTENSIONS, Films
from core.media.stems import NameParts, name_parts
from core.paths import relative

PAGE = 2000
"""Files per page."""

LINKS_TOGETHER = 2048
"""Links that are written in one transaction, unless there are fewer, or a page has more."""

SIMILAR = 1000
"""The most keys with one beginning that are looked at for a name that was cut off."""

APART_NS = 2_000_000_000
"""Nanoseconds by which the times of a film and of a file that the camera wrote with it may differ: times on FAT
are even seconds."""

Found = dict[bytes, list[NameParts]]
"""Files by stem key."""


async def link(catalog: Catalog, import_id: int, root: bytes) -> None:
    """Find the owner of every listed file that has one, and record it with its role; then find the films that are
    kept as numbered pictures.

    root: the source's root on its volume. A file has at most one owner.

    The files are read in the order of their stem keys. So files with one key follow each other, and a page has
    all files with a key between its first and its last one; only other keys are looked up.
    """
    again = await catalog.has_links(import_id)
    films = Films()
    first, after = b"", (b"", 0)
    links: list[tuple[int, int, str]] = []
    while page := await catalog.in_stem_order(import_id, after, PAGE):
        last, after = page[-1][0], (page[-1][0], page[-1][1])
        files: list[NameParts] = []
        here: Found = defaultdict(list)
        for stem, id, whole in page:
            file = name_parts(relative(root, whole), id)
            files.append(file)
            here[stem].append(file)
            if file.extension in FRAME_EXTENSIONS:
                films.add(id, file.folder + file.name)
        waiting: list[tuple[NameParts, Sequence[Candidate]]] = []
        elsewhere: set[bytes] = set()
        for file in files:
            candidates = owner_keys(file)
            if candidates and candidates[-1].rest is not None:
                candidates = await _complete_last(catalog, import_id, candidates)
            for candidate in candidates:
                # Files with the first or the last key of the page may be on other pages, too.
                looked_at = candidates if candidate.rule.rivals else (candidate,)
                if not all(first < one.key < last for one in looked_at):
                    waiting.append((file, candidates))
                    elsewhere.update(one.key for one in candidates if not first < one.key < last)
                    break
                if (owner := _owner(file, candidate, here)) is not None:
                    links += await _link(catalog, file, owner, candidate, candidates, here)
                    break
        for stem, rows in (await catalog.by_stem(import_id, sorted(elsewhere))).items():
            here[stem] = [name_parts(relative(root, whole), id) for id, whole in rows]
        for file, candidates in waiting:
            for candidate in candidates:
                if (owner := _owner(file, candidate, here)) is not None:
                    links += await _link(catalog, file, owner, candidate, candidates, here)
                    break
        if len(links) >= LINKS_TOGETHER:
            await catalog.link(sorted(links), again=again)
            links = []
        first = last
    await catalog.link(sorted(links), again=again)
    await catalog.keep_sequences(import_id, root, films.found())


async def _link(
    catalog: Catalog,
    file: NameParts,
    owner: NameParts,
    candidate: Candidate,
    candidates: Sequence[Candidate],
    found: Found,
) -> list[tuple[int, int, str]]:
    """The link of a file to the owner that one of its candidates finds; none where rivals cannot be told apart."""
    one = await _nearest(catalog, file, candidates, found) if candidate.rule.rivals else owner
    return [] if one is None else [(file.id, one.id, str(candidate.role))]


def _owner(file: NameParts, candidate: Candidate, found: Found) -> NameParts | None:
    others = found.get(candidate.key, ())
    # Usually only one file has the key.
    if not others or (len(others) == 1 and others[0].id == file.id):
        return None
    return choose(candidate, [other for other in others if other.id != file.id])


async def _complete_last(catalog: Catalog, import_id: int, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates of a file of which the last one's key is incomplete: with its whole key, or without it where
    that cannot be found."""
    *known, cut = candidates
    whole = complete(cut, await catalog.stems_from(import_id, cut.key, SIMILAR))
    return [*known, whole] if whole else known


async def _nearest(
    catalog: Catalog, file: NameParts, candidates: Sequence[Candidate], found: Found
) -> NameParts | None:
    """The owner among those that rival candidates find: the only one, or the only one whose time is at most
    APART_NS from the file's. None where several are as near."""
    owners = [owner for one in candidates if one.rule.rivals and (owner := _owner(file, one, found)) is not None]
    if len(owners) == 1:
        return owners[0]
    own, *times = await catalog.times([file.id, *(owner.id for owner in owners)])
    near = [owner for owner, time in zip(owners, times, strict=True) if abs(time - own) <= APART_NS]
    return near[0] if len(near) == 1 else None
