"""A worker process: it carries out one request after the other, until the engine is gone."""

import os
import signal
import sys

import core.light_start  # noqa: F401
from core import vital_threads
from core.files.dataless import fetch
from core.files.descriptor_limit import raise_limit
from core.ipc import Line, leave_with_engine
from core.workers.decoders import decoder_of
from core.workers.dispatch import Dispatcher
from core.workers.messages import Request
from core.workers.shared_memory import Control


def main() -> None:
    """Arguments: the descriptors of the pipe, the lifeline and the shared memory, the slot's number, the umask."""
    line_fd, lifeline, control_fd, number, umask = (int(argument) for argument in sys.argv[1:6])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(umask)
    vital_threads.install()
    leave_with_engine(lifeline, lambda: os._exit(0))
    # Files that are only in iCloud are fetched only where a source asks for it.
    fetch(False)
    raise_limit()
    worker = Dispatcher(Control(control_fd).slot(number))
    line = Line(line_fd, decoder_of(Request))
    try:
        while True:
            worker.wait(line.waits)
            line.send(worker.answer(line.receive()))
    except EOFError:
        os._exit(0)


if __name__ == "__main__":
    main()
