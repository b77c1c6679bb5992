"""A thread that fails ends its process, so that nobody waits for an answer that will not come."""

import os
import sys
import threading

THREAD_FAILED = 70
"""Exit status when a thread failed: EX_SOFTWARE of sysexits.h."""


def install() -> None:
    """Make an exception in any thread but the main one end the process, after it is printed."""
    threading.excepthook = _end


def _end(failed: threading.ExceptHookArgs) -> None:
    try:
        import traceback  # imported here, because it makes each start longer

        traceback.print_exception(failed.exc_type, failed.exc_value, failed.exc_traceback, file=sys.stderr)
    finally:
        os._exit(THREAD_FAILED)
