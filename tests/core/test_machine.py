"""Which process this is, and whether another one still lives."""

import os
import subprocess
import time

import psutil

from core import machine


def test_this_process_has_started() -> None:
    pid, started = machine.myself()
    assert pid == os.getpid()
    assert 0 < started <= time.time()


def test_a_process_that_has_ended_is_none_even_if_nobody_has_asked() -> None:
    with subprocess.Popen(["true"]) as process:
        one = psutil.Process(process.pid)
        while one.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        assert machine.started(process.pid) is None
    assert machine.started(process.pid) is None
