"""Mirrors to a remote in the engine: shown, paused, resumed and cancelled like those to a disk; what is compared
there is recorded. The remote is a folder that rclone accesses without a server."""

import asyncio
import os
import shutil
import time
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from core.catalog import held_copies
from core.engine import store_retries
from core.engine.store_retries import StoreRetries
from core.errors import ArchiveAwayError, UsageError
from core.models import State
from core.offsite.payload_upload import DIFFERS, PayloadUpload
from core.offsite.rclone import OffsiteError
from core.results import OffsiteResult, RestoreResult
from core.server import lifecycle
from core.snapshot import MirrorView
from tests.core.importing.rig import Rig, at_work, random_bytes, write
from tests.rigs.remotes import NEW, sealed

pytestmark = pytest.mark.process

ENVIRON = {"PATH": os.pathsep.join([str(NEW.parent), os.environ.get("PATH", os.defpath)]), "RCLONE_CONFIG": ""}


def remote(rig: Rig) -> str:
    return f"rclone::local:{rig.root}/remote"


def there(rig: Rig) -> list[Path]:
    """The payload at the remote."""
    return sorted((rig.root / "remote").glob("locations/*/data/*/*/*"))


async def filled(rig: Rig, first: int = 0, count: int = 4) -> None:
    """So many files more in the archive, and its bag made by hand."""
    for number in range(first, first + count):
        write(rig.source / f"{number:03}.jpg", random_bytes(3000, number))
    await rig.imported()
    (bag,) = rig.archive.glob("locations/*")
    sealed(bag)


async def begun(rig: Rig) -> str:
    return await rig.engine.mirrors.start(str(rig.archive), remote(rig), both=False, environ=ENVIRON)


async def mirrored(rig: Rig) -> OffsiteResult:
    """Mirror to the end."""
    name = await begun(rig)
    await rig.engine.mirrors.wait(name)
    return await rig.engine.mirrors.offsite_result(name)


async def recorded(rig: Rig) -> list[tuple[str, str, bool, str | None]]:
    """(path of the copy, level, whether it was found well, damage) of each item compared at the remote."""
    return await rig.engine.database.read(
        "SELECT CAST(c.path AS TEXT), h.level, h.read_back IS NOT NULL, h.damage FROM copy c "
        "JOIN copy_item h ON h.copy_id = c.id ORDER BY h.item_id"
    )


