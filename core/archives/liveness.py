"""Checks whether the volume of an archive or a source still answers.

A call into a dead mount never returns, so a worker process makes it; a worker that hangs is abandoned.
"""

import asyncio
import errno
import os
from collections.abc import Coroutine
from typing import Any, TypeVar

from core import archive_layout
from core.aio import time_limit
from core.errors import ArchiveAwayError, WorkerDiedError
from core.models import Side
from core.paths import display
from core.volumes import macos_permissions
from core.workers import messages, source_messages
from core.workers.messages import Fault, Place, Source
from core.workers.pool import Pool, TaskFailedError, TaskStoppedError

ANSWER_TIMEOUT = 4.0
"""Seconds until a volume counts as not answering."""


T = TypeVar("T")

STILL = 3.0
"""Seconds without progress after which a volume is asked whether it answers."""


def of_archive(place: Place) -> tuple[Source, bytes]:
    """The root and the file to ask an archive for, as arguments of `answer`."""
    return Source(place.root, place.device, place.inode), archive_layout.ARCHIVE_TOML.encode()


async def answer(pool: Pool, root: Source, path: bytes) -> Fault | None:
    """None when the volume answers: the folder is still the same, and the file `path` can be read. Else the
    fault."""
    try:
        async with pool.worker("look") as worker:
            # The worker may be just starting, and a busy machine is no dead volume: it has to answer before the
            # time-out begins.
            await worker.ask(source_messages.Answers(Source(b"/")), messages.Done)
            async with time_limit(ANSWER_TIMEOUT):
                await worker.ask(source_messages.Answers(root, path), messages.Done)
    except TaskFailedError as error:
        return error.fault if error.fault.lost or error.fault.code == errno.EIO else None
    except TimeoutError:
        return Fault(Side.UNKNOWN, "it does not answer", lost=True)
    except (WorkerDiedError, TaskStoppedError, OSError):
        return None  # says nothing about the volume
    return None


async def while_answering(pool: Pool, place: Place, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work` on an archive; the work is cancelled once the archive does not answer any more.

    Raises ArchiveAwayError, and what the work raises.
    """
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait([task], timeout=STILL))[0]:
            fault = await answer(pool, *of_archive(place))
            if fault is not None and not task.done():
                advice = macos_permissions.permission_advice(
                    fault.code, os.environ
                ) or macos_permissions.no_answer_advice("Mount it again.")
                raise ArchiveAwayError(f"{display(place.root)} does not answer any more.", advice)
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
