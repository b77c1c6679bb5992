"""What can be asked of the engine, each by its name: the engine's own methods, carried out in its process."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from core.models import Count, Failure, FailureGroup, ImportRequest, JobView, Outcome, Snapshot
from core.protocol import FilePage, Part, Progress, Pushed, Record, Request, replies, requests
from core.protocol.requests import Prospect, Start, Wanted
from core.results import AuditResult, AuditScope, CheckResult, Moved, Rebuilt, RestoreResult, Survey
from core.shown import Changes, ItemView, LocationView

if TYPE_CHECKING:
    from core.receipts import Form

R = TypeVar("R")

EVERYTHING = AuditScope()

Hear = Callable[[Progress | Part], None]


class Line(Protocol):
    """A connection to an engine."""

    async def ask(self, request: Request, wanted: type[R], hear: Hear | None = None) -> R:
        """The reply to a request; `hear` gets what is told before it."""


class Calls(ABC):
    """They raise what the engine's own raise, and EngineLostError when the engine ends."""

    @property
    @abstractmethod
    def _connection(self) -> Line:
        """What they are asked by."""

    async def _ask(self, request: Request, wanted: type[R], hear: Hear | None = None) -> R:
        return await self._connection.ask(request, wanted, hear)

    async def look(self) -> Snapshot:
        """What the engine does now."""
        return (await self._ask(requests.Look(), Pushed)).snapshot

    # Imports

    async def start_imports(self, requests: Sequence[ImportRequest]) -> list[str]:
        """Begin an import for each source. Cancelled, what has begun is paused."""
        started = await self._ask(Start(requests=tuple(map(Wanted.of, requests))), replies.Started)
        return list(started.ids)

    async def resume_import(self, name: str) -> None:
        """Go on with a paused or interrupted import."""
        await self._ask(requests.Resume(id=name), replies.Done)

    async def retry_import(self, name: str, *, cause: str = "", files: Sequence[int] = ()) -> int:
        """Try failed files once more: these, else those with this cause, else all; how many have failed so.

        Raises UsageError, SourceError, ArchiveError.
        """
        wanted = requests.Again(id=name, cause=cause, files=tuple(files))
        return (await self._ask(wanted, replies.Revived)).count

    async def pause_import(self, name: str, reason: str = "by the user") -> None:
        """Stop reading and writing now; the engine keeps its place."""
        await self._ask(requests.Pause(id=name, reason=reason), replies.Done)

    async def cancel_import(self, name: str) -> None:
        """End an import here."""
        await self._ask(requests.Cancel(id=name), replies.Done)

    async def wait(self, names: Sequence[str]) -> None:
        """Until each of these imports has ended or cannot go on."""
        await self._ask(requests.Wait(ids=tuple(names)), replies.Done)

    async def survey(self, requests: Sequence[ImportRequest]) -> list[Survey]:
        """What importing these would do."""
        found = await self._ask(Prospect(requests=tuple(map(Wanted.of, requests))), replies.Surveys)
        return list(found.surveys)

    async def audit(
        self, path: str, progress: Callable[[Count, Count], None], scope: AuditScope = EVERYTHING
    ) -> AuditResult:
        """Read the archive at `path` again, as far as `scope` says."""
        wanted = requests.Audit(
            archive=os.fsencode(path),
            older_than=scope.older_than,
            sample=scope.sample,
            heal=tuple(map(os.fsencode, scope.heal)),
        )
        return (await self._ask(wanted, replies.Audited, _hearing(progress))).result

    async def check(
        self, source: str, archive: str, progress: Callable[[Count, Count], None], *, read: bool = False
    ) -> CheckResult:
        """Is every file of `source` archived, verified and still there? Raises SourceError, ArchiveError."""
        wanted = requests.Check(source=os.fsencode(source), archive=os.fsencode(archive), read=read)
        return (await self._ask(wanted, replies.Checked, _hearing(progress))).result

    async def restore(
        self, name: str, target: str, progress: Callable[[Count, Count], None], *, by_date: bool = False
    ) -> RestoreResult:
        """The original tree of an import, a card or a location below `target`. Raises UsageError, ArchiveError."""
        wanted = requests.Restore(name=name, target=os.fsencode(target), by_date=by_date)
        return (await self._ask(wanted, replies.Restored, _hearing(progress))).result

    async def rebuild(self, path: str, progress: Callable[[Count, Count], None]) -> Rebuilt:
        """Bring the catalog up to all that the archive at `path` holds. Raises ArchiveError, UsageError."""
        wanted = requests.Rebuild(archive=os.fsencode(path))
        return (await self._ask(wanted, replies.Rebuilt, _hearing(progress))).result

    async def move_import(self, name: str, location: str) -> Moved:
        """Move an import to another location of its archive. Raises ArchiveError, UsageError."""
        return (await self._ask(requests.Move(name=name, location=location), replies.Moved)).result

    # What is and was

    async def imports(self, *, unfinished: bool = False) -> list[Record]:
        """All imports, oldest first; or those that are neither done nor cancelled."""
        found: list[Record] = []
        while page := await self._page(found[-1].row if found else 0, unfinished):
            found += page
        return found[::-1]

    async def _page(self, before: int, unfinished: bool) -> tuple[Record, ...]:
        return (await self._ask(requests.Imports(before=before, unfinished=unfinished), replies.Records)).records

    async def find(self, name: str) -> Record:
        """The import whose id is or begins with `name`. Raises UsageError."""
        return (await self._ask(requests.Find(name=name), replies.Records)).records[0]

    async def files(
        self, name: str = "", *, outcomes: Sequence[Outcome] = (), text: str = "", offset: int = 0
    ) -> FilePage:
        """Files of an import, or of all, from row `offset` on. Raises UsageError."""
        wanted = requests.Files(name=name, outcomes=tuple(outcomes), text=text, offset=offset)
        return await self._ask(wanted, FilePage)

    async def known(self, file: int) -> tuple[tuple[str, str], ...]:
        """All that is known of a file. Raises UsageError."""
        return (await self._ask(requests.Known(file=file), replies.Facts)).facts

    async def errors(self, name: str) -> list[FailureGroup]:
        """Why files of an import failed. Raises UsageError."""
        return list((await self._ask(requests.Errors(name=name), replies.ErrorGroups)).groups)

    async def failures(self, name: str, cause: str, offset: int = 0) -> list[Failure]:
        """Files of an import that failed for this cause, from row `offset` on. Raises UsageError."""
        wanted = requests.Failures(name=name, cause=cause, offset=offset)
        return list((await self._ask(wanted, replies.FailurePage)).failures)

    async def receipt(self, name: str, form: "Form", out: Callable[[str], None]) -> None:
        """Give the receipt of an import to `out`, piece by piece. Raises UsageError."""

        def hear(message: Progress | Part) -> None:
            if isinstance(message, Part):
                out(message.text)

        await self._ask(requests.Receipt(name=name, form=form), replies.Done, hear)

    async def hash_list(self, name: str, folder: str, out: Callable[[str], None]) -> replies.Exported:
        """Give the ASC MHL manifest of an import to `out`, or begin a history with it in `folder`.

        Raises UsageError.
        """

        def hear(message: Progress | Part) -> None:
            if isinstance(message, Part):
                out(message.text)

        wanted = requests.HashList(name=name, folder=os.fsencode(folder))
        return await self._ask(wanted, replies.Exported, hear)

    # The background

    async def queue_pause(self, name: str) -> None:
        """Begin no more jobs of a queue. Raises UsageError."""
        await self._ask(requests.PauseQueue(queue=name), replies.Done)

    async def queue_resume(self, name: str) -> None:
        """Go on with a queue. Raises UsageError."""
        await self._ask(requests.ResumeQueue(queue=name), replies.Done)

    async def queue_slots(self, name: str, slots: int) -> None:
        """So many calls of a queue at once. Raises UsageError."""
        await self._ask(requests.SetSlots(queue=name, slots=slots), replies.Done)

    async def jobs(self, state: str = "", queue: str = "", after: int = 0) -> list[JobView]:
        """A page of jobs with ids beyond `after`, of one state and one queue where these are given."""
        return list((await self._ask(requests.Jobs(state=state, queue=queue, after=after), replies.JobPage)).jobs)

    async def retry(self, queue: str = "", ids: Sequence[int] | None = None) -> int:
        """Try dead jobs again, all of them, or those of a queue or with these ids; how many jobs that revives."""
        wanted = requests.Retry(queue=queue, ids=None if ids is None else tuple(ids))
        return (await self._ask(wanted, replies.Revived)).count

    async def derive(self, path: str) -> int:
        """Add jobs for all that is missing in the archive at `path`; how many. Raises ArchiveError."""
        return (await self._ask(requests.Derive(archive=os.fsencode(path)), replies.Revived)).count

    async def show(self, wanted: str, path: bytes, *, raw: bool = False) -> list[ItemView]:
        """The items that a digest, a name or an absolute path means. Raises UsageError."""
        return list((await self._ask(requests.Show(wanted=wanted, path=path, raw=raw), replies.Items)).items)

    async def locations(self, path: str) -> list[LocationView]:
        """The locations of the archive at `path`. Raises UsageError."""
        wanted = requests.Locations(archive=os.fsencode(path))
        return list((await self._ask(wanted, replies.Located)).locations)

    async def describe(self, path: str, location: str, changes: Changes) -> LocationView:
        """Change what is said of a location of the archive at `path`. Raises UsageError."""
        given = msgspec.structs.asdict(changes)
        wanted = requests.Describe(archive=os.fsencode(path), location=location, **given)
        return (await self._ask(wanted, replies.Located)).locations[0]

    async def finish(self, names: Sequence[str]) -> None:
        """Until these imports have ended, and all they left to be done, but for what waits until a person acts."""
        await self._ask(requests.Finish(ids=tuple(names)), replies.Done)


def _hearing(progress: Callable[[Count, Count], None]) -> Hear:
    def hear(message: Progress | Part) -> None:
        if isinstance(message, Progress):
            progress(message.checked, message.total)

    return hear
