"""lading audit: the archive read again, against the catalog."""

import argparse
import os
from typing import TYPE_CHECKING

from core.errors import UsageError
from tui.console.exits import Exit, StoppedError
from tui.console.output import Console, Output

if TYPE_CHECKING:
    from core.results import AuditResult
    from core.shown import ItemView

NAME = "audit"
HELP = "read every archived file again and compare"


AGES = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 365 * 86_400}
"""Seconds of the units that an age is given in."""

NAMED = 20
"""Damaged files of which all that is known is told."""


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = (
        "Reads every file of the archive again, past the cache, and compares it with both digests. An audit that "
        "was stopped goes on where it was; a limited one begins with what was read longest ago. Damaged files are "
        "named with all that is known of them."
    )
    parser.add_argument("--archive", metavar="DIR", help="the archive, if not the configured one")
    parser.add_argument(
        "--older-than", type=_age, metavar="AGE", help="only what was not read back for so long: 30d, 12h, 2w"
    )
    parser.add_argument("--sample", type=_percent, metavar="PERCENT", help="only that share, at random: 5%%")
    parser.add_argument(
        "--heal",
        nargs="+",
        metavar="SRC",
        help="bring what is damaged again from these sources; the damaged files are kept in .lading/damaged. "
        "Without other limits only what is known to be damaged is read",
    )
    parser.add_argument(
        "--plist", action="store_true", help="print a file for launchd(8) that does this every week"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def _age(text: str) -> float:
    number, unit = (text[:-1], text[-1:].lower()) if text[-1:].isalpha() else (text, "d")
    if unit not in AGES or not number.isascii() or not number.isdigit():
        raise argparse.ArgumentTypeError("write an age such as 30d, 12h or 2w")
    return float(number) * AGES[unit]


def _percent(text: str) -> float:
    number = text.removesuffix("%")
    if not number.replace(".", "", 1).isdigit() or not number.isascii() or not 0 < float(number) <= 100:
        raise argparse.ArgumentTypeError("write a share above 0 and up to 100, such as 5%%")
    return float(number)


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Read and compare."""
    import asyncio

    from core import config
    from core.client.client import Client
    from core.models import Count
    from core.results import AuditScope
    from tui.console.progress import Audited, Quiet
    from tui.console.running import perform
    from tui.console.window import Window

    settings = config.load({"archive": options.archive}, os.environ)
    archive = settings.archive
    if archive is None:
        raise UsageError("There is no archive to audit.", "Give --archive DIR, or set LADING_ARCHIVE.")
    if options.plist:
        console.out.write(plist(settings.home, archive, options))
        return Exit.WELL
    root = os.fsencode(os.path.realpath(archive))
    heal = tuple(os.path.abspath(source) for source in options.heal or ())
    scope = AuditScope(older_than=options.older_than, sample=options.sample, heal=heal)
    engine = Client(settings)
    quiet = options.json or not console.out.terminal
    window = Window[tuple[Count, Count]](Quiet(console.err) if quiet else Audited(console.out))

    async def work() -> tuple["AuditResult", list["ItemView"]]:
        found = await engine.audit(archive, lambda done, total: window.show((done, total)), scope)
        known: list[ItemView] = []
        for path, _ in found.damaged[:NAMED]:
            known += await engine.show(path, os.path.join(root, path.encode()))
        return found, known

    try:
        found, known = asyncio.run(perform(engine, work))
    except StoppedError as error:
        raise StoppedError(error.cause, "The next audit goes on from there.") from error
    finally:
        window.close()
    if options.json:
        import msgspec

        console.out.json({**msgspec.to_builtins(found), "known": msgspec.to_builtins(known)}, indent=2)
    else:
        tell(found, console.out)
        _known(known, console.out)
    if found.damaged_count:
        return Exit.FAILED
    return Exit.WELL if found.complete else Exit.PAUSED


def _known(known: list["ItemView"], out: Output) -> None:
    """All that is known of what is damaged."""
    from tui.console import sheet

    for item in known:
        out.line()
        sheet.tell(item, out)
    if known:
        out.line()
        out.line("Heal them from a card that still has them: lading audit --heal SRC; or import that card again.")


def plist(home: str, archive: str, options: argparse.Namespace) -> str:
    """A launchd.plist(5) that audits `archive` on Sundays at 3 o'clock, or when the Mac next wakes."""
    import plistlib

    from core.engine import log
    from tui.commands.engine import program

    wanted = [program(), "audit", "--archive", os.path.abspath(archive)]
    wanted += [] if options.older_than is None else ["--older-than", f"{options.older_than / 60:.0f}m"]
    wanted += [] if options.sample is None else ["--sample", f"{options.sample:g}%"]
    out = os.path.join(log.folder(home), "audit.log")
    return plistlib.dumps(
        {
            "Label": "lading.audit",
            "ProgramArguments": wanted,
            "EnvironmentVariables": {"LADING_HOME": home, "PATH": os.environ.get("PATH", os.defpath)},
            "StartCalendarInterval": {"Weekday": 0, "Hour": 3, "Minute": 0},
            "ProcessType": "Background",
            "Umask": 0o077,
            "StandardOutPath": out,
            "StandardErrorPath": out,
        }
    ).decode()


def tell(found: "AuditResult", out: Output) -> None:
    """The result for a person."""
    from core.receipts.document import LEVELS
    from tui import format

    word = out.styled("DAMAGED", "bad") if found.damaged_count else out.styled("WELL", "good")
    speed = format.rate(found.checked.bytes / found.seconds) if found.seconds else ""
    amount = f"{format.counted(found.checked.files, 'file')} ({format.size(found.checked.bytes)})"
    levels = [LEVELS.get(level, level) for level in found.level.split(", ")] if found.well.files else ["read"]
    level = levels[0] if len(levels) == 1 else ", ".join(f"partly {level}" for level in levels)
    out.line(f"{word}  {amount} {level} in {format.duration(found.seconds)}{', ' + speed if speed else ''}")
    for path, why in found.damaged:
        out.line(f"  {out.text(path)}: {out.text(why)}")
    if found.damaged_count > len(found.damaged):
        out.line(f"  and {format.number(found.damaged_count - len(found.damaged))} more")
    for path, source in found.healed:
        out.line(f"  {out.styled('healed', 'good')} {out.text(path)} from {out.text(source)}")
    if found.oldest:
        when = format.moment(found.oldest_read) if found.oldest_read is not None else "never"
        never = f" ({format.counted(found.unread, 'file')} never)" if found.unread else ""
        out.line(f"Longest unread: {out.text(found.oldest)}, read back {when}{never}.")
    if not found.complete:
        out.line("Not all was read; the next audit goes on from there.")
