"""What the app remembers from one time to the next: where the last import went."""

import os
from contextlib import suppress

import msgspec

from core.models import Value

NAME = "terminal.json"


class Remembered(Value, frozen=True, kw_only=True):
    """The answers given last."""

    archive: str = ""
    location: str = ""
    operator: str = ""


def recall(home: str) -> Remembered:
    """What is remembered in the state folder; nothing where that cannot be read."""
    try:
        with open(os.path.join(home, NAME), "rb") as file:
            return msgspec.json.decode(file.read(), type=Remembered)
    except (OSError, msgspec.MsgspecError):
        return Remembered()


def remember(home: str, answers: Remembered) -> None:
    """Keep it, if that is possible."""
    path = os.path.join(home, NAME)
    with suppress(OSError, ValueError):
        data = msgspec.json.encode(answers)
        with open(path + ".new", "wb") as file:
            file.write(data)
        os.replace(path + ".new", path)
