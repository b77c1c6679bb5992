"""lading location: lists and describes the locations of an archive."""

import argparse
import os

from core.errors import UsageError
from tui.console.exits import Exit
from tui.console.output import Console

NAME = "location"
HELP = "list the locations of an archive, or change what is said of one"

TEXTS = ("name", "description", "access_note", "external_identifier")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Lists the locations of an archive; with NAME shows one, and with options changes what is said of it. An "
        "empty text takes a value back. The folder of a location never changes."
    )
    parser.add_argument("location", nargs="?", metavar="NAME", help="a location, by its name or its folder")
    parser.add_argument("--archive", metavar="DIR", help="the archive, if not the configured one")
    parser.add_argument("--name", metavar="TEXT", help="another display name")
    parser.add_argument("--description", metavar="TEXT", help="what it is; goes into the bag")
    parser.add_argument("--position", metavar="LAT,LON", help="where it is: --position=46.41,-11.84; into the bag")
    parser.add_argument(
        "--access-note", metavar="TEXT", help="how to get in; stays out of the bag unless share_access_note is set"
    )
    parser.add_argument("--external-identifier", metavar="ID", help="what others call it; goes into the bag")
    parser.add_argument("--json", action="store_true", help="one JSON array, or one object")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """List or change."""
    from core import config
    from core.catalog.locations import position
    from core.details import Changes
    from core.protocol.archive_requests import DescribeLocation, ListLocations
    from tui.console import details, import_selection, location_list
    from tui.console.one_shot import once

    settings = config.load({"archive": options.archive}, os.environ)
    archive, name = config.needed_archive(settings, "look at"), options.location
    given = {text: getattr(options, text) for text in TEXTS}
    changes = Changes(**given, position=None if options.position is None else position(options.position))
    if name is None and changes != Changes():
        raise UsageError("Say which location is meant.", "Give its name: lading location NAME …")
    import_selection.needed(settings.home)
    if name is None:
        found = once(
            settings, lambda engine: engine.call(ListLocations(archive=os.fsencode(archive))), looking=True
        )
        if options.json:
            console.out.json(found, indent=2)
        else:
            location_list.tell(found, console.out)
        return Exit.WELL
    request = DescribeLocation.of(archive, name, changes)
    one = once(settings, lambda engine: engine.call(request), looking=changes == Changes())
    if options.json:
        console.out.json(one, indent=2)
    else:
        details.tell_location(one, console.out)
    return Exit.WELL
