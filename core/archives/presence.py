"""The question whether payload is there: each file under its name, at its size. No file is read."""

from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

from core.workers.archive_messages import Presence, Present
from core.workers.messages import Place

Ask = Callable[[Presence, type[Present]], Awaitable[Present]]
"""How a worker is asked: the request and the type of its reply."""


class Sized(Protocol):
    """Payload by its path below the archive's root, and its size in bytes."""

    @property
    def path(self) -> str: ...

    @property
    def size(self) -> int: ...


async def present(ask: Ask, place: Place, items: Collection[Sized]) -> set[str]:
    """The paths of those items whose payload is in the archive at its size. Raises what `ask` raises."""
    files = [(item.path, item.size) for item in items]
    there = (await ask(Presence(place, files), Present)).there
    return {path for (path, _), is_there in zip(files, there, strict=True) if is_there}
