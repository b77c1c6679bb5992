"""A thread that fails takes its process along at once, in every process that works for the engine."""

import subprocess
import sys

import pytest

from core import vital_threads

pytestmark = pytest.mark.process

_FAILS = """
import threading, time
from core import vital_threads
{install}
threading.Thread(target=lambda: b"\\xcd".decode(), daemon=True).start()
time.sleep({seconds})
"""


def _run(code: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=120)


def test_a_failed_thread_ends_its_process() -> None:
    ended = _run(_FAILS.format(install="vital_threads.install()", seconds=1000))
    assert ended.returncode == vital_threads.THREAD_FAILED
    assert b"UnicodeDecodeError" in ended.stderr


def test_without_it_the_process_stays() -> None:
    assert _run(_FAILS.format(install="", seconds=0.5)).returncode == 0


@pytest.mark.parametrize("module", ["core.workers.main", "core.derivatives.main"])
def test_each_worker_has_it(module: str) -> None:
    code = f"""
import os, socket, sys, threading
import {module} as main
main.leave_with_engine = lambda pipe, leave: os._exit(int(threading.excepthook is threading.__excepthook__))
line, other = socket.socketpair()
sys.argv[1:] = [str(line.detach()), str(other.detach()), "0", "0", "18"]
main.main()
"""
    ended = _run(code)
    assert ended.returncode == 0, ended.stderr
