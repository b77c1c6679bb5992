"""What macOS keeps from programs without permission, and what to switch on.

Apple, "Controlling app access to files in macOS": removable and network volumes, Desktop, Documents, Downloads,
iCloud Drive and the photo library are protected. A program started over SSH has the permissions that Remote Login
gives (Apple, "Allow a remote computer to access your Mac").

The rest is not documented, and reported by others: opening fails with EPERM; a program that launchd runs has its
own permissions, any other those of the program that started it (rjwalters/loom#3980); when a terminal is updated
or removed, its permissions are gone, also during an import (herdrdev/herdr#3028).
"""

import errno
import os
import sys
from collections.abc import Mapping, Sequence

from core.paths import display
from core.threads import each
from core.volumes.probe import NO_ANSWER, probe

REMOTE_LOGIN = (
    "Switch on System Settings > General > Sharing > Remote Login > (i) > Allow full disk access for remote "
    "users, then: lading engine stop."
)
LOCAL = (
    "Switch on System Settings > Privacy & Security > Full Disk Access for your terminal, open it anew, then: "
    "lading engine stop."
)

ON_SCREEN = "or answer the question on this Mac's screen"


def launchd_advice(program: str = sys.executable) -> str:
    """The advice for a job of launchd(8): the permission is given to the job's interpreter `program`, because such
    a job is its own responsible process (rjwalters/loom#3980).

    If `program` is a link, as in a virtual environment, macOS looks at the file that the link leads to.
    """
    real = os.path.realpath(program)
    also = f" (which is {display(real)})" if real != program else ""
    return (
        f"Switch on System Settings > Privacy & Security > Full Disk Access for the program "
        f"{display(program)}{also}, again after each update of it, then: lading engine stop."
    )


def permission_advice(
    code: int, environ: Mapping[str, str], system: str = sys.platform, program: str = sys.executable
) -> str:
    """The advice which permission to switch on, after macOS refused a call with the errno `code`; empty when a
    missing permission was not the cause.

    `environ` is that of the program that was refused, `program` the interpreter that runs it.
    """
    if system != "darwin" or code != errno.EPERM:
        return ""
    if environ.get("SSH_CONNECTION"):
        return REMOTE_LOGIN
    return launchd_advice(program) if _is_job_label(environ.get("XPC_SERVICE_NAME", "")) else LOCAL


def _is_job_label(service: str) -> bool:
    """Whether XPC_SERVICE_NAME is the label of a job of launchd(8): in a terminal it is 0 or the application's.

    That is not documented; tests/faults/mac.sh tells what it is in each kind of session."""
    return service not in ("", "0") and not service.startswith("application.")


def no_answer_advice(advice: str, system: str = sys.platform) -> str:
    """The advice for a volume that does not answer; on macOS it may wait for a question on the screen."""
    return f"{advice.removesuffix('.')}, {ON_SCREEN}." if system == "darwin" else advice


def warning(environ: Mapping[str, str], system: str = sys.platform) -> str:
    """A sentence about what macOS may keep from a program that was started over SSH; empty for any other program,
    and on other systems."""
    if system != "darwin" or not environ.get("SSH_CONNECTION"):
        return ""
    return f"Under SSH macOS may keep cards and pictures from this program. {REMOTE_LOGIN}"


def refusals(paths: Sequence[str]) -> dict[str, str]:
    """The system's error for each path, empty where there is none; checked in parallel, in child processes."""
    looks = each(lambda path: probe(os.fsencode(path)), paths)
    return {path: looked.error for path, looked in zip(paths, looks, strict=True)}


def blocked_lines(errors: Mapping[str, str], environ: Mapping[str, str], system: str = sys.platform) -> list[str]:
    """One line for each path that macOS keeps from this program, or may keep from it, by the errors of
    `refusals`."""
    told = permission_advice(errno.EPERM, environ, system)
    if not told:
        return []
    refused = [path for path, error in errors.items() if error == os.strerror(errno.EPERM)]
    silent = [path for path, error in errors.items() if error == NO_ANSWER]
    return [f"macOS keeps {display(path)} from this program. {told}" for path in refused] + [
        f"{display(path)} does not answer. {no_answer_advice('Plug it in again, or remount it.', system)}"
        for path in silent
    ]
