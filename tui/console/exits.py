"""The exit statuses of commands."""

from enum import IntEnum

from core.errors import LadingError, SourceError, UsageError


class Exit(IntEnum):
    """0 success, 1 KEEP or failed files, 2 wrong use, 3 paused or interrupted, 4 something cannot be used."""

    WELL = 0
    FAILED = 1
    WRONG = 2
    PAUSED = 3
    UNUSABLE = 4


class StoppedError(LadingError):
    """A signal ended the command before there was an import to pause."""

    title = "Interrupted"


def exit_for(error: LadingError) -> Exit:
    """The exit status of a command that ended with an error."""
    if isinstance(error, StoppedError):
        return Exit.PAUSED
    return Exit.WRONG if isinstance(error, UsageError | SourceError) else Exit.UNUSABLE
