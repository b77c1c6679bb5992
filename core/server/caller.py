"""The caller of a request, and the tables of functions that carry requests out."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol, TypeVar

from core.engine.engine import Engine
from core.models import Count
from core.protocol import Message, Part, Progress, Request, pack
from core.receipts.spool import Spool

Q = TypeVar("Q", bound=Request[Any])
R = TypeVar("R")


class MessageSink(Protocol):
    """The connection to the client that waits for the reply."""

    def offer(self, frame: bytes) -> None: ...
    async def send(self, message: Message) -> None: ...


class Caller:
    """The caller of a request, to whom progress and text are sent before the reply."""

    def __init__(self, session: MessageSink, number: int) -> None:
        self._session = session
        self._number = number

    def progress(self, checked: Count, total: Count) -> None:
        """Send the progress; skipped while the client has not read what was sent before."""
        self._session.offer(pack(Progress(number=self._number, checked=checked, total=total)))

    async def text(self, text: str) -> None:
        """Send a part of the text that was asked for. Raises ConnectionError."""
        await self._session.send(Part(number=self._number, text=text))

    async def whole_text(self, text: AsyncIterator[str]) -> None:
        """Send a text, after all of it was made. Raises ConnectionError."""
        with Spool() as spool:
            async for piece in text:
                spool.add(piece)
            for part in spool.pieces():
                await self.text(part)


Handler = Callable[[Engine, Q, Caller], Awaitable[R]]
"""Carries out a request, and returns the value of its reply."""


class HandlerTable(dict[type[Request[Any]], Handler[Any, Any]]):
    """Handlers by the class of their requests."""

    def of(self, kind: Callable[..., Request[R]]) -> Callable[[Handler[Q, R]], Handler[Q, R]]:
        """Register the function below as the handler of this class; it returns the value of the reply."""

        def add(function: Handler[Q, R]) -> Handler[Q, R]:
            assert isinstance(kind, type)  # noqa: S101 - for the type checker
            self[kind] = function
            return function

        return add
