"""A maker process: it carries out one order after the other, until the engine is gone."""

import core.light_start  # noqa: F401

# isort: split
import os
import signal
import sys
import warnings
from collections.abc import Callable
from typing import Never

import msgspec

from core import vital_threads
from core.derivatives import libav, proxy, resource_limits, strip, thumbnails
from core.derivatives.messages import (
    Made,
    MakeStrip,
    MakeThumbnails,
    Order,
    OrderRefusedError,
    Probed,
    ProbeFilm,
    Refused,
    Step,
)
from core.ipc import Line, leave_with_engine


def main() -> None:
    """Arguments: the descriptors of the connection to the engine and of the lifeline."""
    line_fd, lifeline = (int(argument) for argument in sys.argv[1:3])
    # The programs it starts must not inherit these descriptors.
    os.set_inheritable(line_fd, False)
    os.set_inheritable(lifeline, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    vital_threads.install()
    leave_with_engine(lifeline, leave)
    resource_limits.step_back()
    warnings.simplefilter("ignore")
    line = Line(line_fd, msgspec.msgpack.Decoder(Order))
    try:
        while True:
            order = line.receive()
            line.send(answer(order, lambda fraction: line.send(Step(fraction))))
    except EOFError:
        leave()


def answer(order: Order, report: Callable[[float], None]) -> Made | Probed | Refused:
    """Carry out an order. Raises only EOFError, when the engine is gone."""
    try:
        if isinstance(order, ProbeFilm):
            return libav.probe(order)
        if isinstance(order, MakeThumbnails):
            return thumbnails.make(order, report)
        if isinstance(order, MakeStrip):
            return strip.make(order, report)
        return proxy.make(order, report)
    except OrderRefusedError as error:
        return Refused(str(error), error.final, error.damaged)
    except EOFError:
        raise
    except OSError as error:
        return Refused(error.strerror or str(error), final=False)
    except Exception as error:
        return Refused(f"{type(error).__name__}: {error}", final=False)


def leave() -> Never:
    """End this process and every program it runs, which are in its process group."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(0)


if __name__ == "__main__":
    main()
