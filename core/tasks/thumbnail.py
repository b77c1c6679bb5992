"""The queue thumbnail: three JPEG files of every picture and film, decoded once, in processes of their own."""

import asyncio
import os
from collections.abc import Mapping, Sequence

from core.errors import LadingError, WorkerDiedError
from core.makers.messages import Made, MakeThumbnails, RefusedError
from core.makers.pool import PATIENCE, Makers
from core.media.kinds import Kind, extension
from core.tasks import derivative, standing
from core.tasks.task import Beat, Context, ItemFacts, Job, Result

ROLES = ("400", "800", "1920")
"""The roles of the rows in the table `derivative`: the short edge in pixels."""

SHELF = "thumbnails"


class Thumbnail:
    """The task. What no decoder is there for is done, with the reason in its rows; what is broken fails."""

    queue = "thumbnail"
    together = 8

    def __init__(self, *, patience: float = PATIENCE, search: str | None = None) -> None:
        self.makers = Makers(patience=patience)
        self._search = search

    def missing(self) -> str:
        """Empty when the programs for RAW files and films are there; else why not, and the command."""
        return derivative.missing(("exiftool", "ffmpeg", "ffprobe"), self._search)

    async def run(self, jobs: Sequence[Job], context: Context, beat: Beat) -> Mapping[int, Result]:
        """Make one after the other; while one is published the next is made."""
        facts = await context.items([job.item_id for job in jobs if job.item_id is not None])
        results: dict[int, Result] = {}
        with derivative.folder(context) as place:
            async with asyncio.TaskGroup() as publishing:
                for number, job in enumerate(jobs):
                    item = facts.get(job.item_id) if job.item_id is not None else None
                    if item is None:
                        results[job.id] = derivative.NO_ITEM
                        continue
                    names = {role: f"{derivative.stem(item)}_{role}.jpg" for role in ROLES}
                    if there := await standing.found(context, item, SHELF, names, standing.of_jpeg):
                        results[job.id] = there
                        continue
                    waiting = [later.id for later in jobs[number + 1 :]]
                    try:
                        made = await self._make(item, place, job, waiting, beat)
                    except RefusedError as error:
                        results[job.id] = Result(error=f"{str(error).rstrip('.')}.", final=error.final)
                    except WorkerDiedError as error:
                        results[job.id] = Result(error=str(error))
                    else:
                        publishing.create_task(self._publish(context, item, made, place, job, results))
        return results

    async def _make(self, item: ItemFacts, place: str, job: Job, waiting: list[int], beat: Beat) -> Made:
        if item.kind not in (Kind.IMAGES, Kind.VIDEOS):
            return Made([], f"no picture: {item.kind}")

        def step(fraction: float) -> None:
            beat(job.id, fraction)
            for later in waiting:
                beat(later, 0.0)

        step(0.0)
        ending = extension(os.fsencode(os.path.basename(item.path))) or extension(item.name)
        order = MakeThumbnails(
            path=os.fsencode(item.path),
            extension=ending.removeprefix("."),
            film=item.kind == Kind.VIDEOS,
            folder=os.fsencode(place),
            stem=derivative.stem(item),
        )
        return await self.makers.make(order, step)

    async def _publish(
        self, context: Context, item: ItemFacts, made: Made, place: str, job: Job, results: dict[int, Result]
    ) -> None:
        try:
            results[job.id] = await derivative.published(context, item, made, place, SHELF, ROLES)
        except LadingError as error:
            results[job.id] = Result(error=str(error))

    async def close(self) -> None:
        """End every child process."""
        await self.makers.close()
