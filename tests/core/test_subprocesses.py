"""Asking a program that may never answer."""

import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from core import subprocesses

pytestmark = pytest.mark.process

SLEEP = "exec sleep 60"
STOP = "kill -STOP $$; echo woken"


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    for process in subprocesses.left_running:
        process.send_signal(signal.SIGKILL)
        process.wait(60)
    subprocesses.left_running.clear()


def test_an_answer_has_output_and_status() -> None:
    assert subprocesses.ask(["sh", "-c", "pwd; read x || exit 3"], 60) == subprocesses.Completed(3, b"/\n")


def test_a_program_that_does_not_exist_gives_no_answer() -> None:
    assert subprocesses.ask(["no such program"], 10) is None


@pytest.mark.parametrize("script", [SLEEP, STOP])
def test_a_program_that_hangs_is_killed(script: str) -> None:
    assert subprocesses.ask(["sh", "-c", script], 0.2) is None
    (process,) = subprocesses.left_running
    process.wait(60)
    assert process.returncode == -signal.SIGKILL


def test_one_that_cannot_be_killed_is_neither_waited_for_nor_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # A process that waits on a dead mount ignores SIGKILL; one that is never sent it looks the same from here.
    argv: list[str | bytes] = ["sh", "-c", STOP]
    with monkeypatch.context() as patch:
        patch.setattr(subprocess.Popen, "kill", lambda self: None)
        start = time.monotonic()
        assert subprocesses.ask(argv, 0.2) is None
        assert subprocesses.ask(argv, 60) is None
        assert time.monotonic() - start < 30
        assert len(subprocesses.left_running) == 1
        assert subprocesses.ask(["echo", "other"], 60) == subprocesses.Completed(0, b"other\n")
    subprocesses.left_running[0].send_signal(signal.SIGKILL)
    subprocesses.left_running[0].wait(60)
    assert subprocesses.ask(["sh", "-c", "echo back"], 60) == subprocesses.Completed(0, b"back\n")
    assert subprocesses.left_running == []
