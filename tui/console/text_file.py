"""Writing a command's text, which may be long, to standard output or to a new file."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from core.errors import UsageError
from tui.console.output import Console


@contextmanager
def writing(path: str | None, console: Console) -> Iterator[Callable[[str], None]]:
    """A function that writes the text. An existing file is never replaced; an incomplete one is removed.

    Raises UsageError.
    """
    if path is None:
        yield console.out.write
        return
    with new_file(path) as write:
        yield lambda text: write(text.encode())


@contextmanager
def new_file(path: str) -> Iterator[Callable[[bytes], None]]:
    """What takes the bytes of a new file, which is removed if it is not finished. Raises UsageError."""
    try:
        file = open(path, "xb")  # noqa: SIM115 - closed below
    except FileExistsError as error:
        raise UsageError(f"{path} is there already.", "Give another name by --output.") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Give another place.") from error
    try:
        with file:
            yield lambda data: _write(file, data, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(path)
        raise


def _write(file: BinaryIO, data: bytes, path: str) -> None:
    try:
        file.write(data)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.", "Make room, or give another place."
        ) from error
