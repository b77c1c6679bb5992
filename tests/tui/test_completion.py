"""Completion in real shells, made from the parsers of the command line; nothing is started for it."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rigs.engines import COMMAND, engine_of, environ, lading, swept
from tests.tui.app.volumes import card, volume
from tui.commands import completion
from tui.console import named_volume

pytestmark = pytest.mark.process

linux = pytest.mark.skipif(sys.platform != "linux", reason="macOS has no fish, and bash 3.2")

ASK_BASH = """
source "$1"
COMP_WORDS=(lading "${@:2}"); COMP_CWORD=$(($# - 1)); COMP_LINE="lading ${*:2}"
$(complete -p lading | sed 's/.*-F \\([^ ]*\\).*/\\1/')
printf '%s\\n' "${COMPREPLY[@]}"
"""

ASK_FISH = 'source $argv[1]; complete -C "lading $argv[2]"'

# zsh completes at a prompt only; that it takes the script, and knows whom it is for, is what can be asked.
ASK_ZSH = """
fpath=("$1" $fpath); autoload -U compinit; compinit -D -u
print -r -- ${_comps[lading]}; autoload +X ${_comps[lading]}; whence -w ${_comps[lading]}
"""


class Shells:
    """Shells that find `lading`, whose state folder has one preset."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        (folder / "bin").mkdir()
        command = folder / "bin" / "lading"
        command.write_text(f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n')
        command.chmod(0o755)
        home.mkdir()
        (home / "config.toml").write_text("[presets.wedding]\nverify = 'end'\n")

    def script(self, shell: str) -> Path:
        done = lading(self.home, "completion", shell)
        assert done.returncode == 0, done.stderr
        path = self.folder / f"completion.{shell}"
        path.write_text(done.stdout)
        return path

    def ask(self, *command: str) -> list[str]:
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        more = {"PATH": path, "HOME": str(self.folder)}
        done = subprocess.run(
            command, env=environ(self.home, **more), capture_output=True, text=True, timeout=120, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return [line.split("\t")[0].strip() for line in done.stdout.splitlines()]


@linux
def test_shells_complete_commands_options_and_what_is_known(tmp_path: Path) -> None:
    with swept(tmp_path / "home") as home:
        shells = Shells(tmp_path, home)
        bash = str(shells.script("bash"))
        assert "import" in shells.ask("bash", "-c", ASK_BASH, "bash", bash, "imp")
        assert "thumbnail" in shells.ask("bash", "-c", ASK_BASH, "bash", bash, "queues", "pause", "")
        fish = str(shells.script("fish"))
        assert {"import", "imports"} <= set(shells.ask("fish", "-c", ASK_FISH, fish, "imp"))
        assert "--preset" in shells.ask("fish", "-c", ASK_FISH, fish, "import --pre")
        assert "wedding" in shells.ask("fish", "-c", ASK_FISH, fish, "import --preset ")
        (tmp_path / "functions").mkdir()
        shells.script("zsh").rename(tmp_path / "functions" / "_lading")
        told = shells.ask("zsh", "-f", "-c", ASK_ZSH, "zsh", str(tmp_path / "functions"))
        assert told == ["_lading", "_lading: function"]
        assert engine_of(home) is None


def test_cards_are_completed_by_name_and_path(monkeypatch: pytest.MonkeyPatch) -> None:
    there = [volume("Macintosh HD", mount="/"), card("A001"), card("EOS", mount="/Volumes/EOS 1")]
    monkeypatch.setattr(named_volume, "plugged_in", lambda: there)
    assert completion.words("volumes") == ["A001", "/Volumes/A001", "EOS", "/Volumes/EOS 1"]
