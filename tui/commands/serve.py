"""lading serve: serves an archive under its original names by WebDAV, and its sheet to browsers."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import IO, TYPE_CHECKING

from tui.console.exits import Exit
from tui.console.output import Console

if TYPE_CHECKING:
    from core.config import Config
    from core.errors import LadingError

NAME = "serve"
HELP = "open an archive by its original names, read-only, for Finder, Lightroom, rclone or a browser"

PORT = 8484

LEAVE_TIMEOUT = 1.5
"""Seconds that the serving process gets to exit; one that is stuck in the kernel ends when the kernel allows
it."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Serves an archive by WebDAV until Ctrl-C: folders by card, date, location and camera, with the original "
        "names and times. Nothing can be written. A file that is read whole is compared with its digests. The "
        "address, which holds a token, is for this machine only, unless --listen is given, which wants a password."
    )
    parser.add_argument("archive", nargs="?", metavar="ARCHIVE", help="the archive, or a copy of it")
    parser.add_argument("--port", type=int, default=PORT, metavar="N", help=f"0: any that is free; else {PORT}")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--listen", metavar="ADDRESS", help="listen there, for other machines; LADING_SERVE_PASSWORD or a question"
    )


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Serve."""
    from core import config
    from core.errors import UsageError
    from core.schema import DATABASE_FILE
    from core.server.offline import ReadOnlyDatabase
    from tui.console import import_selection

    settings = config.load({"archive": options.archive} if options.archive else {}, os.environ)
    import_selection.needed(settings.home)
    if settings.archive is None:
        raise UsageError("No archive was named.", "Give one: lading serve ARCHIVE")
    if not 0 <= options.port < 1 << 16:
        raise UsageError(f"{options.port} is no port.", "Give one from 1 to 65535.")
    with closing(ReadOnlyDatabase(settings.home)):
        pass  # it raises why the catalog cannot be used, which the process that serves could not say
    wanted = {
        "database": os.path.join(settings.home, DATABASE_FILE),
        "archive": settings.archive,
        "host": options.listen or "127.0.0.1",
        "port": options.port,
        "password": _password(console) if options.listen else "",
    }
    with _server(wanted) as server:
        try:
            said = json.loads(server.readline() or "{}")
            if "port" not in said:
                raise _refused(said, options.port)
            told = ServePrinter(settings, console, as_json=options.json)
            told.address(said["port"], said["token"], options.listen or "")
            for line in server:
                told.damaged(**json.loads(line))
        except KeyboardInterrupt:
            return Exit.WELL
    raise _refused({}, options.port)


@contextmanager
def _server(wanted: dict[str, object]) -> Iterator[IO[str]]:
    """Run the serving process, and yield its output. At the end it is told to exit, and left behind if it is
    stuck."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "core.serving.main"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # sshd would wait for any process that keeps the session's standard error open
        text=True,
        process_group=0,  # Ctrl-C must only reach this process
    )
    assert process.stdin is not None  # noqa: S101 - for the type checker
    assert process.stdout is not None  # noqa: S101
    try:
        process.stdin.write(json.dumps(wanted) + "\n")
        process.stdin.flush()
        yield process.stdout
    finally:
        process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(LEAVE_TIMEOUT)


def _refused(said: dict[str, str], port: int) -> "LadingError":
    from core.errors import ArchiveError, LadingError, UsageError

    if "archive" in said:
        return ArchiveError(said["archive"], said["advice"])
    if "address" in said:
        advice = "Give another by --port, or --port 0 for any that is free."
        return UsageError(f"port {port} cannot be had: {said['address']}.", advice)
    return LadingError("the process that serves has ended.", "Try again.", title="Not served")


def _password(console: Console) -> str:
    """The password that others must give. Raises UsageError."""
    import getpass

    from core.errors import UsageError

    password = os.environ.get("LADING_SERVE_PASSWORD", "")
    if not password and console.err.terminal:
        password = getpass.getpass("Password for those who open the archive: ")
    if not password:
        raise UsageError("--listen needs a password.", "Set LADING_SERVE_PASSWORD.")
    return password


class ServePrinter:
    """Prints messages about what is served, for a person or, with `as_json`, for a program."""

    def __init__(self, settings: "Config", console: Console, *, as_json: bool) -> None:
        self._settings = settings
        self._console = console
        self._json = as_json

    def address(self, port: int, token: str, listen: str) -> None:
        """Print the address."""
        import getpass
        import socket

        out = self._console.out
        host = f"[{listen}]" if ":" in listen else listen or "127.0.0.1"
        address = f"http://{host}:{port}/{token}/"
        if self._json:
            from tui.console.json_answers import ServedAt

            out.json(ServedAt(address=address))
            return
        out.line(address)
        out.line("  Finder: Go > Connect to Server, that address, as a guest. A browser shows the contact sheet.")
        out.line("  rclone (1.63 or newer) with many small files: --webdav-pacer-min-sleep 0")
        if not listen:
            out.line(
                "  From another machine, first: "
                + out.text(f"ssh -N -L {port}:127.0.0.1:{port} {getpass.getuser()}@{socket.gethostname()}")
            )
        out.line("  Read-only, until Ctrl-C.")

    def damaged(self, path: str, xxh128: str, why: str) -> None:
        """Report a file whose content is not what was archived. The engine reads it again and updates the catalog,
        because this process never writes to the catalog."""
        from core.errors import LadingError
        from core.paths import display

        marked, reason = None, ""
        try:
            marked = self._read_again(xxh128)
        except LadingError as error:
            reason = str(error)
        if self._json:
            from tui.console.json_answers import DamageServed

            self._console.out.json(DamageServed(path=display(path), why=why, marked=marked, reason=reason))
            return
        err = self._console.err
        then = {
            True: "It is marked as damaged. Heal it: lading audit --heal",
            False: "Read again, it is well: see to the disk, its cable and the memory.",
            None: f"It could not be read again: {reason} Look into it: lading audit",
        }[marked]
        err.line(err.styled(err.text(f"Damaged: {path}: {why}. {then}"), "bad"))

    def _read_again(self, xxh128: str) -> bool | None:
        """Have the engine read a content again. Whether it is recorded as damaged; None: it could not be read.
        Raises LadingError."""
        from core.protocol.archive_requests import Audit
        from core.results import AuditScope
        from tui.console.one_shot import once

        archive = self._settings.archive or ""
        request = Audit.of(archive, AuditScope(contents=(xxh128,)))
        found = once(self._settings, lambda engine: engine.call(request))
        return None if found.not_read_count else found.checked.files > found.well.files
