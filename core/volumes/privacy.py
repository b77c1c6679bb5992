"""What macOS keeps from programs that have not been let in, and what to switch on.

Apple, "Controlling app access to files in macOS": removable and network volumes, Desktop, Documents, Downloads,
iCloud Drive and the photo library are closed, and opening them fails with EPERM. A program started over SSH has
the rights of the SSH server, an engine those of whoever started it.
"""

import errno
import os
import sys
from collections.abc import Mapping, Sequence

from core.beside import each
from core.paths import display
from core.volumes.probe import probe

REMOTE = (
    "Switch on System Settings > General > Sharing > Remote Login > (i) > Allow full disk access for remote "
    "users, then: lading engine stop."
)
LOCAL = (
    "Switch on System Settings > Privacy & Security > Full Disk Access for your terminal, open it anew, then: "
    "lading engine stop."
)


def switch(code: int, environ: Mapping[str, str], system: str = sys.platform) -> str:
    """What to switch on after macOS has refused something with the errno `code`; empty when that was not it."""
    if system != "darwin" or code != errno.EPERM:
        return ""
    return REMOTE if environ.get("SSH_CONNECTION") else LOCAL


def warning(environ: Mapping[str, str], system: str = sys.platform) -> str:
    """What a program that was started over SSH may come to meet on this system; empty where that is nothing."""
    if system != "darwin" or not environ.get("SSH_CONNECTION"):
        return ""
    return f"Under SSH macOS may keep cards and pictures from this program. {REMOTE}"


def refusals(paths: Sequence[str], timeout: float = 5.0) -> dict[str, str]:
    """The system's complaint about each path, empty where there is none; looked at side by side, in children."""
    looks = each(lambda path: probe(os.fsencode(path), timeout), paths)
    return {path: looked.error for path, looked in zip(paths, looks, strict=True)}


def blocks(errors: Mapping[str, str], environ: Mapping[str, str], system: str = sys.platform) -> list[str]:
    """One line for each path that macOS keeps from this program, by the complaints about them."""
    told = switch(errno.EPERM, environ, system)
    refused = [path for path, error in errors.items() if error == os.strerror(errno.EPERM)]
    return [f"macOS keeps {display(path)} from this program. {told}" for path in refused] if told else []
