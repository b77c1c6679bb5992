"""Completion in real shells, made from the parsers of the command line; nothing is started for it."""

import os
import pty
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rigs.engines import COMMAND, engine_of, environ, lading, swept
from tests.tui.app.volumes import card, volume
from tui import cli
from tui.commands import completion
from tui.console import named_volume
from tui.console.output import Console, Output

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


HOSTILE = "x $(touch hit) `touch hit` 'q' \"d\" 漢字 *"
"""A name that is a command for a shell that expands it."""

ASK_QUOTED = (
    ASK_BASH
    + """
eval "printf '[%s]' ${COMPREPLY[0]}"
"""
)

SET_UP_ZSH = "fpath=({} $fpath); autoload -U compinit; compinit -D -u; bindkey -e; print RE''ADY\n"


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
            command,
            cwd=self.folder,
            env=environ(self.home, **more),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return [line.split("\t")[0].strip() for line in done.stdout.splitlines()]

    def type_into_zsh(self, typed: str) -> str:
        """Complete a line by Tab at a prompt. Returns what its words are then, a line each."""
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        more = {"PATH": path, "HOME": str(self.folder), "TERM": "dumb", "LC_ALL": "C.UTF-8"}
        child, terminal = pty.fork()
        if not child:
            os.chdir(self.folder)
            os.execvpe("zsh", ["zsh", "-f", "-i"], environ(self.home, **more))  # noqa: S606
        shown = b""

        def type_and_read(keys: str, last: bytes) -> None:
            nonlocal shown
            os.write(terminal, keys.encode())
            shown = b""
            while last not in shown:
                shown += os.read(terminal, 65536)

        try:
            type_and_read(SET_UP_ZSH.format(self.folder / "functions"), b"READY\r\n")
            # Ctrl-A goes to the beginning of the line.
            type_and_read(f"{typed}\t\x01print -rl -- \nprint EN''D\n", b"END\r\n")
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(terminal)
        return shown.decode()


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


@linux
def test_a_name_is_quoted_and_never_run(tmp_path: Path) -> None:
    with swept(tmp_path / "home") as home:
        shells = Shells(tmp_path, home)
        name = HOSTILE.replace("\\", "\\\\").replace('"', '\\"')
        (home / "config.toml").write_text(f'[presets."{name}"]\nverify = "end"\n[presets.plain]\nverify = "end"\n')
        bash = str(shells.script("bash"))
        for typed in ("x", "x\\ \\$"):
            told = shells.ask("bash", "-c", ASK_QUOTED, "bash", bash, "import", "--preset", typed)
            assert told[-1] == f"[{HOSTILE}]"
        assert shells.ask("bash", "-c", ASK_BASH, "bash", bash, "import", "--preset", '"x') == [""]
        assert shells.ask("bash", "-c", ASK_BASH, "bash", bash, "import", "--preset", "'p") == ["plain"]
        fish = str(shells.script("fish"))
        assert HOSTILE in shells.ask("fish", "-c", ASK_FISH, fish, "import --preset ")
        (tmp_path / "functions").mkdir()
        shells.script("zsh").rename(tmp_path / "functions" / "_lading")
        assert f"--preset\r\n{HOSTILE}\r\n" in shells.type_into_zsh("lading import --preset x")
        assert not list(tmp_path.rglob("hit")), "nothing was run"


def test_a_word_that_takes_more_than_a_line_is_not_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(completion, "words", lambda kind: ["a b", "two\nlines", "\x1b[2J", "漢字"])
    console = Console(Output(sys.stdout, {"LANG": "C.UTF-8"}), Output(sys.stderr, {}))
    assert cli.run(["completion", "words", "locations"], console) == 0
    assert capsys.readouterr().out == "a b\n漢字\n"


def test_cards_are_completed_by_name_and_path(monkeypatch: pytest.MonkeyPatch) -> None:
    there = [volume("Macintosh HD", mount="/"), card("A001"), card("EOS", mount="/Volumes/EOS 1")]
    monkeypatch.setattr(named_volume, "plugged_in", lambda: there)
    assert completion.words("volumes") == ["A001", "/Volumes/A001", "EOS", "/Volumes/EOS 1"]
