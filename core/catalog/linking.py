"""Links between the files of one import, by the card rules."""

from collections.abc import Sequence

from core.catalog import Catalog
from core.media.card_rules import Candidate, choose, owner_keys
from core.paths import relative

PAGE = 2000
"""Files per page."""


async def link(catalog: Catalog, import_id: int, root: bytes) -> None:
    """Find the owner of every listed file that has one, and record it with its role; then find the films that are
    kept as numbered pictures.

    root: the source's root on its volume. A file has at most one owner.
    """
    after = 0
    while page := await catalog.paths(import_id, after, PAGE):
        after = page[-1][0]
        wanted: list[tuple[int, Sequence[Candidate]]] = []
        for id, whole in page:
            if candidates := owner_keys(relative(root, whole)):
                wanted.append((id, candidates))
        stems = {candidate.key for _, candidates in wanted for candidate in candidates}
        found = await catalog.by_stem(import_id, sorted(stems))
        links: list[tuple[int, int, str]] = []
        for number, candidates in wanted:
            for candidate in candidates:
                # Most files are the only one with their key.
                others = {path: id for id, path in found.get(candidate.key, ()) if id != number}
                if others and (path := choose(candidate, list(others))) is not None:
                    links.append((number, others[path], str(candidate.role)))
                    break
        await catalog.link(links)
    await catalog.find_sequences(import_id, root)
