"""Single values of the configuration: their types, and the errors for values that do not fit."""

import os
import reprlib
from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

from core.errors import ConfigError

Text = Annotated[str, msgspec.Meta(pattern=r"\S")]
# The upper bound keeps every number inside what messages, SQLite and semaphores can hold.
Number = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Copies = Annotated[int, msgspec.Meta(ge=1, le=100)]


def encodable(value: object, *, names_files: bool) -> None:
    """Raises ValueError for a text that cannot be encoded, or has a null byte. Texts with `names_files` may have
    any other bytes; all others must be UTF-8."""
    if isinstance(value, str):
        encoded = os.fsencode(value) if names_files else value.encode()
        if b"\0" in encoded:
            raise ValueError("embedded null byte")


def absolute(path: str, place: str, folder: str = "") -> str:
    """`path` without `~`, made absolute from `folder` (empty: the working directory). Raises ConfigError."""
    try:
        encodable(path, names_files=True)
        expanded = os.path.expanduser(path)
        found = os.path.abspath(os.path.join(folder, expanded))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{place} is {reprlib.repr(path)}: {error}.", "Give an absolute path.") from error
    if expanded.startswith("~"):
        raise ConfigError(f"{place} is {path!r}: no such user.", "Write ./~… for a folder of that name.")
    return found


def unknown(place: str, name: str, known: Iterable[str]) -> ConfigError:
    """The error for an unknown `name`; its advice is the most similar name in `known`, which must not be empty."""
    import difflib

    by_case = {candidate.lower(): candidate for candidate in known}
    nearest = by_case[difflib.get_close_matches(name.lower(), by_case, n=1, cutoff=0)[0]]
    return ConfigError(f"{place}: {name!r} is not known.", f"The nearest known name is {nearest}.")


def advice_for(kind: Any) -> str:
    """The advice for a value that is not of the type `kind`."""
    if get_origin(kind) is Literal:
        return f"Give one of: {', '.join(get_args(kind))}."
    if get_origin(kind) is tuple and get_origin(get_args(kind)[0]) is Literal:
        return f"Give a list of: {', '.join(get_args(get_args(kind)[0]))}."
    if get_origin(kind) is tuple:
        return "Give a list of texts, none of them blank."
    if kind is bool:
        return "Give true or false."
    if kind in (Number, Number | None):
        return "Give an integer from 1 to 1000000."
    if kind == Copies | None:
        return "Give an integer from 1 to 100."
    return "Give a text in UTF-8 that is not blank."
