"""Opening a file with the system's program for it, from the app and from commands."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping

from core.errors import UsageError

TITLE = "No viewer"

BEGINNING = 2.0
"""Seconds in which a program that cannot open a file ends. open(1), and xdg-open with most viewers, end at once,
too; with others xdg-open stays as long as they do."""


def program(system: str, environ: Mapping[str, str], instead: str) -> str:
    """The path of the program that opens files with what a person has chosen for them. `instead`: what else can be
    done. Raises UsageError where there is none, or it would show nothing to this person.

    open(1) works over SSH, but on the Mac's own screen, before which somebody else may sit. An X server may be
    forwarded, so DISPLAY counts over SSH.
    """
    if environ.get("SSH_CONNECTION") if system == "darwin" else not _display(environ):
        raise UsageError("no display here.", instead, title=TITLE)
    name = "open" if system == "darwin" else "xdg-open"
    found = shutil.which(name, path=environ.get("PATH"))
    if found is None:
        raise UsageError(f"{name} is not installed (xdg-utils).", instead, title=TITLE)
    return found


def show(path: str, instead: str, system: str = sys.platform) -> None:
    """Open a file in a viewer, and leave that to itself. Blocks for BEGINNING at most. Raises UsageError."""
    opener = program(system, os.environ, instead)
    try:
        # The viewer is cut off from this terminal: it cannot write or read there, and survives its end.
        child = subprocess.Popen(
            [opener, path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise UsageError(f"{opener} cannot be started: {error.strerror}.", instead, title=TITLE) from error
    try:
        status = child.wait(BEGINNING)
    except subprocess.TimeoutExpired:
        # A thread waits for the viewer's end, so that it does not stay a zombie.
        threading.Thread(target=child.wait, name="viewer", daemon=True).start()
        return
    if status:
        told = f"{os.path.basename(opener)} ended with {status}: perhaps nothing is installed for such files."
        raise UsageError(told, instead, title=TITLE)


def _display(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
