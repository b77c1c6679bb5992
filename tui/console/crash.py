"""Unexpected errors: the traceback is written to a file, and reported in one line."""

import os
import tempfile
import time
import traceback
from collections.abc import Mapping

from core import ownership
from core.errors import ConfigError
from core.paths import display


def report(error: BaseException, environ: Mapping[str, str]) -> str:
    """Write the traceback to the state folder's log. Returns the line that says so."""
    what = display(f"{type(error).__name__}: {error}")
    try:
        where = f"Its traceback is in {display(keep(error, environ))}; please report it."
    except (OSError, ConfigError) as reason:
        text = "".join(traceback.format_exception(error))
        why = reason.strerror if isinstance(reason, OSError) else reason.cause
        where = f"Its traceback could not be written ({why}): {display(text)}"
    return f"Unexpected error: {what}. {where}"


def keep(error: BaseException, environ: Mapping[str, str]) -> str:
    """Write the traceback to a new file. Returns its path. Raises OSError; ConfigError when the state folder is
    another user's."""
    home = _home(environ)
    ownership.check(home)
    folder = os.path.join(home, "log")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    prefix = time.strftime("crash-%Y%m%d-%H%M%S-")
    fd, path = tempfile.mkstemp(prefix=prefix, suffix=".txt", dir=folder)
    with open(fd, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write("".join(traceback.format_exception(error)))
    return path


def _home(environ: Mapping[str, str]) -> str:
    from core.config import default_home

    return os.path.abspath(os.path.expanduser(environ.get("LADING_HOME") or default_home()))
