"""lading audit: reads the archive again, and compares it with the catalog."""

import argparse
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from core.errors import UsageError
from tui.console.exits import Exit, StoppedError
from tui.console.output import Console

if TYPE_CHECKING:
    from core.details import ItemView
    from core.results import AuditResult

NAME = "audit"
HELP = "read every archived file again and compare"


AGES = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 365 * 86_400}
"""Seconds of the units of an age."""

NAMED = 20
"""The most damaged files for which everything known is printed."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Reads every file of the archive again, past the cache, and compares it with both digests. An audit that "
        "was stopped goes on where it was; a limited one begins with what was read longest ago. Damaged files are "
        "named with all that is known of them."
    )
    parser.add_argument(
        "remote",
        metavar="REMOTE",
        nargs="?",
        help="rclone:NAME:PATH: what was mirrored there, instead of an archive here",
    )
    parser.add_argument("--archive", metavar="DIR", help="the archive, if not the configured one")
    parser.add_argument(
        "--older-than", type=_age, metavar="AGE", help="only what was not read back for so long: 30d, 12h, 2w"
    )
    parser.add_argument("--sample", type=_percent, metavar="PERCENT", help="only that share, at random: 5%%")
    parser.add_argument(
        "--heal",
        nargs="*",
        metavar="SRC",
        help="bring what is damaged again from other copies of the archive, and from these sources; the damaged "
        "files are kept in .lading/damaged. "
        "Without other limits only what is known to be damaged is read, and of a copy what was never read there",
    )
    parser.add_argument(
        "--plist", action="store_true", help="print a file for launchd(8) that does this every week"
    )
    parser.add_argument(
        "--systemd",
        action="store_true",
        help="print a service and a timer for systemd(1) that do this every week",
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
        raise argparse.ArgumentTypeError("write a share above 0 and up to 100, such as 5%")
    return float(number)


def _remote(options: argparse.Namespace, console: Console) -> Exit:
    """Audit all files of a remote."""
    from core.paths import is_remote
    from tui.console import offsite

    weekly = options.plist or options.systemd or None
    others = (options.archive, options.older_than, options.sample, options.heal, weekly)
    if not is_remote(options.remote) or any(other is not None for other in others):
        raise UsageError("a remote is written rclone:NAME:PATH, and all of it is read.", "Give that alone.")
    return offsite.audit(options.remote, console, json=options.json)


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Run the audit, and print the result."""
    import asyncio

    from core import config
    from core.client.client import Client
    from core.models import Count
    from core.protocol.archive_requests import Audit, ShowItems
    from core.results import AuditScope
    from tui.console.attached import perform
    from tui.console.progress import AuditLine, Quiet
    from tui.console.render_thread import Window

    console.keep_on()
    if options.remote is not None:
        return _remote(options, console)
    settings = config.load({"archive": options.archive}, os.environ)
    archive = config.needed_archive(settings, "audit")
    if options.plist:
        from tui.commands.engine import for_launchd

        console.out.write(plist(settings.home, archive, options))
        for_launchd(settings.home, console)
        return Exit.WELL
    if options.systemd:
        console.out.write(units(settings.home, archive, options))
        console.err.line("Save each part as the file that it names, then: systemctl --user daemon-reload")
        console.err.line("and: systemctl --user enable --now lading-audit.timer; loginctl enable-linger")
        return Exit.WELL
    root = os.fsencode(os.path.realpath(archive))
    heal = tuple(os.path.abspath(source) for source in options.heal or ())
    scope = AuditScope(
        older_than=options.older_than, sample=options.sample, heal=heal, copies=options.heal is not None
    )
    engine = Client(settings)
    quiet = options.json or not console.out.terminal
    window = Window[tuple[Count, Count]](Quiet(console.err) if quiet else AuditLine(console.out))

    async def work() -> tuple["AuditResult", list["ItemView"]]:
        def progress(done: Count, total: Count) -> None:
            window.show((done, total))

        found = await engine.call(Audit.of(archive, scope), progress=progress)
        known: list[ItemView] = []
        for path, _ in () if found.copy_of else found.damaged[:NAMED]:
            # Details come after the result, which is printed in any case.
            with suppress(UsageError):
                known += await engine.call(ShowItems(wanted=path, path=os.path.join(root, path.encode())))
        return found, known

    try:
        found, known = asyncio.run(perform(engine, work))
    except StoppedError as error:
        raise StoppedError(error.cause, "The next audit goes on from there.") from error
    finally:
        window.close()
    _print(found, known, console, json=options.json)
    if found.damaged_count or found.not_read_count:
        return Exit.FAILED
    return Exit.WELL if found.complete else Exit.PAUSED


def _print(found: "AuditResult", known: list["ItemView"], console: Console, *, json: bool) -> None:
    """Print the result, and all that is known of damaged files."""
    if json:
        import msgspec

        from tui.console.json_answers import AuditAnswer

        console.out.json(AuditAnswer(**msgspec.structs.asdict(found), items=tuple(known)), indent=2)
    else:
        from tui.console import audited

        audited.tell(found, console.out)
        audited.tell_known(known, console.out)


def plist(home: str, archive: str, options: argparse.Namespace) -> str:
    """A launchd.plist(5) that audits `archive` on Sundays at 3:00, or when the Mac next wakes."""
    import plistlib

    from core import log

    out = os.path.join(log.folder(home), "audit.log")
    return plistlib.dumps(
        {
            "Label": "lading.audit",
            "ProgramArguments": _command(archive, options),
            "EnvironmentVariables": {"LADING_HOME": home, "PATH": os.environ.get("PATH", os.defpath)},
            "StartCalendarInterval": {"Weekday": 0, "Hour": 3, "Minute": 0},
            # The engine that an audit starts serves imports, too, and what a job of another type starts is
            # throttled like the job itself (xnu, osfmk/kern/task_policy.c: task_policy_create).
            "ProcessType": "Interactive",
            "MaterializeDatalessFiles": True,
            "StandardOutPath": out,
            "StandardErrorPath": out,
        }
    ).decode()


def units(home: str, archive: str, options: argparse.Namespace) -> str:
    """A systemd.service(5) of a user that audits `archive`, and a systemd.timer(5) that starts it on Sundays at
    3:00, or as soon as the computer runs again."""
    from tui.commands.engine import systemd_command

    # The engine that an audit starts serves imports, too, and goes on without it: KillMode=process ends only the
    # audit (systemd.kill(5)). A oneshot service may take as long as it needs (systemd.service(5)).
    return f"""\
# ~/.config/systemd/user/lading-audit.service
[Unit]
Description=Lading, an audit of {archive.replace("%", "%%")}

[Service]
Type=oneshot
{systemd_command(home, _command(archive, options))}
KillMode=process

# ~/.config/systemd/user/lading-audit.timer
[Unit]
Description=Lading, an audit every week

[Timer]
OnCalendar=Sun *-*-* 03:00:00
Persistent=true

[Install]
WantedBy=timers.target
"""


def _command(archive: str, options: argparse.Namespace) -> list[str]:
    """The command line of an audit with these limits."""
    from tui.commands.engine import program

    wanted = [program(), "audit", "--archive", os.path.abspath(archive)]
    wanted += [] if options.older_than is None else ["--older-than", f"{options.older_than / 60:.0f}m"]
    return wanted + ([] if options.sample is None else ["--sample", f"{options.sample:g}%"])
