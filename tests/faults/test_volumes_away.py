"""Volumes that go and come back in the middle of an import: real disks and FUSE, and a real engine process."""

import asyncio
import errno
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.client.client import Client
from core.models import State, Verdict, Waits
from tests.faults.away import (
    FILES,
    SIZE,
    OtherPath,
    arrived,
    check_others_go_on,
    contents,
    receipts,
    until_midway,
    until_state,
)
from tests.rigs import disks, machines, passthrough
from tests.rigs.engines import attached, card, gone, lading, request, soon, swept, the_engine
from tests.rigs.passthrough import Passthrough, Switch

pytestmark = [machines.root, pytest.mark.timeout(300)]

SLOW = Switch("write", delay=0.3, match="staging")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with swept(tmp_path / "home") as made:
        yield made


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Passthrough]:
    """An archive that takes its time, so that an import is met in the until_midway."""
    with passthrough.mounted(tmp_path / "slow") as through:
        through.set(SLOW)
        yield through


async def test_a_source_that_hangs(tmp_path: Path, home: Path) -> None:
    with passthrough.mounted(tmp_path / "nas", "sshfs") as nas:
        card(nas.below / "card", FILES, SIZE)
        nas.set(Switch("read", delay=0.05))
        async with attached(home) as client:
            (name,) = await client.start_imports([request(nas.path / "card", tmp_path / "archive")])
            await until_midway(client, name)
            hang(nas)
            await check_others_go_on(client, tmp_path)
            found = await until_state(client, name, State.PAUSED, Waits.SOURCE)
            assert "does not answer any more" in found.reason
            assert f"lading cancel {name}" in found.advice
            nas.set()
            go_on(nas)
            assert (await until_state(client, name, State.DONE)).verdict is Verdict.SAFE
        assert arrived(tmp_path / "archive") == contents(nas.below / "card")


async def test_an_archive_that_hangs(tmp_path: Path, home: Path) -> None:
    with passthrough.mounted(tmp_path / "nas", "sshfs") as nas:
        source = card(tmp_path / "card", FILES, SIZE)
        nas.set(SLOW)
        async with attached(home) as client:
            (name,) = await client.start_imports([request(source, nas.path / "archive")])
            await until_midway(client, name)
            hang(nas)
            await check_others_go_on(client, tmp_path)
            await until_state(client, name, State.PAUSED, Waits.ARCHIVE)
            nas.set()
            go_on(nas)
            assert (await until_state(client, name, State.DONE)).verdict is Verdict.SAFE
        assert arrived(nas.below / "archive") == contents(source)


@pytest.mark.parametrize("side", ["source", "archive"])
async def test_the_engine_stops_while_a_volume_hangs(tmp_path: Path, home: Path, side: str) -> None:
    with passthrough.mounted(tmp_path / "nas", "sshfs") as nas:
        source, archive = tmp_path / "card", tmp_path / "archive"
        source, archive = (nas.path / "card", archive) if side == "source" else (source, nas.path / "archive")
        card(nas.below / "card" if side == "source" else source, FILES, SIZE)
        nas.set(Switch("read", delay=0.05, match="card"), SLOW)
        async with attached(home) as client:
            (name,) = await client.start_imports([request(source, archive)])
            await until_midway(client, name)
        hang(nas)
        engine = the_engine(home)
        # At once, before anybody has noticed.
        assert lading(home, "engine", "stop").returncode == 0
        gone([engine])
        nas.set()
        go_on(nas)
        async with attached(home) as client:
            await soon(lambda: ended(client, name))
            assert (await client.find(name)).verdict is Verdict.SAFE


@pytest.mark.parametrize("code", [errno.ENOTCONN, errno.ETIMEDOUT, errno.EIO])
async def test_a_source_that_only_gives_errors(tmp_path: Path, home: Path, code: int) -> None:
    with passthrough.mounted(tmp_path / "nas", "sshfs") as nas:
        card(nas.below / "card", FILES, SIZE)
        nas.set(Switch("read", delay=0.05))
        async with attached(home) as client:
            (name,) = await client.start_imports([request(nas.path / "card", tmp_path / "archive")])
            await until_midway(client, name)
            if code == errno.ENOTCONN:
                nas.kill()
            else:
                nas.set(Switch("read", error=code))
            await until_state(client, name, State.PAUSED, Waits.SOURCE)
            nas.unmount()
            nas.set()
            nas.mount()
            assert (await until_state(client, name, State.DONE)).verdict is Verdict.SAFE
        assert arrived(tmp_path / "archive") == contents(nas.below / "card")


async def test_one_bad_file_does_not_stop_the_others(tmp_path: Path, home: Path) -> None:
    with passthrough.mounted(tmp_path / "nas") as nas:
        card(nas.below / "card", FILES, SIZE)
        nas.set(Switch("read", error=errno.EIO, match="IMG_0007"))
        async with attached(home) as client:
            (name,) = await client.start_imports([request(nas.path / "card", tmp_path / "archive")])
            done = await until_state(client, name, State.DONE)
        assert (done.archived.files, done.failed.files, done.verdict) == (FILES - 1, 1, Verdict.KEEP)


