"""A move whose engine dies at one of its steps, and what must hold then. Shared by the short and the long test."""

import os
from pathlib import Path

import pytest

from core.maintenance.move_import import Mover
from core.maintenance.move_log import Moves
from tests.core.importing.rig import Rig, digest, random_bytes, write

STEPS = ("intent", "go", "some files", "all files", "catalog", "old receipt", "receipts", "end")


def card(folder: Path, first: int, count: int = 4) -> Path:
    """Documents: nothing is to be made of them but bags."""
    for number in range(first, first + count):
        write(folder / f"{number}.txt", random_bytes(3000, number))
    return folder


async def sound(rig: Rig) -> None:
    """Bags, catalog and archive agree; no content twice within one location, nothing missing."""
    await rig.still()
    assert rig.invalid() == []
    items = await rig.engine.database.read(
        "SELECT i.path, lower(hex(i.sha256)), l.folder, i.damage FROM item i "
        "JOIN location l ON l.id = i.location_id"
    )
    payload = rig.payload()
    assert {path: sha for path, sha, _, _ in items} == payload
    assert all(
        path.startswith(f"locations/{folder}/data/") and damage is None for path, _, folder, damage in items
    )
    assert await rig.engine.database.read("PRAGMA foreign_key_check") == []
    bags = await rig.engine.database.read("SELECT sealed IS NULL, missing FROM bag")
    assert set(bags) == {(0, 0)}
    for row in await rig.engine.catalog.imports():
        lading = rig.archive / "locations" / row.location_folder / "lading"
        assert row.receipt == digest(lading / f"{row.name}.txt")
        assert f"locations/{row.location_folder}" in (lading / f"{row.name}.txt").read_text()
        others = rig.archive.glob(f"locations/*/lading/{row.name}.txt")
        assert [path.parent for path in others] == [lading]


class KilledError(Exception):
    """The engine was killed here."""


def dying(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Let the engine die at a step of a move."""
    append, carried, take_in, receipts = Moves.append, Mover.carried, Mover.take_in, Mover.move_receipts

    async def dying_append(self: Moves, name: str, *lines: dict[str, object]) -> None:
        if {"intent": "item", "end": "moved"}.get(step, "nothing") in lines[0]:
            raise KilledError
        await append(self, name, *lines)
        if step == "go" and "go" in lines[0]:
            raise KilledError

    async def dying_carried(self: Mover, lines: list[dict[str, object]]) -> list[object]:
        if step == "some files":
            await carried(self, lines[: len(lines) // 2])
            raise KilledError
        found = await carried(self, lines)
        if step == "all files":
            raise KilledError
        return list(found)

    async def dying_take_in(self: Mover, *arguments: object) -> None:
        await take_in(self, *arguments)  # type: ignore[arg-type]
        if step == "catalog":
            raise KilledError

    async def dying_receipts(self: Mover, *arguments: object) -> None:
        if step == "old receipt":
            raise KilledError
        await receipts(self, *arguments)  # type: ignore[arg-type]
        if step == "receipts":
            raise KilledError

    monkeypatch.setattr(Moves, "append", dying_append)
    monkeypatch.setattr(Mover, "carried", dying_carried)
    monkeypatch.setattr(Mover, "take_in", dying_take_in)
    monkeypatch.setattr(Mover, "move_receipts", dying_receipts)


async def finished(rig: Rig, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """The engine dies at `step` of a move: the next one finishes it, or nothing has been done."""
    first = card(rig.root / "one", 0)
    one = await rig.imported(first, location="Bern")
    await rig.imported(card(rig.root / "two", 3), location="Bern")
    await rig.still()
    contents = rig.contents()
    with monkeypatch.context() as patch:
        dying(patch, step)
        with pytest.raises(KilledError):
            await rig.engine.maintenance.move(one.id, "Basel")
        await rig.restarted("home" if step in STEPS[::2] else "second home")
    if step not in STEPS[::2]:
        await rig.engine.maintenance.rebuild(str(rig.archive))
    else:
        await rig.engine.maintenance.derive(str(rig.archive))
    await sound(rig)
    assert rig.contents() == contents
    row = await rig.engine.catalog.import_named(one.id)
    assert row is not None
    assert row.location_name == ("Bern" if step == "intent" else "Basel")
    assert {path.name for path in first.iterdir()} == {os.fsdecode(path) for path in await rig.rows(one.id)}
    if step == "intent":
        assert (await rig.engine.maintenance.move(one.id, "Basel")).files == 3
        await sound(rig)
