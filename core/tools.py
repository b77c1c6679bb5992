"""The external programs that Lading uses: their paths, their versions, how to install them."""

import os
import platform
import re
import shutil
import sys
from collections.abc import Mapping
from typing import Literal

import msgspec

from core import subprocesses

Name = Literal["exiftool", "ffmpeg", "ffprobe"]

HOMEBREW = ("/opt/homebrew/bin", "/usr/local/bin")
"""Where Homebrew installs programs on Apple silicon and on Intel (docs.brew.sh: Installation).

sshd(8) puts neither of them into a command's PATH: that is _PATH_STDPATH (OpenSSH, session.c: do_setup_env).
"""


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """One program.

    path: absolute; None when it was not found.
    version: as the program reports it; None when it was not found or did not report one.
    minimum: the lowest version that can be used; None when any can.
    new_enough: False for one that is missing, too old, or reported no version where one is required.
    faults: known faults of this version, as sentences for a person; it is used all the same.
    install: the one command that installs it, or a hint where none is known.
    """

    name: Name
    path: str | None
    version: str | None
    minimum: str | None
    new_enough: bool
    install: str
    faults: tuple[str, ...] = ()


class _Known(msgspec.Struct, frozen=True):
    ask: str
    answer: str
    minimum: str | None
    brew: str
    apt: str


_FFMPEG = _Known("-version", r"ff(?:mpeg|probe) version (\S+)", None, "ffmpeg", "ffmpeg")
_KNOWN: dict[Name, _Known] = {
    # Before 12.38 a file name that ends in a pipe character ran a command (CVE-2022-23935).
    "exiftool": _Known("-ver", r"(\d+\.\d+)", "12.38", "exiftool", "libimage-exiftool-perl"),
    "ffmpeg": _FFMPEG,
    "ffprobe": _FFMPEG,
}


class _Fault(msgspec.Struct, frozen=True):
    name: Name
    fixed: str
    system: str
    what: str


_FAULTS = (
    # CVE-2026-3102; exiftool's history: "Security update (MacOS only)". Lading only reads with it, and never
    # writes.
    _Fault("exiftool", "13.50", "darwin", "a picture's date could run a command where exiftool writes to files"),
    # FFmpeg's Changelog, version 8.0: ProRes RAW decoder.
    _Fault("ffmpeg", "8.0", "", "ffmpeg cannot decode ProRes RAW: such films have no thumbnail and no proxy"),
)


def tools(timeout: float = 10.0) -> list[Tool]:
    """Every program that Lading can use, in a fixed order; each has `timeout` seconds to report its version."""
    return [tool(name, timeout) for name in _KNOWN]


def tool(name: Name, timeout: float = 10.0, search: str | None = None) -> Tool:
    """The program `name` as `find` finds it; it has `timeout` seconds to report its version."""
    known = _KNOWN[name]
    path = find(name, search)
    version = None
    if path:
        answer = subprocesses.ask([path, known.ask], timeout)
        version = parse_version(name, answer.output) if answer else None
    return Tool(
        name=name,
        path=path,
        version=version,
        minimum=known.minimum,
        new_enough=path is not None and at_least(version, known.minimum),
        install=install(name, sys.platform, os_release(), root=os.geteuid() == 0),
        faults=faults(name, version, sys.platform),
    )


def faults(name: Name, version: str | None, system: str) -> tuple[str, ...]:
    """Known faults of this version of a program on that system (as `sys.platform`)."""
    return tuple(
        f"Before {one.fixed} {one.what}."
        for one in _FAULTS
        if one.name == name and one.system in ("", system) and version and not at_least(version, one.fixed)
    )


def find(name: str, search: str | None = None) -> str | None:
    """The absolute path of `name` on PATH (or `search`, in the same form), or where Homebrew installs; else
    None."""
    path = shutil.which(name, path=search) or shutil.which(name, path=os.pathsep.join(HOMEBREW))
    return os.path.abspath(path) if path else None


def parse_version(name: Name, output: bytes) -> str | None:
    """The version in what the program `name` prints when asked for it; None when it cannot be parsed."""
    found = re.match(_KNOWN[name].answer, output.decode("utf-8", "replace").strip())
    return found[1] if found else None


def at_least(version: str | None, minimum: str | None) -> bool:
    """Whether `version` is `minimum` or later, part by part as numbers; always true without a minimum."""
    return minimum is None or (version is not None and _numbers(version) >= _numbers(minimum))


def install(name: Name | Literal["rclone"], system: str, release: Mapping[str, str], *, root: bool) -> str:
    """The command that installs the program `name`.

    `system` is as `sys.platform`, `release` has the fields of os-release(5), `root`: the command will be run by
    root. Homebrew on macOS, apt-get on Debian and similar systems; elsewhere a plain hint.
    """
    brew, apt = (name, name) if name == "rclone" else (_KNOWN[name].brew, _KNOWN[name].apt)
    if system == "darwin":
        return f"brew install {brew}"
    if {"debian", "ubuntu"} & {release.get("ID", ""), *release.get("ID_LIKE", "").split()}:
        return ("" if root else "sudo ") + f"apt-get install -y {apt}"
    return f"install {brew} with the system's package manager"


def os_release() -> dict[str, str]:
    """The fields of os-release(5); empty where there is no such file, as on macOS."""
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]
