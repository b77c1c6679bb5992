"""The queue thumbnail: three JPEG files of every picture and film, decoded once, in separate processes."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress

import msgspec

from core.derivatives.messages import Made, MakeThumbnails, OrderRefusedError
from core.derivatives.pool import Makers
from core.errors import LadingError, WorkerDiedError
from core.media.file_types import Kind, extension
from core.tasks import companions, derivative, existing_derivatives
from core.tasks.task import Beat, Context, ItemFacts, Job, Result

ROLES = ("400", "800", "1920")
"""The roles of the rows in the table `derivative`: the short edge in pixels."""

FOLDER = "thumbnails"


class Thumbnail:
    """The task. An item without a decoder is done, with the reason in its rows; a broken one fails."""

    queue = "thumbnail"
    together = 8

    def __init__(self) -> None:
        self.makers = Makers()

    def missing(self) -> str:
        """Empty when the programs for RAW files and films are installed; else which is not, and the command that
        installs it."""
        return derivative.missing(("exiftool", "ffmpeg", "ffprobe"))

    async def run(self, jobs: Sequence[Job], context: Context, beat: Beat) -> Mapping[int, Result]:
        """Make one after the other; the next is made while one is published."""
        facts = await context.items([job.item_id for job in jobs if job.item_id is not None])
        results: dict[int, Result] = {}
        async with derivative.temporary_folder(context) as place, asyncio.TaskGroup() as publishing:
            for number, job in enumerate(jobs):
                item = facts.get(job.item_id) if job.item_id is not None else None
                if item is None:
                    results[job.id] = derivative.NO_ITEM
                    continue
                names = {role: f"{derivative.stem(item)}_{role}.jpg" for role in ROLES}
                if there := await existing_derivatives.existing(
                    context, item, FOLDER, names, existing_derivatives.jpeg_size
                ):
                    results[job.id] = there
                    continue
                waiting = [later.id for later in jobs[number + 1 :]]
                try:
                    made = await self._make_of_item_or_companion(item, context, place, job, waiting, beat)
                except OrderRefusedError as error:
                    why = str(error).rstrip(".")
                    broken = why if error.damaged else ""
                    results[job.id] = Result(error=f"{why}.", final=error.final, unopenable=broken)
                except WorkerDiedError as error:
                    results[job.id] = Result(error=str(error))
                else:
                    publishing.create_task(self._publish(context, item, made, place, job, results))
        return results

    async def _make_of_item_or_companion(
        self, item: ItemFacts, context: Context, place: str, job: Job, waiting: list[int], beat: Beat
    ) -> Made:
        """Make thumbnails of the item itself; for a film without a decoder, of the files that the camera has made
        of it.

        The film itself is tried first, because decoding it shows whether it is broken.
        """
        if item.kind not in (Kind.IMAGES, Kind.VIDEOS):
            return Made([], f"no picture: {item.kind}")
        made, refused = Made([]), OrderRefusedError("")
        try:
            made = await self._make(item, item, place, job, waiting, beat)
        except OrderRefusedError as error:
            if error.damaged or item.kind != Kind.VIDEOS:
                raise
            refused = error
        if made.files or item.kind != Kind.VIDEOS:
            return made
        for other in (companions.proxy, companions.thumbnail):
            if there := await other(context, item):
                with suppress(OrderRefusedError):
                    instead = await self._make(
                        item, there[0], place, job, waiting, beat, film=other is companions.proxy
                    )
                    if instead.files:
                        return instead
        if str(refused):
            raise refused
        return made

    async def _make(
        self,
        item: ItemFacts,
        of: ItemFacts,
        place: str,
        job: Job,
        waiting: list[int],
        beat: Beat,
        *,
        film: bool | None = None,
    ) -> Made:

        def step(fraction: float) -> None:
            beat(job.id, fraction)
            for later in waiting:
                beat(later, 0.0)

        step(0.0)
        ending = extension(os.fsencode(os.path.basename(of.path))) or extension(of.name)
        order = MakeThumbnails(
            path=os.fsencode(of.path),
            extension=ending.removeprefix("."),
            film=of.kind == Kind.VIDEOS if film is None else film,
            folder=os.fsencode(place),
            stem=derivative.stem(item),
            # The first attempt may have failed because a decoder inside the maker crashed or hung.
            programs_only=job.attempt > 1,
        )
        return await self.makers.make(order, step)

    async def _publish(
        self, context: Context, item: ItemFacts, made: Made, place: str, job: Job, results: dict[int, Result]
    ) -> None:
        try:
            result = await derivative.publish(context, item, made, place, FOLDER, ROLES)
            results[job.id] = msgspec.structs.replace(result, unopenable=made.note if made.damaged else "")
        except LadingError as error:
            results[job.id] = Result(error=str(error))

    async def close(self) -> None:
        """Kill every child process."""
        await self.makers.close()
