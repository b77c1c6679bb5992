"""A worker process: one request after the other, until the engine is gone."""

import os
import resource
import signal
import socket
import sys
from contextlib import suppress

from core.workers.control import Control
from core.workers.line import Line, leave_with_engine
from core.workers.worker import Worker

DESCRIPTORS = 4096
"""Open files wanted; macOS starts with 256."""


def main() -> None:
    """Arguments: the descriptors of the line, the lifeline and the shared area, and the slot's number."""
    line_fd, lifeline, control_fd, number = (int(argument) for argument in sys.argv[1:5])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o022)
    leave_with_engine(lifeline)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    worker = Worker(Control(control_fd).slot(number))
    with socket.socket(fileno=line_fd) as connection:
        line = Line(connection)
        try:
            while True:
                worker.wait(line.waits)
                line.send(worker.answer(line.receive()))
        except EOFError:
            os._exit(0)


if __name__ == "__main__":
    main()
