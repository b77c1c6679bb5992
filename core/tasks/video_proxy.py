"""The queue video_proxy: a small film of every film, which plays everywhere."""

import os
from collections.abc import Mapping, Sequence

from core.errors import LadingError
from core.makers.messages import MakeProxy, RefusedError
from core.makers.pool import PATIENCE, Makers
from core.tasks import derivative, standing
from core.tasks.task import Beat, Context, ItemFacts, Job, Result

ROLE = "proxy"
"""The role of the row in the table `derivative`."""

SHELF = "proxies"


class VideoProxy:
    """The task. What holds no moving picture, or none that can be decoded, is done, with the reason in its row."""

    queue = "video_proxy"
    together = 1

    def __init__(self, *, patience: float = PATIENCE, search: str | None = None) -> None:
        self.makers = Makers(patience=patience)
        self._search = search

    def missing(self) -> str:
        """Empty when ffmpeg and ffprobe are there; else why not, and the command."""
        return derivative.missing(("ffmpeg", "ffprobe"), self._search)

    async def run(self, jobs: Sequence[Job], context: Context, beat: Beat) -> Mapping[int, Result]:
        """Make one proxy after the other."""
        facts = await context.items([job.item_id for job in jobs if job.item_id is not None])
        results = {}
        for job in jobs:
            item = facts.get(job.item_id) if job.item_id is not None else None
            results[job.id] = await self._make(job, item, context, beat) if item else derivative.NO_ITEM
        return results

    async def _make(self, job: Job, item: ItemFacts, context: Context, beat: Beat) -> Result:
        name = {ROLE: f"{derivative.stem(item)}.mp4"}
        if there := await standing.found(context, item, SHELF, name, standing.of_film):
            return there
        with derivative.folder(context) as place:
            order = MakeProxy(path=os.fsencode(item.path), folder=os.fsencode(place), stem=derivative.stem(item))
            try:
                made = await self.makers.make(order, lambda fraction: beat(job.id, fraction))
                return await derivative.published(context, item, made, place, SHELF, (ROLE,))
            except RefusedError as error:
                return Result(error=f"{str(error).rstrip('.')}.", final=error.final)
            except LadingError as error:
                return Result(error=str(error))

    async def close(self) -> None:
        """End every child process."""
        await self.makers.close()
