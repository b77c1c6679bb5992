import asyncio
import errno
import gc
import json
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from core.errors import WorkerDiedError
from core.workers import batch_messages, messages, shared_memory
from core.workers.pool import Pool
from core.workers.shared_memory import COMMAND, PACE, PAUSE, PAUSED, READ, STATE, Control
from tests.core.workers.rig import LINUX, SLOWLY, Rig, until

pytestmark = [pytest.mark.process, pytest.mark.shipped]

BIG = 1 << 30


def gone(pid: int) -> bool:
    """Whether a process has ended, also when nobody has asked how."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_worker_goes_back_and_is_used_again(pool: Pool) -> None:
    async with pool.worker() as first:
        await first.ask(batch_messages.Drop(), messages.Done)
    async with pool.worker() as again, pool.worker() as other:
        assert again is first
        assert other is not first
        assert set(pool.busy()) == {again, other}


async def test_killed_worker_is_told_and_replaced(rig: Rig) -> None:
    with (rig.source / "a.mov").open("wb") as file:
        file.truncate(BIG)
    rig.put("b.jpg", b"b")
    async with rig.pool.worker() as worker:
        worker.slot.set(PACE, SLOWLY)
        reading = asyncio.create_task(rig.read(worker, "a.mov", keep=False))
        await until(lambda: worker.slot.get(READ) > 0)
        os.kill(worker.process.pid, signal.SIGKILL)
        with pytest.raises(WorkerDiedError):
            await reading
    await until(lambda: rig.pool.retired[READ] > 0)
    async with rig.pool.worker() as another:
        assert another.process.pid != worker.process.pid
        assert (await rig.read(another, "b.jpg"))[0].fault is None
    assert rig.pool.total(READ) > 1


async def test_caller_that_gives_up_gets_rid_of_the_worker(rig: Rig) -> None:
    with (rig.source / "a.mov").open("wb") as file:
        file.truncate(BIG)
    async with rig.pool.worker() as worker:
        worker.slot.set(COMMAND, PAUSE)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(rig.read(worker, "a.mov", keep=False), 0.2)
    await until(lambda: gone(worker.process.pid))


async def test_counts_never_go_back_when_a_worker_dies(rig: Rig) -> None:
    rig.put("a.jpg", b"12345")
    async with rig.pool.worker() as worker:
        await rig.read(worker, "a.jpg")
        os.kill(worker.process.pid, signal.SIGSTOP)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(rig.read(worker, "a.jpg"), 0.05)
        before = rig.pool.total(READ)
    seen = [rig.pool.total(READ)]
    while not gone(worker.process.pid) or rig.pool.retired[READ] == 0:
        await asyncio.sleep(0.005)
        seen.append(rig.pool.total(READ))
    assert set(seen) == {before}


async def test_worker_that_cannot_start_leaves_nothing(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EAGAIN, "no more processes")

    gc.collect()
    before = len(os.listdir("/dev/fd"))
    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "create_subprocess_exec", fail)
        for _ in range(3):
            with pytest.raises(OSError, match="no more processes"):
                async with pool.worker():
                    pass
    assert len(os.listdir("/dev/fd")) == before
    async with pool.worker() as worker:
        assert worker.number == 0


async def test_stuck_worker_does_not_keep_the_pool() -> None:
    pool = Pool()
    async with pool.worker() as worker:
        await worker.ask(batch_messages.Drop(), messages.Done)
        os.kill(worker.process.pid, signal.SIGSTOP)
        asking = asyncio.create_task(worker.ask(batch_messages.Drop(), messages.Done))
        async with asyncio.timeout(60):
            await pool.stop()
        with pytest.raises(WorkerDiedError):
            await asking
    await until(lambda: gone(worker.process.pid))


async def test_interrupt_from_the_terminal_is_not_for_workers(pool: Pool) -> None:
    async with pool.worker() as worker:
        await worker.ask(batch_messages.Drop(), messages.Done)
        os.kill(worker.process.pid, signal.SIGINT)
        await worker.ask(batch_messages.Drop(), messages.Done)
        assert os.getpgid(worker.process.pid) != os.getpgid(0)


async def test_worker_holds_no_descriptor_of_the_engine(pool: Pool) -> None:
    if not LINUX:
        pytest.skip("reads /proc")
    async with pool.worker() as one, pool.worker() as two:
        for worker in (one, two):
            await worker.ask(batch_messages.Drop(), messages.Done)
            kept = os.listdir(f"/proc/{worker.process.pid}/fd")
            assert len(kept) <= 7  # three standard ones, line, lifeline, shared area twice


async def test_memory_of_a_worker_at_work(rig: Rig) -> None:
    if not LINUX:
        pytest.skip("reads /proc")
    for number in range(500):
        rig.put(f"{number}.jpg", os.urandom(16_000))
    async with rig.pool.worker() as worker:
        for _ in range(3):
            digests = await rig.read(worker, *(f"{number}.jpg" for number in range(500)))
            await rig.stage(worker, digests)
            await rig.verify(worker)
            await rig.publish(worker)
            await worker.ask(batch_messages.Drop(), messages.Done)
        assert psutil.Process(worker.process.pid).memory_info().rss <= 40 << 20


def test_shared_area_is_memory_not_a_hole_in_a_disk() -> None:
    area = Control.create()
    facts = os.fstat(area.fd)
    assert facts.st_size == shared_memory.SLOTS * shared_memory.SLOT_BYTES
    if not LINUX:
        assert facts.st_blocks * 512 >= facts.st_size
    slot = area.slot(shared_memory.SLOTS - 1)
    slot.add(READ, 7)
    assert (slot.get(READ), area.slot(0).get(READ)) == (7, 0)
    area.clear(shared_memory.SLOTS - 1)
    assert slot.get(READ) == 0
    area.close()


ENGINE = """
import asyncio, glob, json, os, signal, sys
import psutil
from core.workers import batch_messages, messages, source_messages
from core.workers.shared_memory import COMMAND, PAUSE, PAUSED, READ, STATE
from core.workers.pool import Pool

