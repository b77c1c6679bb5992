"""What macOS is said to keep from a program, by the complaints that were heard."""

import errno
from pathlib import Path

import pytest

from core.volumes.privacy import LOCAL, REMOTE, blocks, refusals, switch, warning

SSH = {"SSH_CONNECTION": "10.0.0.2 50000 10.0.0.1 22"}
REFUSED, DENIED = "Operation not permitted", "Permission denied"


@pytest.mark.parametrize(
    ("code", "environ", "system", "told"),
    [
        (errno.EPERM, SSH, "darwin", REMOTE),
        (errno.EPERM, {}, "darwin", LOCAL),
        (errno.EACCES, SSH, "darwin", ""),  # plain rights of the file, which no switch gives
        (errno.EPERM, SSH, "linux", ""),
        (0, SSH, "darwin", ""),
    ],
)
def test_what_to_switch_on(code: int, environ: dict[str, str], system: str, told: str) -> None:
    assert switch(code, environ, system) == told


def test_one_line_for_each_block() -> None:
    errors = {"/Volumes/EOS\x1b": REFUSED, "/Volumes/NAS": "", "/Users/ada/Pictures": REFUSED, "/private": DENIED}
    first, second = blocks(errors, SSH, "darwin")
    assert first == f"macOS keeps /Volumes/EOS\\x1b from this program. {REMOTE}"
    assert "/Users/ada/Pictures" in second
    assert blocks(errors, SSH, "linux") == []
    assert blocks({"/a": ""}, SSH, "darwin") == []


def test_a_warning_under_ssh_on_a_mac_only() -> None:
    assert warning(SSH, "darwin").endswith(REMOTE)
    assert warning({}, "darwin") == warning(SSH, "linux") == ""


def test_paths_are_looked_at(tmp_path: Path) -> None:
    assert refusals([]) == {}
    gone = str(tmp_path / "gone")
    assert refusals([str(tmp_path), gone]) == {str(tmp_path): "", gone: "No such file or directory"}
