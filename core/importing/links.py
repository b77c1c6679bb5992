"""Links between the files of one import: sidecars, pairs, chapters, by the card rules."""

from core.catalog import below
from core.importing.run import Run
from core.media.cards import Candidate, choose, owner_keys

PAGE = 1000
"""Files looked at together."""


async def link(run: Run) -> None:
    """Find the owner of every file listed that has one, and record it with its role."""
    after = 0
    while page := await run.catalog.paths(run.row.id, after, PAGE):
        after = page[-1][0]
        wanted: list[tuple[int, bytes, tuple[Candidate, ...]]] = []
        for id, whole in page:
            path = below(run.row.root, whole)
            if candidates := owner_keys(path):
                wanted.append((id, path, candidates))
        stems = {candidate.key for _, _, candidates in wanted for candidate in candidates}
        found = await run.catalog.by_stem(run.row.id, sorted(stems))
        links: list[tuple[int, int, str]] = []
        for number, _, candidates in wanted:
            for candidate in candidates:
                names = {below(run.row.root, path): owner for owner, path in found.get(candidate.key, [])}
                name = choose(candidate, list(names))
                if name is not None and names[name] != number:
                    links.append((number, names[name], str(candidate.role)))
                    break
        await run.catalog.link(links)
    run.linked = True
