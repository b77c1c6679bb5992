"""A connection that shows hand-made snapshots and notes what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar, cast

from core.client.calls import OnProgress, OnText
from core.errors import LadingError
from core.listings import Failure, FailureGroup, FilePage, FileView, ImportRecord
from core.models import Count, ImportRequest, Outcome
from core.protocol import PUSH_INTERVAL, Request
from core.protocol.import_requests import ListCards, ListInUse, RecogniseFiles
from core.receipts import Form
from core.results import InUse, Survey
from core.snapshot import Snapshot

R = TypeVar("R")


class Fake:
    """An engine's end for tests. `lost` set: it ends; `frozen`: it sends only what a test pushes."""

    def __init__(self, first: Snapshot | None = None) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.newest = first
        self.news = asyncio.Event()
        self.lost = False
        self.frozen = False
        self.starts = 0
        self.fault: LadingError | None = None
        self.records: list[ImportRecord] = []
        self.surveys: list[Survey] = []
        self.all_files: list[FileView] = []
        self.groups: list[FailureGroup] = []
        self.failed: list[Failure] = []
        self.receipts: dict[str, str] = {}
        self.forms: list[str] = []
        self.answers: dict[type, Any] = {}
        """By the class of a request its reply; a list of replies, one after the other; an event to wait for."""
        self.facts: dict[int, list[tuple[str, str]]] = {}
        self.pictures: dict[str, bytes] = {}
        self.strips: dict[str, bytes] = {}

    def push(self, snapshot: Snapshot) -> None:
        """Send another snapshot."""
        self.newest = snapshot
        self.news.set()

    def lose(self) -> None:
        """End, as an engine does that is killed."""
        self.lost = True
        self.news.set()

    async def start(self) -> None:
        self.starts += 1
        self._may_fail()

    async def leave(self) -> None:
        self.asked.append(("leave",))

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        while not self.lost:
            self.news.clear()
            if self.newest is not None:
                yield self.newest
            # As an engine does, which sends what has not changed, too.
            with suppress(TimeoutError):
                await asyncio.wait_for(self.news.wait(), None if self.frozen else PUSH_INTERVAL)

    async def call(
        self, request: Request[R], *, progress: OnProgress | None = None, text: OnText | None = None
    ) -> R:
        self._note("call", request)
        if progress is not None:
            progress(Count(files=1, bytes=1), Count(files=2, bytes=2))
        if isinstance(request, RecogniseFiles) and RecogniseFiles not in self.answers:
            return cast(R, [False] * len(request.files))
        if isinstance(request, ListInUse) and ListInUse not in self.answers:
            return cast(R, InUse())
        if isinstance(request, ListCards) and ListCards not in self.answers:
            return cast(R, [])
        answer = self.answers[type(request)]
        if isinstance(answer, asyncio.Event):
            await answer.wait()
        result: R = answer.pop(0) if isinstance(answer, list) else answer
        return result

    async def survey(self, requests: Sequence[ImportRequest]) -> list[Survey]:
        self._note("survey", *requests)
        return self.surveys[: len(requests)]

    async def start_imports(self, requests: Sequence[ImportRequest]) -> list[str]:
        self._note("start", *requests)
        return [str(number) for number, _ in enumerate(requests)]

    async def watch_cards(self) -> None:
        await asyncio.Event().wait()

    async def hold_cards(self) -> int:
        self._note("hold")
        return 1

    async def resume_import(self, name: str) -> None:
        self._note("resume", name)

    async def retry_import(self, name: str, *, cause: str = "", files: Sequence[int] = ()) -> int:
        self._note("retry", name, cause, tuple(files))
        return len(files) or sum(group.count for group in self.groups if cause in ("", group.cause))

    async def errors(self, name: str) -> list[FailureGroup]:
        self._note("errors", name)
        return self.groups

    async def failures(self, name: str, cause: str, offset: int = 0) -> list[Failure]:
        self._note("failures", name, cause, offset)
        return [one for one in self.failed if one.cause == cause][offset : offset + 200]

    async def pause_import(self, name: str, reason: str = "by the user") -> None:
        self._note("pause", name)

    async def cancel_import(self, name: str) -> None:
        self._note("cancel", name)

    async def imports(self, *, unfinished: bool = False) -> list[ImportRecord]:
        self._note("imports")
        return self.records

    async def find(self, name: str) -> ImportRecord:
        self._note("find", name)
        return next(record for record in self.records if record.id == name)

    async def files(
        self, name: str = "", *, outcomes: Sequence[Outcome] = (), text: str = "", offset: int = 0
    ) -> FilePage:
        self._note("files", name, tuple(outcomes), text, offset)
        found = [
            file
            for file in self.all_files
            if (not outcomes or file.outcome in outcomes) and all(word in file.path for word in text.split())
        ]
        return FilePage(total=len(found), files=tuple(found[offset : offset + 200]))

    async def file_details(self, file: int) -> list[tuple[str, str]]:
        self._note("known", file)
        return self.facts.get(file, [("original", f"file {file}"), ("SHA-256", "ab" * 32)])

    async def queue_pause(self, name: str) -> None:
        self._note("queue_pause", name)

    async def queue_resume(self, name: str) -> None:
        self._note("queue_resume", name)

    async def queue_slots(self, name: str, slots: int) -> None:
        self._note("queue_slots", name, slots)

    async def retry(self, queue: str = "", ids: Sequence[int] | None = None, cause: str = "") -> int:
        self._note("retry", queue)
        return 3

    async def picture(self, sha256: str) -> bytes:
        self._note("picture", sha256)
        return self.pictures.get(sha256, b"")

    async def film_strip(self, sha256: str) -> bytes:
        self._note("strip", sha256)
        return self.strips.get(sha256, b"")

    async def copy_to_view(self, sha256: str, name: str) -> str:
        self._note("view", sha256, name)
        return f"/home/views/{name}"

    async def receipt(self, name: str, form: Form, out: Callable[[str], None]) -> None:
        self._note("receipt", name)
        self.forms.append(form)
        out(self.receipts.get(name, ""))

    def _note(self, *asked: Any) -> None:
        self.asked.append(asked)
        self._may_fail()

    def _may_fail(self) -> None:
        if self.fault is not None:
            raise self.fault
