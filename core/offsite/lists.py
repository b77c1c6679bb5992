"""Reads and writes lists of files: folders, manifests, and text files with one name on each line. All but
`call_with_timeout` are blocking functions."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from core.errors import ArchiveAwayError
from core.paths import display
from core.threads import aside
from core.volumes import macos_permissions

T = TypeVar("T")

ANSWER_TIMEOUT = 20.0
"""Seconds until a folder counts as not answering."""


async def call_with_timeout(folder: str, work: Callable[[], T], seconds: float = ANSWER_TIMEOUT) -> T:
    """The result of `work`, which uses files of `folder`. It runs in a thread, which is abandoned after `seconds`.
    Raises ArchiveAwayError when the folder does not answer in time, and what `work` raises."""
    try:
        return await aside(work, seconds)
    except TimeoutError as error:
        advice = macos_permissions.no_answer_advice("Mount it again.")
        raise ArchiveAwayError(f"{display(folder)} does not answer.", advice) from error


def folders(path: str) -> list[str]:
    """The names of the folders in a folder, sorted; empty if it does not exist."""
    try:
        with os.scandir(path) as found:
            return sorted(entry.name for entry in found if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def total_size(folder: str, names: Iterable[str]) -> int:
    """The bytes of these files in a folder."""
    return sum(os.path.getsize(os.path.join(folder, name)) for name in names)


def count_lines(manifest: Path) -> int:
    """How many files a manifest names."""
    with manifest.open("rb") as file:
        return sum(1 for _ in file)


def digests_of(manifest: Path, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 in hex by name, for those of `names` that the manifest has."""
    wanted, found = set(names), dict[str, str]()
    with manifest.open(encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            sha, _, name = line.rstrip("\n").partition("  ")
            if name in wanted:
                found[name] = sha
    return found


def entries(manifest: Path) -> Iterator[str]:
    """The names in a manifest, in its order."""
    with manifest.open(encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            yield line.rstrip("\n").partition("  ")[2]


def absent(folder: str, names: Iterable[str]) -> list[str]:
    """The names that do not exist in a folder."""
    return [name for name in names if not os.path.lexists(os.path.join(folder, name))]


def read_names(path: Path) -> list[str]:
    """The names in a file, one a line; none if there is no such file."""
    return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines() if path.exists() else []


def write_names(path: Path, names: Iterable[str]) -> None:
    """Replace a file by one with these names, one a line."""
    new = path.with_suffix(".new")
    new.write_text("".join(f"{name}\n" for name in sorted(names)), encoding="utf-8", errors="surrogateescape")
    new.replace(path)
