"""lading completion: scripts for shells that complete commands, options, ids and locations; the manual page."""

import argparse
import os

from tui.console.exits import Exit
from tui.console.output import Console

NAME = "completion"
HELP = "print completion for a shell, or the man page"

SHELLS = ("bash", "zsh", "tcsh", "fish")
WORD_KINDS = ("imports", "locations", "archives", "queues", "presets", "volumes")
"""The kinds of words that shells ask for while a person types: `completion words KIND` prints them, one a line."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        'Prints a script for a shell. bash: eval "$(lading completion bash)" in .bashrc; zsh: '
        "lading completion zsh > _lading in a folder of $fpath; fish: lading completion fish > "
        "~/.config/fish/completions/lading.fish. `man` prints the manual page: lading completion man > "
        "/usr/local/share/man/man1/lading.1"
    )
    parser.add_argument(
        "what", choices=(*SHELLS, "man", "words"), metavar="SHELL", help=f"{', '.join(SHELLS)} or man"
    )
    parser.add_argument(
        "kind", nargs="?", choices=WORD_KINDS, metavar="KIND", help="with words: " + ", ".join(WORD_KINDS)
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Print."""
    if options.what == "words":
        # A line is a word, so one with a line end, or another control character, cannot be told.
        text = "".join(f"{word}\n" for word in words(options.kind or "imports") if word.isprintable())
    else:
        from tui.console import manual

        text = (
            manual.page(options.parser(), options.commands())
            if options.what == "man"
            else script(options.what, options.parser())
        )
    if options.json:
        from tui.console.json_answers import Script

        console.out.json(Script(text=text))
    else:
        console.out.write(text if text.endswith("\n") or not text else text + "\n")
    return Exit.WELL


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """The completion script of a shell, made from the parsers of the command line."""
    import shtab

    for group in parser._subparsers._group_actions if parser._subparsers else ():
        for name, below in (group.choices or {}).items():  # type: ignore[attr-defined]
            for action in below._actions:
                _complete(name, action)
    told: str = shtab.complete(parser, shell=shell)
    return told


def _complete(command: str, action: argparse.Action) -> None:
    """Set what completes one argument: files where it is a path, else words from `lading`."""
    import shtab

    if isinstance(action.choices, dict):
        # shtab takes a dictionary for subcommands.
        action.choices = tuple(action.choices)
    paths = {"SRC": shtab.FILE, "DIR": shtab.DIRECTORY, "DEST": shtab.DIRECTORY, "ARCHIVE": shtab.DIRECTORY}
    kinds = {"ID": "imports", "IMPORT": "imports", "WHAT": "imports", "LOCATION": "locations", "QUEUE": "queues"}
    kinds |= {"PRESET": "presets", "CARD": "volumes"}
    name = action.metavar if isinstance(action.metavar, str) else ""
    if (command, name) in (("location", "NAME"), ("import", "NAME")):
        name = "LOCATION"
    if name in paths:
        action.complete = paths[name]  # type: ignore[attr-defined]
    elif name in kinds:
        action.complete = _known_words(kinds[name])  # type: ignore[attr-defined]


def _known_words(kind: str) -> dict[str, object]:
    """How each shell completes a word of this kind, quoted as the shell wants it.

    `shtab.cmd` is not used for bash and zsh, because there a name is expanded like typed text: `$(…)` in the name
    of a card would be run.
    """
    asked = f"lading completion words {kind} 2>/dev/null"
    return {
        "bash": f"_lading_words_{kind}",
        "zsh": f"_lading_words_{kind}",
        "tcsh": f"`{asked}`",
        "fish": f"({asked})",
        "preamble": {"bash": _BASH.format(kind=kind, asked=asked), "zsh": _ZSH.format(kind=kind, asked=asked)},
    }


# Behind an opening quote the shell itself quotes nothing, so only words without a special character fit there.
_BASH = r"""
_lading_words_{kind}() {{
  local word quoted
  while IFS= read -r word; do
    printf -v quoted '%q' "$word"
    case "$1" in
      [\"\']*) [[ "$word" == "${{1:1}}"* && "$word" != *[\"\'\`\$\\\!]* ]] && printf '%s\n' "$word" ;;
      *) [[ "$word" == "$1"* || "$quoted" == "$1"* ]] && printf '%s\n' "$quoted" ;;
    esac
  done < <({asked})
}}"""

_ZSH = r"""
_lading_words_{kind}() {{
  local -a found
  found=(${{(f)"$({asked})"}})
  compadd "$@" -a found
}}"""


def words(kind: str) -> list[str]:
    """The known ids, locations, archives or queues, or the cards and external disks that are plugged in, by name
    and path. Empty on any error; no engine is started."""
    from contextlib import closing

    from core import config
    from core.client import sync_client
    from core.errors import LadingError
    from core.queue.queue_defs import QUEUES
    from tui.console.import_selection import any_yet

    if kind == "queues":
        return [queue.name for queue in QUEUES]
    try:
        if kind == "volumes":
            from core.paths import display
            from tui.console.named_volume import plugged_in

            found = [volume for volume in plugged_in() if volume.removable]
            return [display(word) for volume in found for word in (volume.name, volume.mount)]
        settings = config.load({}, os.environ)
        if kind == "presets":
            return list(settings.presets)
        if not any_yet(settings.home):
            return []
        from core.server.offline import Offline

        with closing(Offline(settings.home)) as offline:
            records = sync_client.done(offline.imports())
    except LadingError:
        return []
    told = {
        "imports": lambda one: one.id,
        "locations": lambda one: one.location,
        "archives": lambda one: one.archive,
    }
    return list(dict.fromkeys(told[kind](record) for record in reversed(records)))
