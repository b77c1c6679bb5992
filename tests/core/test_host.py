"""Which process this is, and whether another one still lives."""

import os
import subprocess
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
