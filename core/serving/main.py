"""The process that serves. The command that started it only waits for it: a call into a dead mount never returns,
and the process that made it cannot even exit before it does.

On standard input it gets one line of JSON, the arguments of `Serving`, and it exits when that is closed. On
standard output it writes lines of JSON: where it listens, or why it does not, and then which files are damaged.
"""

import json
import os
import sys
import threading

from core.errors import ArchiveError
from core.files.descriptor_limit import raise_limit
from core.serving.server import Serving

SWITCH_INTERVAL = 0.0005
"""Seconds that a thread may go on while others wait for the interpreter: a tenth of the time of small files."""


def main() -> None:
    """Serve until the process that started it has ended."""
    raise_limit()
    wanted = json.loads(sys.stdin.readline())
    try:
        serving = Serving(
            **wanted, damaged=lambda file, why: say(path=file.path, xxh128=file.xxh128.hex(), why=why)
        )
    except ArchiveError as error:
        say(archive=error.cause, advice=error.advice)
        return
    except OSError as error:
        say(address=error.strerror or str(error))
        return
    # A request is handed from thread to thread, and each waits so long for one that computes (5 ms without this).
    sys.setswitchinterval(SWITCH_INTERVAL)
    threading.Thread(target=_leave, name="lifeline", daemon=True).start()
    say(port=serving.port, token=serving.token)
    serving.run()


def say(**facts: object) -> None:
    """Write one line of JSON."""
    print(json.dumps(facts), flush=True)  # noqa: T201 - what was asked for


def _leave() -> None:
    sys.stdin.read()
    # Clients that are still being served have lost the server anyway.
    os._exit(0)


if __name__ == "__main__":
    main()
