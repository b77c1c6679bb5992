"""Makes the start of a process cheaper; to be imported before anything that imports msgspec."""

import sys

if "typing_extensions" not in sys.modules:
    # msgspec prefers typing_extensions where that is installed, which imports inspect, ast and dis: a tenth of a
    # worker's start. Without it msgspec uses typing (msgspec/_utils.py), which has all that since Python 3.11.
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]
    try:
        import msgspec  # noqa: F401
    finally:
        del sys.modules["typing_extensions"]