def has_stopped(pid):
    threads = glob.glob(f"/proc/{pid}/task/*/stat") or [None]
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED and all(
        thread is None or open(thread).read().rpartition(") ")[2][0] == "T" for thread in threads
    )

async def main(folder):
    pool = Pool()
    held = [pool.worker() for _ in range(5)]
    workers = [await one.__aenter__() for one in held]
    idle, reading, paused, stopped, sending = workers
    facts = await idle.ask(source_messages.LookAtPath(os.fsencode(folder)), source_messages.Looked)
    files = [source_messages.ToRead(1, b"big.mov", 1, "videos")] * 1000
    read = source_messages.ReadBatch(facts.source, files, False)
    tasks = [asyncio.create_task(worker.ask(read, source_messages.Digests)) for worker in (reading, paused)]
    while not (reading.slot.get(READ) and paused.slot.get(READ)):
        await asyncio.sleep(0.01)
    paused.slot.set(COMMAND, PAUSE)
    while paused.slot.get(STATE) != PAUSED:
        await asyncio.sleep(0.01)
    os.kill(stopped.process.pid, signal.SIGSTOP)
    # Only what has stopped by then, with all its threads, is woken by the kernel when its parent ends (_exit(2)).
    while not has_stopped(stopped.process.pid):
        await asyncio.sleep(0.01)
    sending.writer.transport.pause_reading()
    request = source_messages.ListTree(facts.source)
    files = [source_messages.ToRead(1, b"empty" * 200, 1, "x")] * 20000
    answer = source_messages.ReadBatch(facts.source, files, False)
    tasks.append(asyncio.create_task(sending.ask(answer, source_messages.Digests)))
    print(json.dumps([worker.process.pid for worker in workers]), flush=True)
    await asyncio.sleep(600)

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_workers_go_with_the_engine(tmp_path: Path, how: signal.Signals) -> None:
    """One idle, one reading, one paused, one stopped by a signal, one that sends to nobody."""
    with (tmp_path / "big.mov").open("wb") as file:
        file.truncate(BIG)
    command = (sys.executable, "-c", ENGINE, str(tmp_path))
    engine = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert engine.stdout is not None
        pids = json.loads(await engine.stdout.readline())
        assert not any(gone(pid) for pid in pids)
        engine.send_signal(how)
        await engine.wait()
        await until(lambda: all(gone(pid) for pid in pids))
    finally:
        if engine.returncode is None:
            engine.kill()
        await engine.wait()


async def test_paused_worker_says_so(rig: Rig) -> None:
    rig.put("a.jpg", b"a")
    async with rig.pool.worker() as worker:
        worker.slot.set(COMMAND, PAUSE)
        reading = asyncio.create_task(rig.read(worker, "a.jpg"))
        await until(lambda: worker.slot.get(STATE) == PAUSED)
        assert not reading.done()
        worker.slot.set(COMMAND, shared_memory.RUN)
        assert (await reading)[0].fault is None
        assert worker.slot.get(STATE) == shared_memory.IDLE
