"""The command line: finds the command, runs it, and turns its result into an exit status."""

import gc
import os
import sys
from collections.abc import Sequence
from itertools import pairwise

from core.client import silence
from core.errors import LadingError
from tui import start
from tui.console import output
from tui.console.exits import Exit, exit_for
from tui.console.output import Console

OBJECTS = 20_000
"""Objects that may be made before garbage is looked for; 700 is Python's own number."""


def run(arguments: Sequence[str], console: Console) -> int:
    """Run one command line. Returns its exit status."""
    tell = console.err.line
    try:
        if not arguments and start.possible(console):
            return int(start.run(console))
        silence.tell_by(tell)
        # Imported here, because the app starts sooner without argparse.
        from tui.command_parser import check_name, parser

        if arguments:
            check_name(arguments[0])
        whole = parser(arguments[0] if arguments else "")
        options = whole.parse_args(arguments)
        if options.command is None:
            # A script that forgot the command must not go on as if something had been done.
            console.err.write(whole.format_help())
            console.err.line("The app needs a terminal; name a command.")
            return Exit.WRONG
        import core.light_start  # noqa: F401 - before what the command imports

        return int(options.run(options, console))
    except LadingError as error:
        if "--json" in arguments or "--format=json" in arguments or ("--format", "json") in pairwise(arguments):
            tell_as_json(error, console)
        output.complain(error, console)
        return exit_for(error)
    except SystemExit as done:
        # Argparse exits in this way after --help and --version.
        return int(done.code or 0)
    except KeyboardInterrupt:
        return Exit.PAUSED
    except BrokenPipeError:
        # The reader has closed the pipe.
        return Exit.WELL
    except output.UnwrittenError as error:
        title, advice = "The output cannot be written", "Make room there, or write elsewhere."
        output.complain(LadingError(f"{error.strerror or error}.", advice, title=title), console)
        return Exit.UNUSABLE
    except Exception as error:
        from tui.console import crash

        console.err.line(crash.report(error, os.environ))
        return Exit.UNUSABLE
    finally:
        silence.tell_no_more(tell)


def tell_as_json(error: LadingError, console: Console) -> None:
    """Write the error as JSON, for a program that reads standard output."""
    from core.paths import display
    from tui.console.json_answers import Error

    texts = (display(text) for text in (error.cause, error.title, error.advice))
    cause, title, advice = texts
    console.out.json(Error(error=cause, title=title, advice=advice, exit=int(exit_for(error))))


def main() -> None:
    """The entry point of the console script."""
    # Modules make many objects and no garbage; looking for it meanwhile takes a twentieth of a start.
    gc.set_threshold(OBJECTS)
    console = output.console()
    try:
        status = run(sys.argv[1:], console)
    except OSError:
        # Even the error message could not be written.
        status = Exit.UNUSABLE
    quieten()
    # Nothing is left to be done: no thread has to be waited for (core.threads), and the system frees all at once
    # what the interpreter would free object by object, for a tenth of a short command's time.
    os._exit(status)


def quieten() -> None:
    """Flush or replace the streams, so that no write can fail while the interpreter ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
