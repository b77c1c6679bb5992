"""Dedup: decides whether a content is in the archive already, or on its way there."""

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from core import archive_layout
from core.archives.archive import Archive
from core.archives.presence import present
from core.catalog import Catalog, ImportRow, Item
from core.content import Content
from core.media.file_types import extension
from core.workers.pool import Worker
from core.workers.source_messages import Digest

Follow = Callable[[Item | None], None]
"""Called with the item, or with None when the content was not archived after all."""


class Owner(Protocol):
    """The import run that brings a content in."""

    row: ImportRow
    scope: int | None
    """The location within which a content is a duplicate; None: the whole archive."""

    @property
    def paused(self) -> bool:
        """Whether the run is paused."""


class Claim(msgspec.Struct, eq=False):
    """A content on its way into the archive; `item_id` is the id that its item will have.

    `lost`: its owner was paused, and another run has taken the content over.
    """

    owner: Owner
    content: Content
    payload: str
    item_id: int = 0
    followers: list[tuple[Owner, Follow]] = []
    lost: bool = False


class Dedup:
    """One per archive. The first run that brings a content claims it; all others are followers of that claim."""

    def __init__(self, archive: Archive, catalog: Catalog) -> None:
        self._archive = archive
        self._catalog = catalog
        self.claims: dict[Content, list[Claim]] = {}

    async def decide(
        self,
        owner: Owner,
        files: Sequence[tuple[bytes, Digest]],
        worker: Worker,
        follow: Callable[[int], Follow],
    ) -> tuple[dict[int, Item], dict[int, Claim]]:
        """Decide about each file read (path and digest). Returns, by file number, items that the archive holds and
        new claims.

        All other files follow a claim: `follow(number)` returns the callback for one, which may be called at any
        time from then on. An item counts only if its payload is present at its size, else the content is archived
        again. Raises what `Worker.ask` raises; then no claim and no follower is left behind.
        """
        mine: dict[int, Claim] = {}
        following: dict[int, tuple[Claim, Follow]] = {}
        # Claims are made before the catalog is asked, so that at every moment a content is found in one of the
        # two.
        for path, digest in files:
            content = digest.content
            if (claim := self.holder(owner, content)) is None:
                payload = payload_path(owner.row.location_folder, path, digest)
                mine[digest.number] = self.take(owner, content, payload)
            else:
                callback = follow(digest.number)
                following[digest.number] = claim, callback
                claim.followers.append((owner, callback))
        try:
            found = await self.known_items(owner.scope, mine, worker)
        except BaseException:
            for claimed, callback in following.values():
                claimed.followers = [one for one in claimed.followers if one[1] is not callback]
            for claimed in mine.values():
                self.settle(claimed, None)
            raise
        known: dict[int, Item] = {}
        for number, (item, there) in found.items():
            if there:
                known[number] = item
                self.settle(mine.pop(number), item)
            else:
                mine[number].item_id = item.id
        for claimed in mine.values():
            claimed.item_id = claimed.item_id or self._catalog.new_item_id()
        return known, mine

    def holder(self, owner: Owner, content: Content) -> Claim | None:
        """The claim that has the content already, within `owner`'s scope; None when there is none.

        The claim of a paused owner is given up, so that nobody waits for it.
        """
        for claim in self.claims.get(content, []):
            if owner.scope is None or claim.owner.row.location_id == owner.scope:
                if claim.owner is owner or not claim.owner.paused:
                    return claim
                self.settle(claim, None)
                claim.lost = True
                return None
        return None

    def take(self, owner: Owner, content: Content, payload: str = "") -> Claim:
        """Claim a content that nobody has claimed."""
        claim = Claim(owner, content, payload)
        self.claims.setdefault(content, []).append(claim)
        return claim

    async def known_items(
        self, scope: int | None, claims: dict[int, Claim], worker: Worker
    ) -> dict[int, tuple[Item, bool]]:
        """By the number of the claim: the item of that content, and whether its payload is present and not known
        to be damaged."""
        hashes = [claim.content[1] for claim in claims.values()]
        if not hashes:
            return {}
        items = await self._catalog.with_digests(self._archive.id, scope, hashes)
        if not items:
            return {}
        there = await present(worker.ask, self._archive.place, items)
        by_content: dict[Content, tuple[Item, bool]] = {}
        for item in items:
            key = item.content
            sound = item.path in there and item.damage is None
            if sound or key not in by_content:
                by_content[key] = (item, sound)
        return {
            number: by_content[claim.content] for number, claim in claims.items() if claim.content in by_content
        }

    def settle(self, claim: Claim, item: Item | None) -> None:
        """End a claim: its content is in the catalog now as `item`, or (None) was not archived. Further calls do
        nothing."""
        claims = self.claims.get(claim.content, [])
        if claim in claims:
            claims.remove(claim)
            if not claims:
                del self.claims[claim.content]
            self._tell(claim, item)

    def paused(self, owner: Owner) -> None:
        """`owner` was paused: followers of its claims in other runs are called with None, so that they archive the
        content themselves."""
        for claims in self.claims.values():
            for claim in claims:
                if claim.owner is owner:
                    own = [one for one in claim.followers if one[0] is owner]
                    claim.followers = [one for one in claim.followers if one[0] is not owner]
                    self._tell(claim, None)
                    claim.followers = own

    @staticmethod
    def _tell(claim: Claim, item: Item | None) -> None:
        loop = asyncio.get_running_loop()
        for _, follower in claim.followers:
            loop.call_soon(follower, item)
        claim.followers = []


def payload_path(folder: str, path: bytes, digest: Digest) -> str:
    ending = extension(os.path.basename(path))
    return archive_layout.payload(folder, digest.kind, digest.xxh128.hex(), ending)
