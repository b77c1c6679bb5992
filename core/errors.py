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
    """The command or the configuration asks for something impossible."""

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


class ArchiveReadOnlyError(ArchiveError):
    """The archive cannot be written to; it can be read."""

    title = "Archive not writable"


class ArchiveCopyError(ArchiveError):
    """This copy is not the archive's copy in use: it is read, but not written to."""

    title = "A copy of the archive"


class ArchiveIdLostError(ArchiveError):
    """There are locations or journals of an archive, but no valid record of its id."""

    title = "The archive's id is lost"


class ArchiveAwayError(ArchiveError):
    """The archive is not where it was, or does not answer."""

    title = "Archive away"


class DatabaseError(LadingError):
    """The state database cannot be used."""

    title = "Database not usable"


class OlderDatabaseError(DatabaseError):
    """The state database is of an older version, which an engine upgrades."""


class EngineHeldError(LadingError):
    """Another engine uses the same state folder."""

    title = "Lading is already running"


class EngineError(LadingError):
    """There is no engine that answers."""

    title = "Engine not usable"


class EngineLostError(EngineError):
    """The engine ended before it answered."""

    title = "The engine ended"


class OtherVersionError(EngineError):
    """The running engine has another version."""

    title = "Another version of Lading is running"


class SourceError(LadingError):
    """A source cannot be read."""

    title = "Source not usable"


class SourceAwayError(SourceError):
    """A source is not where it was, or does not answer."""

    title = "Source away"


class VolumeError(LadingError):
    """The system does not identify a volume."""

    title = "Volume not known"


class SourceRefusedError(SourceError):
    """This program has no permission to read a source."""


class EjectError(LadingError):
    """A card cannot be ejected."""

    title = "Not ejected"


class WorkerDiedError(LadingError):
    """A worker process ended in the middle of a request. `detail` says which."""

    title = "A worker process ended unexpectedly"

    def __init__(self, cause: str, advice: str = "", *, title: str = "", detail: str = "") -> None:
        super().__init__(cause, advice, title=title)
        self.detail = detail
