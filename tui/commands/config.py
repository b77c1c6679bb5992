"""lading config: prints the settings, and where each value comes from."""

import argparse
import os

from core.errors import UsageError
from tui.console.exits import Exit
from tui.console.output import Console

NAME = "config"
HELP = "show, check or edit the configuration"

ACTIONS = {
    "show": "every value, and where it comes from",
    "check": "whether it can be used",
    "edit": "open config.toml in $VISUAL or $EDITOR, then check it",
}

TEMPLATE = """\
# Lading's configuration. Environment variables (LADING_ARCHIVE, …) and options of commands win over it.
# `lading config` shows all values. A running engine takes up what is changed here, but for [workers].
#
# archive = "/Volumes/NAS/archive"
# location = "Mill Creek"
# operator = "Anna"
# exclude = ["*.tmp"]
# accept = ["links"]
# read_limit = 80          # MB/s of each source
# notice = "bell"          # bell, notification or none
# resume_at_start = true
# theme = "nord"           # the app's colours
#
# [presets.wedding]        # lading import --preset wedding, or p in the form
# location = "Wedding {date} {label}"
# verify = "end"
#
# [[auto]]                 # such a card is imported when it is put in
# camera = "EOS*"
# preset = "wedding"
#
# [workers]
# copy = 4
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = "Actions: " + "; ".join(f"{name}: {what}" for name, what in ACTIONS.items()) + "."
    parser.add_argument(
        "action", nargs="?", choices=ACTIONS, default="show", metavar="ACTION", help=", ".join(ACTIONS)
    )
    parser.add_argument("--json", action="store_true", help="one JSON array; of check one object")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Run one of ACTIONS."""
    from core import config
    from tui.console import settings_list
    from tui.console.json_answers import Verified

    file = config.file_of(os.environ)
    if options.action == "edit":
        _edit(file)
    settings = config.load({}, os.environ)
    if options.action != "show" and (settings.theme or settings.keys):
        from tui import own_keys  # it loads the screens

        own_keys.check(settings, file)
    if options.action == "show":
        found = settings_list.settings_of(settings, config.origins(os.environ))
        if options.json:
            console.out.json(found, indent=2)
            return Exit.WELL
        settings_list.tell(found, console.out)
        console.out.line(
            f"The file is {console.out.text(file)}{'' if os.path.exists(file) else ', which is not there'}."
        )
    elif options.json:
        console.out.json(Verified(file=file))
    else:
        console.out.line(f"The configuration can be used: {console.out.text(file)}")
    return Exit.WELL


def _edit(file: str) -> None:
    """Edit the file. Raises UsageError when there is no editor, or when it fails."""
    import shlex
    import subprocess

    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    if not os.path.exists(file):
        os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
        with open(file, "x", encoding="utf-8") as made:
            made.write(TEMPLATE)
    try:
        done = subprocess.run([*editor, file], check=False)
    except OSError as error:
        raise UsageError(
            f"{editor[0]} cannot be started: {error.strerror}.", "Set EDITOR to your editor."
        ) from error
    if done.returncode:
        raise UsageError(f"{editor[0]} ended with status {done.returncode}.", f"The file is {file}.")
