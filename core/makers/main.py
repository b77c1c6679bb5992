"""A maker process: one order after the other, until the engine is gone."""

import os
import signal
import socket
import sys
import warnings
from collections.abc import Callable

from core.makers import manners, proxy, thumbnails
from core.makers.line import Line, leave, leave_with_engine
from core.makers.messages import Made, MakeThumbnails, Order, Refused, RefusedError, Step


def main() -> None:
    """Arguments: the descriptors of the line and of the lifeline."""
    line_fd, lifeline = (int(argument) for argument in sys.argv[1:3])
    # What is open here is not for the programs it starts.
    os.set_inheritable(line_fd, False)
    os.set_inheritable(lifeline, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leave_with_engine(lifeline)
    manners.step_back()
    warnings.simplefilter("ignore")
    with socket.socket(fileno=line_fd) as connection:
        line = Line(connection)
        try:
            while True:
                order = line.receive()
                line.send(answer(order, lambda fraction: line.send(Step(fraction))))
        except EOFError:
            leave()


def answer(order: Order, report: Callable[[float], None]) -> Made | Refused:
    """Carry out an order; never raises but EOFError, when the engine is gone."""
    try:
        if isinstance(order, MakeThumbnails):
            return thumbnails.make(order, report)
        return proxy.make(order, report)
    except RefusedError as error:
        return Refused(str(error), error.final)
    except EOFError:
        raise
    except OSError as error:
        return Refused(error.strerror or str(error), final=False)
    except Exception as error:
        return Refused(f"{type(error).__name__}: {error}", final=False)


if __name__ == "__main__":
    main()
