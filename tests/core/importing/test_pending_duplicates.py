"""Files that follow another of the same content, whose batches overlap in every order."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from core.catalog import Catalog, Item
from core.errors import WorkerDiedError
from core.importing.pending_duplicates import PendingDuplicates
from core.importing.transfer import Transfer
from core.models import Outcome, Verdict
from tests.core.importing.rig import Rig, random_bytes, write

pytestmark = pytest.mark.process

PATHS = [b"1/x.jpg", b"2/x.jpg"]


class Overlap:
    """Two batches with the same picture in both and a file of its own in each: the first claims two contents, the
    second one, and follows the other."""

    def __init__(self, rig: Rig, patch: pytest.MonkeyPatch) -> None:
        for folder in (1, 2):
            write(rig.source / f"{folder}/x.jpg", random_bytes(1_500_000, 1))
            write(rig.source / f"{folder}/filler.bin", random_bytes(6_500_000, 10 + folder))
        self.second, self.first_is_over = asyncio.Event(), asyncio.Event()
        settle = PendingDuplicates.settle

        async def settled(followers: PendingDuplicates) -> None:
            await settle(followers)
            self.first_is_over.set()

        patch.setattr(PendingDuplicates, "settle", settled)


async def arrived(rig: Rig) -> None:
    """Each content once, the other a duplicate, and both in the journal."""
    name = await rig.begun()
    view = await rig.ended(name)
    assert (view.archived.files, view.duplicate.files, view.verdict) == (3, 1, Verdict.SAFE)
    rows = await rig.rows(name)
    assert sorted(rows[path].outcome for path in PATHS) == sorted((Outcome.ARCHIVED, Outcome.DUPLICATE))
    journal = (rig.archive / f".lading/imports/{name}.jsonl").read_bytes()
    assert all(path in journal for path in PATHS)


async def test_what_it_follows_arrives_while_the_gate_decides(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    overlap = Overlap(rig, monkeypatch)
    known, write_ = Catalog.with_digests, Transfer.write

    async def known_late(self: Catalog, archive: int, scope: int | None, hashes: list[bytes]) -> list[Item]:
        if len(hashes) == 1:
            overlap.second.set()
            await overlap.first_is_over.wait()
        return await known(self, archive, scope, hashes)

    async def written(self: Transfer, *args: object) -> dict[int, Item]:
        await overlap.second.wait()
        return await write_(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Catalog, "with_digests", known_late)
    monkeypatch.setattr(Transfer, "write", written)
    await arrived(rig)


async def test_its_batch_ends_before_it_is_in_the_journal(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    overlap = Overlap(rig, monkeypatch)
    write_: Callable[..., Awaitable[dict[int, Item]]] = Transfer.write

    async def written(
        self: Transfer, well: object, known: object, claims: dict[int, object], *rest: object
    ) -> dict[int, Item]:
        if len(claims) == 2:
            await overlap.second.wait()
        elif not overlap.second.is_set():
            overlap.second.set()
            await overlap.first_is_over.wait()
            raise WorkerDiedError("killed by a test")
        return await write_(self, well, known, claims, *rest)

    monkeypatch.setattr(Transfer, "write", written)
    await arrived(rig)
