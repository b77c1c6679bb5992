"""The gate: is this content in the archive already, or on its way there?"""

import asyncio
import os
from collections.abc import Callable, Sequence

import msgspec

from core.archive import Archive
from core.catalog import Catalog, Item
from core.media import extension
from core.workers import messages
from core.workers.messages import Digest
from core.workers.pool import Worker

Content = tuple[int | None, int, bytes, bytes]
"""Location (None: the whole archive), size, XXH3-128, SHA-256."""


class Claim(msgspec.Struct):
    """A content on its way into the archive, under the number its item will have.

    `followers` are told the item, or None when it did not arrive after all.
    """

    content: Content
    item_id: int
    payload: str
    followers: list[Callable[[Item | None], None]]


class Gate:
    """One per archive. A content is claimed by the first that brings it; all others follow that one."""

    def __init__(self, archive: Archive, catalog: Catalog) -> None:
        self._archive = archive
        self._catalog = catalog
        self._claims: dict[Content, Claim] = {}

    async def decide(
        self,
        location: int | None,
        folder: str,
        files: Sequence[tuple[bytes, Digest]],
        worker: Worker,
        follow: Callable[[int], Callable[[Item | None], None]],
    ) -> tuple[dict[int, Item], dict[int, Claim], set[int]]:
        """What becomes of each file read (path and digest), by number: known items, new claims, followers.

        `location` narrows the scope; `folder` is where new payload goes; `follow(number)` gives the callback of
        a follower. A known item counts only when its payload is there at its size, else the content is archived
        again.
        Raises what `Worker.ask` raises; no claim is left behind then.
        """
        mine: dict[int, Claim] = {}
        following: set[int] = set()
        # Claims are taken before the catalog is asked: a content is at every moment in one of the two.
        for path, digest in files:
            content = (location, digest.size, digest.xxh128, digest.sha256)
            if content in self._claims:
                self._claims[content].followers.append(follow(digest.number))
                following.add(digest.number)
            else:
                claim = Claim(content, 0, _payload(folder, path, digest), [])
                self._claims[content] = mine[digest.number] = claim
        try:
            found = await self._known(location, mine, worker)
        except BaseException:
            for claim in mine.values():
                self.settle(claim, None)
            raise
        known: dict[int, Item] = {}
        for number, (item, there) in found.items():
            if there:
                known[number] = item
                self.settle(mine.pop(number), item)
            else:
                mine[number].item_id = item.id
        for claim in mine.values():
            claim.item_id = claim.item_id or self._catalog.new_item_id()
        return known, mine, following

    async def _known(
        self, location: int | None, claims: dict[int, Claim], worker: Worker
    ) -> dict[int, tuple[Item, bool]]:
        """Items in the catalog by the number of the claim, and whether their payload is there."""
        hashes = [claim.content[2] for claim in claims.values()]
        if not hashes:
            return {}
        items = await self._catalog.known(self._archive.id, location, hashes)
        if not items:
            return {}
        request = messages.Presence(self._archive.place, [(item.path, item.size) for item in items])
        there = (await worker.ask(request, messages.Present)).there
        by_content: dict[tuple[int, bytes, bytes], tuple[Item, bool]] = {}
        for item, present in zip(items, there, strict=True):
            key = (item.size, item.xxh128, item.sha256)
            sound = present and item.damage is None
            if sound or key not in by_content:
                by_content[key] = (item, sound)
        return {
            number: by_content[claim.content[1:]]
            for number, claim in claims.items()
            if claim.content[1:] in by_content
        }

    def settle(self, claim: Claim, item: Item | None) -> None:
        """The claimed content is in the catalog now as `item`, or did not arrive."""
        del self._claims[claim.content]
        loop = asyncio.get_running_loop()
        for follower in claim.followers:
            loop.call_soon(follower, item)


def _payload(folder: str, path: bytes, digest: Digest) -> str:
    name = digest.xxh128.hex()
    ending = extension(os.path.basename(path))
    return f"locations/{folder}/data/{digest.kind}/{name[:2]}/{name}{ending}"
