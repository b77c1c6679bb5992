"""Errors a person reads: what happened, why, and what to do next."""


class LadingError(Exception):
    """Base of every error shown to a person.

    `title` is one short line, `cause` says why, `advice` what to do next.
    """

    title = "Something went wrong"

    def __init__(self, cause: str, advice: str = "", *, title: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.advice = advice
        if title:
            self.title = title

    def __str__(self) -> str:
        return f"{self.title}: {self.cause}" + (f" {self.advice}" if self.advice else "")


class UsageError(LadingError):
    """The command or the configuration asks for something that makes no sense."""

    title = "Wrong use"


class ConfigError(UsageError):
    """The configuration cannot be used."""

    title = "Configuration"


class ArchiveError(LadingError):
    """The archive cannot be used."""

    title = "Archive not usable"


class ArchiveHeldError(ArchiveError):
    """Another engine holds the archive's lock."""

    title = "Archive in use"


class ArchiveAwayError(ArchiveError):
    """The archive is not where it was, or does not answer."""

    title = "Archive away"


class DatabaseError(LadingError):
    """The state database cannot be used."""

    title = "Database not usable"


class EngineHeldError(LadingError):
    """Another engine uses the same state folder."""

    title = "Lading is already running"


class EngineError(LadingError):
    """There is no engine to talk to."""

    title = "Engine not usable"


class EngineLostError(EngineError):
    """The engine ended while it was asked something."""

    title = "The engine ended"


class OtherVersionError(EngineError):
    """The engine that runs is of another version."""

    title = "Another version of Lading is running"


class SourceError(LadingError):
    """A source cannot be read."""

    title = "Source not usable"


class SourceAwayError(SourceError):
    """A source is not where it was, or does not answer."""

    title = "Source away"


class EjectError(LadingError):
    """A card cannot be let go."""

    title = "Not ejected"


class WorkerDiedError(LadingError):
    """A worker process ended in the middle of its task."""

    title = "A worker process ended unexpectedly"


class CancelledByUserError(LadingError):
    """The import was cancelled."""

    title = "Cancelled"
