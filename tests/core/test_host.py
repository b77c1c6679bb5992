"""Which process this is, and whether another one still lives."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from core import host
from core.archives import lock
from core.archives.lock import Holder

pytestmark = pytest.mark.process


def test_this_process_has_started() -> None:
    pid, started = host.myself()
    assert pid == os.getpid()
    assert 0 < started <= time.time()


def test_a_process_that_has_ended_does_not_run_even_if_nobody_has_asked() -> None:
    with subprocess.Popen(["true"]) as process:
        one = psutil.Process(process.pid)
        started = one.create_time()
        while one.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        assert not host.runs(process.pid, started)
    assert not host.runs(process.pid, started)


def test_a_process_is_known_by_its_start() -> None:
    pid, started = host.myself()
    assert host.runs(pid, started)
    assert not host.runs(pid, started - 60)


def test_a_process_that_the_system_does_not_tell_of_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(process: psutil.Process) -> float:
        raise psutil.AccessDenied(process.pid)

    pid = os.getppid()
    monkeypatch.setattr(psutil.Process, "create_time", refuse)
    assert host.runs(pid, 1.0)
    # So its lock is not taken from it.
    holder = Holder("e" * 32, host.machine(), host.host(), "anna", pid, 1.0, "2026-01-01T00:00:00+00:00")
    monkeypatch.setattr(host, "myself", lambda: (1, 0.0))
    assert not lock.holder_is_gone(holder)


@pytest.mark.skipif(sys.platform != "linux", reason="macOS keeps the time of day at which a process began")
def test_a_clock_that_was_set_ends_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux reckons the start of the system from the clock as it is now, and psutil adds to that."""
    told = psutil.Process.create_time
    with subprocess.Popen(["sleep", "1000"]) as process:
        started, born = psutil.Process(process.pid).create_time(), host.birth(process.pid)
        monkeypatch.setattr(psutil.Process, "create_time", lambda one: told(one) + 3600.0)
        assert host.runs(process.pid, started, born)
        place = (host.machine(), host.host(), "anna")
        holder = Holder("e" * 32, *place, process.pid, started, "then", born=born)
        assert not lock.holder_is_gone(holder), "it holds the archive still"
        me = os.getpid()
        mine = Holder("f" * 32, *place, me, told(psutil.Process()), "then", born=host.birth(me))
        assert lock.holder_is_gone(mine), "this process holds no lock of that name"
        monkeypatch.setattr(lock, "_held", {mine.engine})
        assert not lock.holder_is_gone(mine)
        process.kill()
    assert not host.runs(process.pid, started, born)
    assert lock.holder_is_gone(holder)
    assert host.birth(process.pid) == ""


@pytest.mark.skipif(sys.platform != "linux", reason="macOS keeps the time of day at which a process began")
def test_a_process_with_the_id_of_another_is_not_that_one() -> None:
    pid, started = host.myself()
    assert host.runs(pid, started, host.birth(pid))
    boot, _, began = host.birth(pid).partition(" ")
    assert not host.runs(pid, started, f"{boot} {int(began) - 1}")
    assert not host.runs(pid, started, f"00000000-0000-0000-0000-000000000000 {began}")


@pytest.mark.parametrize("boottime", [True, False])
def test_uptime_is_of_a_clock_that_nobody_sets(monkeypatch: pytest.MonkeyPatch, boottime: bool) -> None:
    if not boottime:
        monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert 0 < time.monotonic() <= host.uptime() < 10**9
