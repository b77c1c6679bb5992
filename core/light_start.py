"""Makes the start of a process cheaper; to be imported before anything that imports msgspec or asyncio."""

import sys


def import_without(module: str, left_out: str) -> None:
    """Import `module`, which does without the module `left_out` where that is not installed. It has no effect when
    one of the two is loaded already."""
    if left_out in sys.modules:
        return
    sys.modules[left_out] = None  # type: ignore[assignment]
    try:
        __import__(module)
    finally:
        del sys.modules[left_out]


def import_asyncio() -> None:
    """Import asyncio without ssl, whose library takes a sixth of asyncio's time to load. asyncio needs it for TLS
    connections only (asyncio/base_events.py, sslproto.py), and this program makes none through asyncio."""
    import_without("asyncio", "ssl")


# msgspec prefers typing_extensions where that is installed, which imports inspect, ast and dis: a tenth of a
# worker's start. Without it msgspec uses typing (msgspec/_utils.py), which has all that since Python 3.11.
import_without("msgspec", "typing_extensions")
