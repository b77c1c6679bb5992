"""Checking whose the state folder is. `sudo` may keep HOME; files that root then leaves in a user's state folder
can neither be read nor replaced by that user's engine. So another user's folder is refused before anything in it
is touched."""

import os
from collections.abc import Iterator
from contextlib import suppress

from core.errors import ConfigError

TITLE = "Not your state folder"

READ_ONLY_NAMES = frozenset({"config.toml"})
"""Names in the folder that are only read, and may belong to another user."""


def check(home: str) -> None:
    """Raises ConfigError when the state folder, or an entry in it, belongs to another user.

    For root, who could make a folder anywhere, one that does not exist counts as its parent's owner's.
    """
    me = os.geteuid()
    owner = _owner(home)
    if owner is None:
        owner = next(found for above in _above(home) if (found := _owner(above)) is not None)
        if me == 0 and owner != 0:
            raise _not_mine(home, owner)
        return
    if owner != me:
        raise _not_mine(home, owner)
    if me == 0:
        return
    for path, other in _inside(home):
        if other != me:
            raise ConfigError(
                f"{path} belongs to {_name(other)}: a run as that user has left it there.",
                _give_back(home),
                title=TITLE,
            )


def _not_mine(home: str, owner: int) -> ConfigError:
    me = os.geteuid()
    if me == 0:
        user = _name(owner)
        advice = f"Run it as {user}, not with sudo; or with root's own state folder: sudo -H lading …"
    elif owner == 0 and _owner(os.path.dirname(home)) == me:
        advice = _give_back(home)
    else:
        advice = "Set LADING_HOME to a folder of yours."
    cause = f"the state folder {home} is {_name(owner)}'s, and this runs as {_name(me)}."
    return ConfigError(cause, advice, title=TITLE)


def _give_back(home: str) -> str:
    import shlex  # seldom needed

    return f"Give it back to you: sudo chown -R {shlex.quote(_name(os.geteuid()))}: {shlex.quote(home)}"


def _owner(path: str) -> int | None:
    """The owner of a path; None where it does not exist or cannot be seen."""
    try:
        return os.stat(path).st_uid
    except OSError:
        return None


def _above(path: str) -> Iterator[str]:
    while (parent := os.path.dirname(path)) != path:
        yield parent
        path = parent


def _inside(home: str, depth: int = 2) -> Iterator[tuple[str, int]]:
    """(path, owner) of the entries in the folder, and in its folders."""
    with suppress(OSError), os.scandir(home) as found:
        for entry in found:
            if entry.name in READ_ONLY_NAMES:
                continue
            with suppress(FileNotFoundError):
                yield entry.path, entry.stat(follow_symlinks=False).st_uid
            if depth > 1 and entry.is_dir(follow_symlinks=False):
                yield from _inside(entry.path, depth - 1)


def _name(user: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
