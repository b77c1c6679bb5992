"""What the command's exit status says."""

from enum import IntEnum

from core.errors import LadingError, SourceError, UsageError


class Exit(IntEnum):
    """0 all well, 1 some files failed, 2 wrong use, 3 paused or interrupted, 4 engine or archive unusable."""

    WELL = 0
    FAILED = 1
    WRONG = 2
    PAUSED = 3
    UNUSABLE = 4


class StoppedError(LadingError):
    """A signal ended the command before there was an import to pause."""

    title = "Interrupted"


def exit_for(error: LadingError) -> Exit:
    """The status of a command that ended by an error."""
    if isinstance(error, StoppedError):
        return Exit.PAUSED
    return Exit.WRONG if isinstance(error, UsageError | SourceError) else Exit.UNUSABLE
