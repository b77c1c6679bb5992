"""Programs that others make: found, dated, and how to get them."""

import os
from pathlib import Path

import pytest

from core import tools
from core.tools import Name, at_least, faults, find, install, parse_version, tool

pytestmark = pytest.mark.process


def program(folder: Path, name: str, script: str) -> str:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return str(folder)


def test_a_program_is_found_with_its_version(tmp_path: Path) -> None:
    found = tool("exiftool", search=program(tmp_path, "exiftool", "echo 13.10"))
    assert (found.path, found.version, found.new_enough) == (str(tmp_path / "exiftool"), "13.10", True)
    assert found.minimum == "12.38"


def test_an_old_program_is_found_and_not_new_enough(tmp_path: Path) -> None:
    found = tool("exiftool", search=program(tmp_path, "exiftool", "echo 12.16"))
    assert (found.version, found.new_enough) == ("12.16", False)


def test_a_missing_program_comes_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "HOMEBREW", ())
    found = tool("ffmpeg", search=str(tmp_path))
    assert (found.path, found.version, found.new_enough) == (None, None, False)
    assert "ffmpeg" in found.install


def test_a_program_that_never_answers_has_no_version(tmp_path: Path) -> None:
    found = tool("exiftool", timeout=0.3, search=program(tmp_path, "exiftool", "exec sleep 60"))
    assert found.path is not None
    assert (found.version, found.new_enough) == (None, False)


def test_homebrew_is_searched_when_path_lacks_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty, brew = tmp_path / "empty", tmp_path / "brew"
    empty.mkdir()
    brew.mkdir()
    monkeypatch.setattr(tools, "HOMEBREW", (str(tmp_path / "absent"), program(brew, "ffmpeg", "true")))
    assert find("ffmpeg", str(empty)) == str(brew / "ffmpeg")


def test_every_tool_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ffmpeg", "ffprobe"):
        program(tmp_path, name, f"echo '{name} version 7.1 Copyright (c) 2000-2024 the FFmpeg developers'")
    monkeypatch.setenv("PATH", program(tmp_path, "exiftool", "echo 12.76") + os.pathsep + os.environ["PATH"])
    assert [(one.name, one.version, one.new_enough) for one in tools.tools()] == [
        ("exiftool", "12.76", True),
        ("ffmpeg", "7.1", True),
        ("ffprobe", "7.1", True),
    ]


@pytest.mark.parametrize(
    ("name", "output", "version"),
    [
        ("exiftool", b"12.76\n", "12.76"),
        ("exiftool", b"12.57 [Warning: Library version is 12.56]\n", "12.57"),
        ("exiftool", b"perl: command not found\n", None),
        ("exiftool", b"", None),
        (
            "ffmpeg",
            b"ffmpeg version 5.1.6-0+deb12u1 Copyright (c) 2000-2024 the FFmpeg developers\n",
            "5.1.6-0+deb12u1",
        ),
        ("ffmpeg", b"ffmpeg version N-118-gabc123 Copyright\n", "N-118-gabc123"),
        ("ffprobe", b"ffprobe version n7.1 Copyright\xff\n", "n7.1"),
        ("ffprobe", b"dyld: Library not loaded\n", None),
    ],
)
def test_versions_are_read(name: Name, output: bytes, version: str | None) -> None:
    assert parse_version(name, output) == version


def test_versions_are_compared_as_numbers() -> None:
    assert at_least("12.38", "12.38")
    assert at_least("13.00", "12.38")
    assert at_least("100.1", "12.38")
    assert not at_least("12.37", "12.38")
    assert not at_least("9.99", "12.38")
    assert not at_least(None, "12.38")
    assert at_least(None, None)


@pytest.mark.parametrize(
    ("system", "release", "root", "command"),
    [
        ("darwin", {}, False, "brew install exiftool"),
        ("linux", {"ID": "debian"}, True, "apt-get install -y libimage-exiftool-perl"),
        ("linux", {"ID": "ubuntu", "ID_LIKE": "debian"}, False, "sudo apt-get install -y libimage-exiftool-perl"),
        ("linux", {"ID": "pop", "ID_LIKE": "ubuntu debian"}, True, "apt-get install -y libimage-exiftool-perl"),
        ("linux", {"ID": "fedora"}, True, "install exiftool with the system's package manager"),
        ("linux", {}, True, "install exiftool with the system's package manager"),
    ],
)
def test_the_command_that_installs(system: str, release: dict[str, str], root: bool, command: str) -> None:
    assert install("exiftool", system, release, root=root) == command


def test_ffprobe_comes_with_ffmpeg() -> None:
    assert install("ffprobe", "darwin", {}, root=False) == "brew install ffmpeg"
    assert install("ffprobe", "linux", {"ID": "debian"}, root=True) == "apt-get install -y ffmpeg"


def test_a_system_without_os_release_has_no_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> dict[str, str]:
        raise OSError

    monkeypatch.setattr("platform.freedesktop_os_release", missing)
    assert tools.os_release() == {}


@pytest.mark.parametrize(
    ("name", "version", "system", "told"),
    [
        ("exiftool", "13.49", "darwin", "Before 13.50 "),
        ("exiftool", "12.57", "darwin", "Before 13.50 "),
        ("exiftool", "13.50", "darwin", ""),
        ("exiftool", "14.0", "darwin", ""),
        ("exiftool", "12.57", "linux", ""),
        ("ffmpeg", "5.1.6-0+deb12u1", "linux", "ProRes RAW"),
        ("ffmpeg", "n7.1", "darwin", "ProRes RAW"),
        ("ffmpeg", "8.0", "darwin", ""),
        ("ffmpeg", "n9.0.2-17-g2a571b6068", "linux", ""),
        ("ffmpeg", "N-118632-gabc123", "linux", ""),
        ("ffprobe", "5.1.6", "linux", ""),
        ("ffmpeg", None, "linux", ""),
    ],
)
def test_versions_with_known_faults(name: Name, version: str | None, system: str, told: str) -> None:
    found = faults(name, version, system)
    assert len(found) == bool(told)
    assert told in "".join(found)
