"""The gate: is this content in the archive already, or on its way there?"""

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from core.archives.archive import Archive
from core.catalog import Catalog, ImportRow, Item
from core.media.kinds import extension
from core.workers import messages
from core.workers.messages import Digest
from core.workers.pool import Worker

Content = tuple[int, bytes, bytes]
"""Size, XXH3-128, SHA-256."""

Follow = Callable[[Item | None], None]
"""Told the item, or None when it did not arrive after all."""


class Owner(Protocol):
    """The run that brings a content in."""

    row: ImportRow
    scope: int | None
    """The location within which a content is a duplicate; None: the whole archive."""

    @property
    def paused(self) -> bool:
        """Whether it does nothing for now."""


class Claim(msgspec.Struct, eq=False):
    """A content on its way into the archive, under the number its item will have.

    `lost`: its owner was paused, and another one took the content over.
    """

    owner: Owner
    content: Content
    payload: str
    item_id: int = 0
    followers: list[tuple[Owner, Follow]] = []
    lost: bool = False


class Gate:
    """One per archive. A content is claimed by the first that brings it; all others follow that one."""

    def __init__(self, archive: Archive, catalog: Catalog) -> None:
        self._archive = archive
        self._catalog = catalog
        self._claims: dict[Content, list[Claim]] = {}

    async def decide(
        self,
        owner: Owner,
        files: Sequence[tuple[bytes, Digest]],
        worker: Worker,
        follow: Callable[[int], Follow],
    ) -> tuple[dict[int, Item], dict[int, Claim]]:
        """What becomes of each file read (path and digest), by number: known items and new claims.

        All others follow: `follow(number)` gives the callback of one, told at any moment from then on.
        A known item counts only when its payload is there at its size, else the content is archived again.
        Raises what `Worker.ask` raises; no claim and no follower is left behind then.
        """
        mine: dict[int, Claim] = {}
        following: dict[int, tuple[Claim, Follow]] = {}
        # Claims are taken before the catalog is asked: a content is at every moment in one of the two.
        for path, digest in files:
            content = (digest.size, digest.xxh128, digest.sha256)
            if (claim := self.holder(owner, content)) is None:
                payload = _payload(owner.row.location_folder, path, digest)
                mine[digest.number] = self.take(owner, content, payload)
            else:
                callback = follow(digest.number)
                following[digest.number] = claim, callback
                claim.followers.append((owner, callback))
        try:
            found = await self._known(owner.scope, mine, worker)
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
        """The claim that has the content already, within `owner`'s scope.

        A paused owner gives way to others, so that nobody waits for it.
        """
        for claim in self._claims.get(content, []):
            if owner.scope is None or claim.owner.row.location_id == owner.scope:
                if claim.owner is owner or not claim.owner.paused:
                    return claim
                self.settle(claim, None)
                claim.lost = True
                return None
        return None

    def take(self, owner: Owner, content: Content, payload: str = "") -> Claim:
        """A new claim of a content that nobody holds."""
        claim = Claim(owner, content, payload)
        self._claims.setdefault(content, []).append(claim)
        return claim

    async def _known(
        self, scope: int | None, claims: dict[int, Claim], worker: Worker
    ) -> dict[int, tuple[Item, bool]]:
        """Items in the catalog by the number of the claim, and whether their payload is there."""
        hashes = [claim.content[1] for claim in claims.values()]
        if not hashes:
            return {}
        items = await self._catalog.known(self._archive.id, scope, hashes)
        if not items:
            return {}
        request = messages.Presence(self._archive.place, [(item.path, item.size) for item in items])
        there = (await worker.ask(request, messages.Present)).there
        by_content: dict[Content, tuple[Item, bool]] = {}
        for item, present in zip(items, there, strict=True):
            key = (item.size, item.xxh128, item.sha256)
            sound = present and item.damage is None
            if sound or key not in by_content:
                by_content[key] = (item, sound)
        return {
            number: by_content[claim.content] for number, claim in claims.items() if claim.content in by_content
        }

    def settle(self, claim: Claim, item: Item | None) -> None:
        """The claimed content is in the catalog now as `item`, or did not arrive. Once is enough."""
        claims = self._claims.get(claim.content, [])
        if claim in claims:
            claims.remove(claim)
            if not claims:
                del self._claims[claim.content]
            self._tell(claim, item)

    def paused(self, owner: Owner) -> None:
        """`owner` was paused: those of other runs that follow it go their own way."""
        for claims in self._claims.values():
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


def _payload(folder: str, path: bytes, digest: Digest) -> str:
    name = digest.xxh128.hex()
    ending = extension(os.path.basename(path))
    return f"locations/{folder}/data/{digest.kind}/{name[:2]}/{name}{ending}"
