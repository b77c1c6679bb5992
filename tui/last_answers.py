"""What the app remembers for the next start: where the last import went."""

import os
from contextlib import suppress

import msgspec

from core.config import Config
from core.models import Value

NAME = "terminal.json"

PLACES_KEPT = 8
"""Recent places that are kept."""


class Remembered(Value, frozen=True, kw_only=True):
    """The last answers."""

    archive: str = ""
    also: tuple[str, ...] = ()
    location: str = ""
    operator: str = ""
    preset: str = ""
    archives: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    """Archives, and typed sources and folders, the newest first."""

    def with_place(self, path: str) -> "Remembered":
        """A copy with a typed place added as the newest."""
        return msgspec.structs.replace(self, places=_first(path, self.places))

    def with_archive(self, path: str) -> "Remembered":
        """A copy with an archive that was imported into added as the newest."""
        return msgspec.structs.replace(self, archives=_first(path, self.archives))


def _first(path: str, others: tuple[str, ...]) -> tuple[str, ...]:
    return (path, *(one for one in others if one != path))[:PLACES_KEPT]


def places(settings: Config) -> tuple[str, ...]:
    """Places to offer wherever a path is asked for: those of the configuration, then those typed last."""
    return tuple(dict.fromkeys((*settings.places, *recall(settings.home).places)))


def recall(home: str) -> Remembered:
    """Read the last answers from the state folder; empty ones where that is not possible."""
    try:
        with open(os.path.join(home, NAME), "rb") as file:
            return msgspec.json.decode(file.read(), type=Remembered)
    except (OSError, msgspec.MsgspecError):
        return Remembered()


def remember(home: str, answers: Remembered) -> None:
    """Write the answers, if that is possible."""
    path = os.path.join(home, NAME)
    with suppress(OSError, ValueError):
        data = msgspec.json.encode(answers)
        with open(path + ".new", "wb") as file:
            file.write(data)
        os.replace(path + ".new", path)