async def test_a_disk_comes_back_under_another_path(tmp_path: Path, home: Path, slow: Passthrough) -> None:
    with disks.disk(tmp_path, "ext4", 256 << 20) as disk, OtherPath(tmp_path, disk) as elsewhere:
        card(disk.path / "card", FILES, SIZE)
        disk.flush()
        async with attached(home) as client:
            (name,) = await client.start_imports([request(disk.path / "card", slow.path)])
            await until_midway(client, name)
            disk.unmount(lazy=True)
            assert (await until_state(client, name, State.PAUSED, Waits.SOURCE)).todo.files > 0
            slow.set()
            change(tmp_path, disk)
            disks.run("mount", disk.device, str(elsewhere))
            done = await until_state(client, name, State.DONE)
        assert (done.archived.files, done.verdict) == (FILES + 1, Verdict.SAFE)
        assert done.source == str(elsewhere / "card")
        assert arrived(slow.below) == contents(elsewhere / "card")


async def test_a_disk_that_is_pulled_out(tmp_path: Path, home: Path, slow: Passthrough) -> None:
    with disks.disk(tmp_path, "ext4", 256 << 20) as disk:
        card(disk.path / "card", FILES, SIZE)
        disk.remount()
        async with attached(home) as client:
            (name,) = await client.start_imports([request(disk.path / "card", slow.path)])
            await until_midway(client, name)
            disk.cut_power()
            assert (
                "cannot be read any more" in (await until_state(client, name, State.PAUSED, Waits.SOURCE)).reason
            )
            slow.set()
            disk.remount()
            assert (await until_state(client, name, State.DONE)).verdict is Verdict.SAFE
        assert arrived(slow.below) == contents(disk.path / "card")


async def test_what_a_person_has_paused_stays_paused(tmp_path: Path, home: Path, slow: Passthrough) -> None:
    with disks.disk(tmp_path, "ext4", 256 << 20) as disk:
        async with attached(home) as client:
            for waiting in (False, True):
                card(disk.path / f"card {waiting}", FILES, SIZE)
                (name,) = await client.start_imports([request(disk.path / f"card {waiting}", slow.path)])
                await until_midway(client, name)
                if not waiting:
                    await client.pause_import(name)
                disk.unmount(lazy=True)
                if waiting:
                    await until_state(client, name, State.PAUSED, Waits.SOURCE)
                    await client.pause_import(name)
                slow.set()
                disk.mount()
                # Long enough for whoever looks for volumes.
                await asyncio.sleep(5)
                record = await client.find(name)
                assert (record.state, record.reason) == ("paused", "by the user")
                await client.resume_import(name)
                assert (await until_state(client, name, State.DONE)).verdict is Verdict.SAFE
                slow.set(SLOW)


async def test_an_engine_that_starts_anew_still_waits(tmp_path: Path, home: Path, slow: Passthrough) -> None:
    with disks.disk(tmp_path, "ext4", 256 << 20) as disk:
        card(disk.path / "card", FILES, SIZE)
        async with attached(home) as client:
            (name,) = await client.start_imports([request(disk.path / "card", slow.path)])
            await until_midway(client, name)
            disk.unmount(lazy=True)
            await until_state(client, name, State.PAUSED, Waits.SOURCE)
        engine = the_engine(home)
        engine.send_signal(signal.SIGKILL)
        gone([engine])
        async with attached(home) as client:
            assert (await client.find(name)).state == "paused"
            slow.set()
            disk.mount()
            await soon(lambda: ended(client, name))
            assert (await client.find(name)).verdict is Verdict.SAFE


async def test_a_source_that_never_comes_back_is_closed(tmp_path: Path, home: Path, slow: Passthrough) -> None:
    with disks.disk(tmp_path, "ext4", 256 << 20) as disk:
        card(disk.path / "card", FILES, SIZE)
        async with attached(home) as client:
            (name,) = await client.start_imports([request(disk.path / "card", slow.path)])
            await until_midway(client, name)
            disk.unmount(lazy=True)
            left = await until_state(client, name, State.PAUSED, Waits.SOURCE)
        assert lading(home, "resume", name).returncode != 0
        closed = lading(home, "cancel", name)
        assert closed.returncode == 0, closed.stderr
        async with attached(home) as client:
            await soon(lambda: ended(client, name))
            record = await client.find(name)
        assert (record.state, record.verdict) == ("cancelled", Verdict.KEEP)
        # What was under its name, but not yet in the catalog, is found in the archive.
        assert record.archived >= left.archived.files
        assert record.archived + record.todo == record.seen
        receipt = lading(home, "receipt", name)
        assert "KEEP" in receipt.stdout
        assert receipts(slow.below, name) == 1
        assert len(arrived(slow.below)) == record.archived


async def ended(client: Client, name: str) -> bool:
    """Whether an import is at its end, by the catalog."""
    return (await client.find(name)).state in (State.DONE, State.CANCELLED)


def hang(through: Passthrough) -> None:
    """From now on nothing below the mount point ever returns."""
    assert through.process
    os.killpg(through.process.pid, signal.SIGSTOP)


def go_on(through: Passthrough) -> None:
    """The reverse."""
    assert through.process
    os.killpg(through.process.pid, signal.SIGCONT)


def change(folder: Path, disk: disks.Disk) -> None:
    """Put another file on a disk while it is away."""
    (folder / "desk").mkdir()
    disk.let_go()
    device = disks.attach(disk.image)
    try:
        disks.run("mount", device, str(folder / "desk"))
        (folder / "desk" / "card" / "NEW.JPG").write_bytes(os.urandom(SIZE))
        disks.unmount(folder / "desk")
    finally:
        disks.detach(device)
