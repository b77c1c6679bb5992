"""The manual page, lading(1), from the parsers that read the command line: man(7) macros."""

import argparse
from collections.abc import Sequence
from typing import Any

from core import VERSION
from tui.console.exits import Exit

FILES = (
    ("$LADING_HOME/config.toml", "the configuration; lading config shows what is in force"),
    ("$LADING_HOME/lading.db", "the catalog, which a rebuild makes anew from an archive"),
    ("$LADING_HOME/log/", "what the engine has noted"),
    ("~/.local/share/lading", "the state folder on Linux, if LADING_HOME is not set"),
    ("~/Library/Application Support/lading", "the state folder on macOS, if LADING_HOME is not set"),
)
EXIT_STATUS = {
    Exit.WELL: "all well",
    Exit.FAILED: "KEEP, or some files failed",
    Exit.WRONG: "wrong use",
    Exit.PAUSED: "paused or interrupted",
    Exit.UNUSABLE: "engine, archive or output unusable",
}


def page(parser: argparse.ArgumentParser, commands: Sequence[Any]) -> str:
    """The manual page, with one section for each command."""
    lines = [f'.TH LADING 1 "" "lading {VERSION}" "User Commands"']
    lines += [".SH NAME", "lading \\- " + _safe(_first(parser.description)), ".SH SYNOPSIS", ".B lading"]
    lines += ["[COMMAND …]", ".SH DESCRIPTION", _safe(parser.description or ""), ".SH COMMANDS"]
    choices = parser._subparsers._group_actions[0].choices if parser._subparsers else {}
    for command in commands:
        below = choices[command.NAME]  # type: ignore[index]
        lines += [f".SS lading {command.NAME}", _safe(below.description or command.HELP)]
        for action in below._actions:
            if not isinstance(action, argparse._HelpAction):
                lines += [".TP", ".B " + _safe(_spelled(action)), _safe((action.help or "").replace("%%", "%"))]
    lines += [".SH EXIT STATUS"]
    for status, meaning in EXIT_STATUS.items():
        lines += [".TP", f".B {int(status)}", _safe(meaning)]
    lines += [".SH FILES"]
    for path, meaning in FILES:
        lines += [".TP", ".I " + _safe(path), _safe(meaning)]
    return "\n".join(lines) + "\n"


def _first(text: str | None) -> str:
    return (text or "").split(": ")[0]


def _spelled(action: argparse.Action) -> str:
    name = action.metavar if isinstance(action.metavar, str) else ""
    if not action.option_strings:
        return name or action.dest
    takes = action.nargs != 0
    return ", ".join(action.option_strings) + (f" {name or action.dest.upper()}" if takes else "")


def _safe(text: str) -> str:
    """Escape text for troff."""
    told = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + told if told[:1] in (".", "'") else told
