"""What every connection to an engine has: `call`, which sends any request."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

from core.models import Count
from core.protocol import Part, Progress, Request
from core.protocol.requests import Look
from core.snapshot import Snapshot

R = TypeVar("R")

OnProgress = Callable[[Count, Count], None]
"""Called with how much is done, and how much there is; an empty total is not known."""

OnText = Callable[[str], None]
"""Called with text, piece by piece."""


class Calls(ABC):
    """All methods raise the engine's LadingError, and EngineLostError when the engine ends before its answer."""

    @abstractmethod
    async def call(
        self, request: Request[R], *, progress: OnProgress | None = None, text: OnText | None = None
    ) -> R:
        """The reply to a request; `progress` and `text` are called with what is sent before it. When this is
        cancelled, the engine is told that the reply is not needed any more."""

    async def look(self) -> Snapshot:
        """A snapshot of what the engine does now."""
        return await self.call(Look())


Hear = Callable[[Progress | Part], None]


def listener(progress: OnProgress | None, text: OnText | None) -> Hear:
    """A function that passes what is sent before a reply to `progress` and `text`."""

    def hear(message: Progress | Part) -> None:
        match message:
            case Progress(checked=checked, total=total) if progress is not None:
                progress(checked, total)
            case Part(text=more) if text is not None:
                text(more)

    return hear
