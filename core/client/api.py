"""The requests that several commands send, as methods."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from core.client.calls import Calls, OnProgress, OnText
from core.import_choices import Acceptable
from core.listings import Failure, FailureGroup, FilePage, ImportRecord
from core.models import ImportRequest, Outcome
from core.protocol import Request, archive_requests, import_requests, queue_requests
from core.results import Survey

if TYPE_CHECKING:
    from core.receipts import Form

R = TypeVar("R")


class EngineCalls(Calls):
    """All methods raise the engine's LadingError, and EngineLostError when the engine ends before its answer."""

    # Imports

    async def start_imports(self, requests: Sequence[ImportRequest]) -> list[str]:
        """Start an import for each source. Returns their ids. When this is cancelled, the imports that were
        started are paused."""
        return await self.call(import_requests.StartImports(sources=import_requests.sources(requests)))

    async def watch_cards(self) -> None:
        """Have the engine look for cards until this is cancelled; snapshots contain them."""
        await self.call(import_requests.WatchCards())

    async def hold_cards(self) -> int:
        """Stop the countdowns of all imports that are about to begin by themselves. Returns how many there
        were."""
        return await self.call(import_requests.HoldCards())

    async def resume_import(self, name: str, accept: Sequence[Acceptable] = ()) -> None:
        """Resume a paused or interrupted import, which from now on accepts this, too."""
        await self.call(import_requests.ResumeImport(id=name, accept=tuple(accept)))

    async def retry_import(self, name: str, *, cause: str = "", files: Sequence[int] = ()) -> int:
        """Retry failed files: these, else those with this cause, else all. Returns how many failed in this way.

        Raises UsageError, SourceError, ArchiveError.
        """
        return await self.call(import_requests.RetryImport(id=name, cause=cause, files=tuple(files)))

    async def pause_import(self, name: str, reason: str = "by the user") -> None:
        """Pause an import: it stops reading and writing now, and can be resumed."""
        await self.call(import_requests.PauseImport(id=name, reason=reason))

    async def cancel_import(self, name: str) -> None:
        """Cancel an import."""
        await self.call(import_requests.CancelImport(id=name))

    async def wait(self, names: Sequence[str]) -> None:
        """Wait until each of these imports has ended or cannot continue."""
        await self.call(import_requests.WaitForImports(ids=tuple(names)))

    async def survey(self, requests: Sequence[ImportRequest]) -> list[Survey]:
        """Dry run: what importing these would do."""
        return await self.call(import_requests.DryRun(sources=import_requests.sources(requests)))

    async def distinct(self, sources: Sequence[str]) -> list[str]:
        """The sources without those that equal another one, or are inside one. Raises SourceError."""
        request = import_requests.DistinctSources(sources=tuple(map(os.fsencode, sources)))
        return list(map(os.fsdecode, await self.call(request)))

    async def imports(self, *, unfinished: bool = False) -> list[ImportRecord]:
        """All imports, oldest first; with `unfinished`, only those that are neither done nor cancelled."""
        found: list[ImportRecord] = []
        before = 0
        while page := await self.call(import_requests.ListImports(before=before, unfinished=unfinished)):
            found += page
            before = page[-1].row
        return found[::-1]

    async def find(self, name: str) -> ImportRecord:
        """The import whose id is `name` or begins with it. Raises UsageError."""
        return await self.call(import_requests.FindImport(name=name))

    async def files(
        self, name: str = "", *, outcomes: Sequence[Outcome] = (), text: str = "", offset: int = 0
    ) -> FilePage:
        """Files of one import, or of all, from row `offset` on. Raises UsageError."""
        return await self.call(
            import_requests.ListFiles(name=name, outcomes=tuple(outcomes), text=text, offset=offset)
        )

    async def file_details(self, file: int) -> list[tuple[str, str]]:
        """Everything known of a file, as (name, value). Raises UsageError."""
        return await self.call(import_requests.FileDetails(file=file))

    async def errors(self, name: str) -> list[FailureGroup]:
        """The causes of failed files of an import. Raises UsageError."""
        return await self.call(import_requests.FailureCauses(name=name))

    async def failures(self, name: str, cause: str, offset: int = 0) -> list[Failure]:
        """Files of an import that failed with this cause, from row `offset` on. Raises UsageError."""
        return await self.call(import_requests.FailedFiles(name=name, cause=cause, offset=offset))

    async def receipt(self, name: str, form: "Form", out: OnText) -> None:
        """Pass the receipt of an import to `out`, piece by piece. Raises UsageError."""
        await self.call(import_requests.GetReceipt(name=name, form=form), text=out)

    async def picture(self, sha256: str) -> bytes:
        """The smallest thumbnail of an item, a JPEG file; empty where there is none, or none yet.

        Raises ArchiveError.
        """
        return await self.call(archive_requests.GetThumbnail(sha256=sha256))

    async def film_strip(self, sha256: str) -> bytes:
        """Six frames of a film, a JPEG file; empty where there are none. Raises ArchiveError."""
        return await self.call(archive_requests.GetFilmStrip(sha256=sha256))

    async def copy_to_view(self, sha256: str, name: str) -> str:
        """The path of a read-only copy of an item, called `name`. Raises UsageError, ArchiveError."""
        return await self.call(archive_requests.CopyToView(sha256=sha256, name=name))

    # The job queues

    async def queue_pause(self, name: str) -> None:
        """Pause a queue: no more of its jobs are started. Raises UsageError."""
        await self.call(queue_requests.PauseQueue(queue=name))

    async def queue_resume(self, name: str) -> None:
        """Resume a queue. Raises UsageError."""
        await self.call(queue_requests.ResumeQueue(queue=name))

    async def queue_slots(self, name: str, slots: int) -> None:
        """Set how many calls of a queue may run at once. Raises UsageError."""
        await self.call(queue_requests.SetSlots(queue=name, slots=slots))

    async def retry(self, queue: str = "", ids: Sequence[int] | None = None, cause: str = "") -> int:
        """Retry dead jobs: all, or those of a queue, with these ids, or with a cause. Returns how many."""
        given = None if ids is None else tuple(ids)
        return await self.call(queue_requests.RetryJobs(queue=queue, ids=given, cause=cause))


class Through(EngineCalls):
    """These requests, sent through a connection that has only `call`."""

    def __init__(self, connection: Calls) -> None:
        self._connection = connection

    async def call(
        self, request: Request[R], *, progress: OnProgress | None = None, text: OnText | None = None
    ) -> R:
        """See Calls."""
        return await self._connection.call(request, progress=progress, text=text)
