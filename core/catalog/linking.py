"""Links between the files of one import, by the card rules."""

from collections import defaultdict
from collections.abc import Sequence

from core.catalog import Catalog
from core.media.card_rules import Candidate, choose, owner_keys
from core.paths import relative

PAGE = 2000
"""Files per page."""

TOGETHER = 8192
"""Links that are written in one transaction, unless there are fewer, or a page has more."""

Found = dict[bytes, list[tuple[int, bytes]]]
"""(id, path) of files by stem key."""


async def link(catalog: Catalog, import_id: int, root: bytes) -> None:
    """Find the owner of every listed file that has one, and record it with its role; then find the films that are
    kept as numbered pictures.

    root: the source's root on its volume. A file has at most one owner.

    The files are read in the order of their stem keys. So files with one key follow each other, and a page has
    all files with a key between its first and its last one; only other keys are looked up.
    """
    again = await catalog.has_links(import_id)
    first, after = b"", (b"", 0)
    links: list[tuple[int, int, str]] = []
    while page := await catalog.in_stem_order(import_id, after, PAGE):
        last, after = page[-1][0], (page[-1][0], page[-1][1])
        here: Found = defaultdict(list)
        wanted: list[tuple[int, Sequence[Candidate]]] = []
        elsewhere: set[bytes] = set()
        for stem, id, whole in page:
            here[stem].append((id, whole))
            if candidates := owner_keys(relative(root, whole)):
                wanted.append((id, candidates))
                elsewhere.update(one.key for one in candidates if not first < one.key < last)
        # Those with the keys at both ends may be on other pages, too.
        here |= await catalog.by_stem(import_id, sorted(elsewhere))
        links += _links(wanted, here)
        if len(links) >= TOGETHER:
            await catalog.link(sorted(links), again=again)
            links = []
        first = last
    await catalog.link(sorted(links), again=again)
    await catalog.find_sequences(import_id, root)


def _links(wanted: list[tuple[int, Sequence[Candidate]]], found: Found) -> list[tuple[int, int, str]]:
    """(file, owner, role) of each file of which one of its candidates leads to an owner."""
    links: list[tuple[int, int, str]] = []
    for number, candidates in wanted:
        for candidate in candidates:
            others = found.get(candidate.key, ())
            # Most files are the only one with their key.
            if not others or (len(others) == 1 and others[0][0] == number):
                continue
            owner = choose(candidate, [path for id, path in others if id != number])
            if owner is not None:
                links += [(number, id, str(candidate.role)) for id, path in others if path == owner]
                break
    return links
