"""The programs Lading asks others to do its work with: where they are, how new, how to get them."""

import os
import platform
import re
import shutil
import sys
from collections.abc import Mapping
from typing import Literal

import msgspec

from core import command

Name = Literal["exiftool", "ffmpeg", "ffprobe"]

HOMEBREW = ("/opt/homebrew/bin", "/usr/local/bin")
"""Where Homebrew puts programs on Apple silicon and on Intel (docs.brew.sh: Installation).

sshd(8) on macOS gives a command neither of them in PATH.
"""


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """One program.

    path: absolute; None when it was not found.
    version: as the program says it; None when it was not found or did not say.
    minimum: the lowest version that will do; None when any will.
    new_enough: False for one that is missing, too old, or gave no version where one is asked for.
    install: the one command that installs it, to be typed as it is, or a hint where none is known.
    """

    name: Name
    path: str | None
    version: str | None
    minimum: str | None
    new_enough: bool
    install: str


class _Known(msgspec.Struct, frozen=True):
    ask: str
    answer: str
    minimum: str | None
    brew: str
    apt: str


_FFMPEG = _Known("-version", r"ff(?:mpeg|probe) version (\S+)", None, "ffmpeg", "ffmpeg")
_KNOWN: dict[Name, _Known] = {
    # Before 12.38 a file name that ends in a pipe sign ran a command (CVE-2022-23935).
    "exiftool": _Known("-ver", r"(\d+\.\d+)", "12.38", "exiftool", "libimage-exiftool-perl"),
    "ffmpeg": _FFMPEG,
    "ffprobe": _FFMPEG,
}


def tools(timeout: float = 10.0) -> list[Tool]:
    """Every program Lading can use, in a fixed order; each has `timeout` seconds to say its version."""
    return [tool(name, timeout) for name in _KNOWN]


def tool(name: Name, timeout: float = 10.0, search: str | None = None) -> Tool:
    """The program `name` as `find` finds it; it has `timeout` seconds to say its version."""
    known = _KNOWN[name]
    path = find(name, search)
    version = None
    if path:
        answer = command.ask([path, known.ask], timeout)
        version = parse_version(name, answer.output) if answer else None
    return Tool(
        name=name,
        path=path,
        version=version,
        minimum=known.minimum,
        new_enough=path is not None and at_least(version, known.minimum),
        install=install(name, sys.platform, os_release(), root=os.geteuid() == 0),
    )


def find(name: str, search: str | None = None) -> str | None:
    """The absolute path of `name` on PATH (or `search`, of that form), or where Homebrew installs; else None."""
    path = shutil.which(name, path=search) or shutil.which(name, path=os.pathsep.join(HOMEBREW))
    return os.path.abspath(path) if path else None


def parse_version(name: Name, output: bytes) -> str | None:
    """The version in what the program `name` prints when asked for it; None when there is none."""
    found = re.match(_KNOWN[name].answer, output.decode("utf-8", "replace").strip())
    return found[1] if found else None


def at_least(version: str | None, minimum: str | None) -> bool:
    """Whether `version` is `minimum` or later, part by part as numbers; always true without a minimum."""
    return minimum is None or (version is not None and _numbers(version) >= _numbers(minimum))


def install(name: Name, system: str, release: Mapping[str, str], *, root: bool) -> str:
    """The command that installs the program `name`.

    `system` is as `sys.platform`, `release` has the fields of os-release(5), `root` says who will type it.
    Homebrew on macOS, apt-get on Debian and what is like it; elsewhere a plain hint.
    """
    known = _KNOWN[name]
    if system == "darwin":
        return f"brew install {known.brew}"
    if {"debian", "ubuntu"} & {release.get("ID", ""), *release.get("ID_LIKE", "").split()}:
        return ("" if root else "sudo ") + f"apt-get install -y {known.apt}"
    return f"install {known.brew} with the system's package manager"


def os_release() -> dict[str, str]:
    """The fields of os-release(5); empty where there is no such file, as on macOS."""
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]
