"""lading mhl: the hash list of one import, ASC MHL or MHL 1.1."""

import argparse
import os

from core.words import counted
from tui.console.exits import Exit
from tui.console.output import Console

NAME = "mhl"
HELP = "export the hash list of an import (ASC MHL, MHL 1.1)"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Prints the ASC MHL 2.0 manifest of an import: every archived file under its original path, with its "
        "XXH3-128. With a folder, the import's restored tree, a generation is added to the ASC MHL history in it, "
        "or a history is begun."
    )
    parser.add_argument("id", metavar="ID", help="the import, or the beginning of its id")
    parser.add_argument("folder", metavar="DEST", nargs="?", help="the tree that gets the history")
    parser.add_argument("--classic", action="store_true", help="MHL 1.1, for older programs")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Export."""
    import asyncio

    from core import config
    from core.client.client import Client
    from core.protocol.import_requests import HashList
    from tui.console import import_selection, json_answers
    from tui.console.attached import perform
    from tui.console.one_shot import once

    settings = config.load({}, os.environ)
    import_selection.needed(settings.home)
    engine = Client(settings)
    folder = os.fsencode(os.path.abspath(options.folder)) if options.folder else b""
    request = HashList(name=options.id, folder=folder, classic=options.classic)
    manifest: list[str] = []
    write = manifest.append if options.json else console.out.write
    if folder or options.classic:
        done = asyncio.run(perform(engine, lambda: engine.call(request, text=write)))
    else:
        done = once(settings, lambda engine: engine.call(request, text=write), looking=True)
    if options.json:
        told = "".join(manifest)
        console.out.json(
            json_answers.HashList(path=done.path, files=done.files, left_out=done.left_out, manifest=told)
        )
        return Exit.FAILED if done.left_out else Exit.WELL
    if done.path:
        console.out.line(f"{console.out.text(done.path)}: {counted(done.files, 'file')}.")
    if done.left_out:
        console.err.line(
            f"Not in it: {counted(done.left_out, 'file')}, not read or with names that XML cannot hold."
        )
    return Exit.FAILED if done.left_out else Exit.WELL
