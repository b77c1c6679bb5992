"""The queue video_proxy: of every film a small one that plays everywhere."""

import os
from collections.abc import Mapping, Sequence

from core.derivatives.messages import LONG_EDGE, Made, MakeProxy, OrderRefusedError
from core.derivatives.pool import Makers
from core.errors import LadingError
from core.paths import display
from core.tasks import companions, derivative, existing_derivatives
from core.tasks.task import Beat, Context, ItemFacts, Job, Result

ROLE = "proxy"
"""The role of the row in the table `derivative`."""

FOLDER = "proxies"


class VideoProxy:
    """The task. A file without a video stream, or with none that can be decoded, is done, with the reason in its
    row."""

    queue = "video_proxy"
    together = 1

    def __init__(self) -> None:
        self.makers = Makers()

    def missing(self) -> str:
        """Empty when ffmpeg and ffprobe are installed; else which is not, and the command that installs it."""
        return derivative.missing(("ffmpeg", "ffprobe"))

    async def run(self, jobs: Sequence[Job], context: Context, beat: Beat) -> Mapping[int, Result]:
        """Make one proxy after the other."""
        facts = await context.items([job.item_id for job in jobs if job.item_id is not None])
        results = {}
        for job in jobs:
            item = facts.get(job.item_id) if job.item_id is not None else None
            results[job.id] = await self._make(job, item, context, beat) if item else derivative.NO_ITEM
        return results

    async def _make(self, job: Job, item: ItemFacts, context: Context, beat: Beat) -> Result:
        if why := await self._why_not_needed(item, context):
            return await derivative.publish(context, item, Made([], why), "", FOLDER, (ROLE,))
        name = {ROLE: f"{derivative.stem(item)}.mp4"}
        if there := await existing_derivatives.existing(
            context, item, FOLDER, name, existing_derivatives.film_size
        ):
            return there
        async with derivative.temporary_folder(context) as place:
            order = MakeProxy(path=os.fsencode(item.path), folder=os.fsencode(place), stem=derivative.stem(item))
            try:
                made = await self.makers.make(order, lambda fraction: beat(job.id, fraction))
                return await derivative.publish(context, item, made, place, FOLDER, (ROLE,))
            except OrderRefusedError as error:
                return Result(error=f"{str(error).rstrip('.')}.", final=error.final)
            except LadingError as error:
                return Result(error=str(error))

    async def _why_not_needed(self, item: ItemFacts, context: Context) -> str:
        """Why an item needs no proxy: the camera has made one, or the item is itself a proxy, or as small as one.
        Empty if it needs a proxy."""
        if film := await companions.proxy_of(context, item):
            return f"it is the camera's proxy of {display(film)}"
        if there := await companions.proxy(context, item):
            return f"the camera's own serves: {display(there[1])}"
        size = await companions.edges(context, item)
        return "it is smaller than a proxy" if size is not None and max(size) < LONG_EDGE else ""

    async def close(self) -> None:
        """Kill every child process."""
        await self.makers.close()