async def test_paused_resumed_and_cancelled(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await filled(rig)
    gate, reached, upload = asyncio.Event(), asyncio.Event(), PayloadUpload.upload

    async def held(self: PayloadUpload, path: str, names: list[str], *, anew: bool) -> object:
        ended = await upload(self, path, names, anew=anew)
        reached.set()
        await gate.wait()
        return ended

    monkeypatch.setattr(PayloadUpload, "upload", held)
    name = await begun(rig)
    await reached.wait()
    (view,) = rig.engine.snapshot().mirrors
    assert (view.id, view.state, view.target, view.total.files) == (name, State.RUNNING, remote(rig), 4)
    assert (view.on_the_way, view.share, view.held.files) == (12_000, 1.0, 0), "uploaded, and not compared yet"
    assert rig.engine.working
    await rig.engine.mirrors.pause(name)
    assert not rig.engine.working
    assert rig.engine.snapshot().mirrors[0].state is State.PAUSED
    # It holds nothing: neither the archive nor a process.
    assert (rig.engine.archives.opened, rig.engine.mirrors.running) == ({}, 0)
    assert "rclone" not in [one.name() for one in psutil.Process().children(recursive=True)]
    assert await recorded(rig) == []
    # What was uploaded, but not compared, is compared in the next run.
    gate.set()
    await rig.engine.mirrors.resume(name)
    await rig.engine.mirrors.wait(name)
    assert (await rig.engine.mirrors.offsite_result(name)).brought == 4
    (view,) = rig.engine.snapshot().mirrors
    assert (view.state, view.held, view.lacking) == (State.DONE, view.total, 0)
    assert await recorded(rig) == [(remote(rig), "remote", True, None)] * 4
    gate.clear()
    reached.clear()
    await filled(rig, 4, 2)
    again = await begun(rig)
    await reached.wait()
    await rig.engine.mirrors.cancel(again)
    assert rig.engine.snapshot().mirrors[-1].state is State.CANCELLED
    with pytest.raises(UsageError):
        await rig.engine.mirrors.resume(again)


async def test_what_was_never_compared_there_is_compared_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await filled(rig)
    rotten = sorted(rig.archive.glob("locations/*/data/*/*/*"))[0]
    whole = rotten.read_bytes()
    rotten.write_bytes(bytes(3000))
    assert (await mirrored(rig)).brought == 3
    damaged = await rig.engine.database.read("SELECT path FROM item WHERE damage IS NOT NULL")
    assert damaged == [(str(rotten.relative_to(rig.archive)),)], "what is found here is recorded"
    rotten.write_bytes(whole)
    assert (await mirrored(rig)).brought == 1
    # Another catalog, which knows nothing of the remote; and the state folder does not, either.
    await rig.restarted("other")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    first, *_ = there(rig)
    first.write_bytes(bytes(3000))
    result = await mirrored(rig)
    assert (result.brought, [why for _, why in result.lacking]) == (
        0,
        ["what lies there differs, and is not replaced"],
    )
    assert first.read_bytes() == bytes(3000)
    found = await recorded(rig)
    assert sorted(one[1:] for one in found) == [("remote", False, DIFFERS), *[("remote", True, None)] * 3]
    # What is known to be well there is not compared again, what is damaged is.
    compared: list[str] = []
    arrived = PayloadUpload.compare

    async def noted(self: PayloadUpload, path: str, names: list[str]) -> object:
        compared.extend(names)
        return await arrived(self, path, names)

    monkeypatch.setattr(PayloadUpload, "compare", noted)
    assert (await mirrored(rig)).lacking_count == 1
    assert [os.path.basename(name) for name in compared] == [first.name]
    rows = await rig.engine.database.read("SELECT id FROM import")
    held = await held_copies.of_imports(rig.engine.database.read, [id for (id,) in rows])
    assert [copy[:2] for copies in held.values() for copy in copies] == [(remote(rig), 3)]


async def test_a_restore_without_its_archive_names_the_copy_off_site(rig: Rig) -> None:
    await filled(rig)
    await mirrored(rig)
    ((name,),) = await rig.engine.database.read("SELECT name FROM import")
    rig.archive.rename(rig.root / "away")

    async def restored(**more: Any) -> RestoreResult:
        target = str(rig.root / "tree")
        return await rig.engine.restore_check.restore(name, target, lambda done, total: None, **more)

    with pytest.raises(ArchiveAwayError) as caught:
        await restored()
    assert f"--archive {remote(rig)}" in caught.value.advice
    result = await restored(archive=remote(rig), environ=ENVIRON)
    assert (result.restored.files, result.copy) == (4, remote(rig))
    assert {path.name: path.read_bytes() for path in (rig.root / "tree").iterdir()} == {
        path.name: path.read_bytes() for path in rig.source.iterdir()
    }


# A store that fails after an import


STORE = "rclone:store:archive"


def environ(root: Path) -> dict[str, str]:
    """The environment with a configuration of rclone, which does not know the store yet."""
    return {**ENVIRON, "RCLONE_CONFIG": str(root / "rclone.conf")}


def mend(rig: Rig) -> None:
    """The store is there from now on; until then rclone fails."""
    (rig.root / "rclone.conf").write_text(f"[store]\ntype = alias\nremote = {rig.root}/remote\n")


def stored(rig: Rig) -> list[Path]:
    """The payload at the store."""
    return sorted((rig.root / "remote/archive").glob("locations/*/data/*/*/*"))


def last(rig: Rig) -> MirrorView:
    return rig.engine.snapshot().mirrors[-1]


def waits(rig: Rig) -> bool:
    """Whether a mirror waits for its next retry."""
    return any(view.again is not None for view in rig.engine.snapshot().mirrors)


async def failed(rig: Rig) -> str:
    """The id of a mirror as after an import, to a store that fails."""
    await filled(rig)
    return await rig.engine.mirrors.start(
        str(rig.archive), STORE, both=False, waits=True, environ=environ(rig.root)
    )


async def test_the_next_import_tries_a_store_that_failed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ(tmp_path).items():
        monkeypatch.setenv(name, value)
    async with at_work(tmp_path) as rig:
        rig.engine.config = msgspec.structs.replace(rig.engine.config, mirror=(STORE,))
        write(rig.source / "a.jpg", random_bytes(3000, 1))
        # Who waits for the import does not wait for the store.
        await rig.engine.mirrors.wait((await rig.imported()).id)
        await rig.still()
        await rig.until(lambda: waits(rig))
        (view,) = rig.engine.snapshot().mirrors
        assert view.state is State.PAUSED
        assert view.reason
        assert f"lading mirror {rig.archive} {STORE}" in view.advice
        assert view.again is not None
        assert store_retries.FIRST_DELAY / 2 < view.again - time.time() <= store_retries.FIRST_DELAY
        # The engine stays for the retry, but the machine may sleep until then.
        assert (rig.engine.busy, rig.engine.working) == (True, False)
        mend(rig)
        write(rig.source / "b.jpg", random_bytes(3000, 2))
        await rig.imported()
        await rig.until(lambda: len(stored(rig)) == 2 and last(rig).state is State.DONE)
        assert last(rig).again is None


async def test_a_store_that_failed_is_tried_again_by_itself(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_retries, "FIRST_DELAY", 0.05)
    name = await failed(rig)
    await rig.until(lambda: waits(rig))
    mend(rig)
    await rig.until(lambda: last(rig).state is State.DONE)
    assert (last(rig).id, len(stored(rig))) == (name, 4)


async def test_files_that_a_store_refuses_are_tried_again_by_themselves(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    mend(rig)
    await filled(rig)
    first, *_ = sorted(rig.archive.glob("locations/*/data/*/*/*"))
    toml, refusing = (
        rig.root / "remote/archive" / path.relative_to(rig.archive)
        for path in (rig.archive / ".lading/archive.toml", first)
    )
    write(toml, (rig.archive / ".lading/archive.toml").read_bytes())
    write(refusing / "a folder has the file's name", b"")
    # Who asks for it by a command is told at once; the others have arrived.
    name = await rig.engine.mirrors.start(str(rig.archive), STORE, both=False, environ=environ(rig.root))
    await rig.engine.mirrors.wait(name)
    result = await rig.engine.mirrors.offsite_result(name)
    ((path, why),) = result.lacking
    assert (last(rig).state, result.brought) == (State.DONE, 3)
    assert path == str(first.relative_to(rig.archive))
    assert why.startswith("it did not arrive: "), "with what rclone says of it"
    # After an import it is tried again, and no more often than a store that fails.
    monkeypatch.setattr(store_retries, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(store_retries, "RETRIES", 2)
    name = await failed(rig)
    await rig.until(lambda: rig.engine.mirrors.running == 0)
    assert (last(rig).state, last(rig).again) == (State.PAUSED, None)
    assert last(rig).reason.startswith(f"1 file did not arrive ({path}: it did not arrive: ")
    shutil.rmtree(refusing)
    monkeypatch.setattr(store_retries, "RETRIES", 30)
    await rig.engine.mirrors.resume(name)
    await rig.engine.mirrors.wait(name)
    assert (last(rig).state, len(stored(rig))) == (State.DONE, 4)


async def test_what_arrived_wrong_is_uploaded_once_more(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store keeps other bytes of the same size; the run that has uploaded the file puts that right."""
    await filled(rig)
    upload, uploads = PayloadUpload.upload, list[list[str]]()

    async def spoilt(self: PayloadUpload, path: str, names: list[str], *, anew: bool) -> object:
        ended = await upload(self, path, names, anew=anew)
        uploads.append(names)
        if len(uploads) == 1:
            there(rig)[0].write_bytes(bytes(3000))
        return ended

    monkeypatch.setattr(PayloadUpload, "upload", spoilt)
    result = await mirrored(rig)
    assert (result.brought, result.lacking) == (4, ())
    assert [len(names) for names in uploads] == [4, 1]
    assert {path.name: path.read_bytes() for path in there(rig)} == {
        path.name: path.read_bytes() for path in rig.archive.glob("locations/*/data/*/*/*")
    }


async def test_retries_come_to_an_end(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_retries, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(store_retries, "RETRIES", 2)
    attempts: list[int] = []
    delay = StoreRetries.delay

    def counted(self: StoreRetries) -> float | None:
        attempts.append(1)
        return delay(self)

    monkeypatch.setattr(StoreRetries, "delay", counted)
    name = await failed(rig)
    await rig.until(lambda: rig.engine.mirrors.running == 0)
    assert (last(rig).state, last(rig).again, len(attempts)) == (State.PAUSED, None, 3)
    assert last(rig).reason
    mend(rig)
    await rig.engine.mirrors.resume(name)
    await rig.engine.mirrors.wait(name)
    assert (last(rig).state, len(stored(rig))) == (State.DONE, 4)


async def test_a_key_tries_or_ends_what_waits_for_a_retry(rig: Rig) -> None:
    name = await failed(rig)
    await rig.until(lambda: waits(rig))
    # Who asks now, by key or command, is told of a failure at once, and it is still tried again later.
    await rig.engine.mirrors.resume(name)
    await rig.engine.mirrors.wait(name)
    with pytest.raises(OffsiteError):
        await rig.engine.mirrors.offsite_result(name)
    await rig.until(lambda: waits(rig))
    await rig.engine.mirrors.cancel(name)
    assert (last(rig).state, last(rig).again, rig.engine.mirrors.running) == (State.CANCELLED, None, 0)


async def test_the_next_engine_goes_on_with_a_store_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ(tmp_path).items():
        monkeypatch.setenv(name, value)

    async with at_work(tmp_path) as rig:

        def configure(**more: bool) -> None:
            rig.engine.config = msgspec.structs.replace(rig.engine.config, mirror=(STORE,), **more)

        async def next_engine() -> int:
            """How many mirrors another engine begins by itself."""
            await rig.restarted()
            await lifecycle._take_up(rig.engine)
            assert rig.engine.mirrors.running == 0, "no mirror is configured"
            configure(resume_at_start=False)
            await lifecycle._take_up(rig.engine)
            assert rig.engine.mirrors.running == 0, "nothing goes on by itself"
            configure(resume_at_start=True)
            await lifecycle._take_up(rig.engine)
            return rig.engine.mirrors.running

        write(rig.source / "a.jpg", random_bytes(3000, 1))
        configure()
        await rig.imported()
        await rig.until(lambda: waits(rig))
        # A person's pause outlives the engine.
        await rig.still()
        await rig.until(lambda: rig.engine.mirrors.running == 1)
        await rig.engine.mirrors.pause(last(rig).id)
        assert await next_engine() == 0
        write(rig.source / "b.jpg", random_bytes(3000, 2))
        await rig.imported()
        await rig.until(lambda: waits(rig))
        mend(rig)
        assert await next_engine() > 0
        await rig.until(lambda: rig.engine.mirrors.running == 0)
        assert (last(rig).state, len(stored(rig))) == (State.DONE, 2)
        assert last(rig).held == last(rig).total
        assert await next_engine() == 0, "nothing is owed any more"


async def test_a_command_does_not_retry(rig: Rig) -> None:
    await filled(rig)
    name = await rig.engine.mirrors.start(str(rig.archive), STORE, both=False, environ=environ(rig.root))
    await rig.engine.mirrors.wait(name)
    assert (last(rig).state, last(rig).again, rig.engine.mirrors.running) == (State.PAUSED, None, 0)


def test_retries_go_on_for_about_a_day() -> None:
    retries = StoreRetries()
    delays = [seconds for _ in range(100) if (seconds := retries.delay()) is not None]
    assert delays[:7] == [60, 120, 240, 480, 960, 1920, 3600]
    assert max(delays) == 3600
    assert 23 < sum(delays) / 3600 < 27
    retries.reset()
    assert retries.delay() == 60
