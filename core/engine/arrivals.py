"""Cards that are plugged in: a dry run of each, and the import of those that a rule of the configuration matches.

The engine looks for cards while a client watches, and always if the configuration has rules. A rule imports only
cards that are put in while the engine looks; a card that was there before waits for a person.
"""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Protocol

from core import config, presets
from core.catalog import Catalog
from core.config import Config
from core.errors import LadingError, VolumeError
from core.models import Count, ImportRequest, State
from core.paths import display
from core.presets import ArrivalRule
from core.results import Survey
from core.snapshot import Arrival
from core.threads import aside
from core.volumes.mount_events import mount_events
from core.volumes.mounts import Mount, mounts
from core.volumes.volume import Volume, identify, volumes

COUNTDOWN = 10.0
"""Seconds in which a person can stop an import before a rule begins it."""

POLL_INTERVAL = 2.0
"""Seconds between two looks if the system has no mount events, or if a volume is not known yet."""

TIMEOUT = 60.0
"""Seconds that listing or describing all mounts may take; the time-out of a single volume is shorter."""

log = logging.getLogger("lading.cards")

Key = tuple[str, str]
"""Mount point and device."""


class Card:
    """One card, for as long as it is plugged in. `note`: why no import begins by itself, or why the card is not
    counted. `starts`: the moment, in seconds since the epoch, when its import begins; None: no countdown. `held`:
    set to end the countdown."""

    def __init__(self, volume: Volume, rule: ArrivalRule | None) -> None:
        self.volume = volume
        self.rule = rule
        self.survey: Survey | None = None
        self.note = ""
        self.starts: float | None = None
        self.taken = False
        """Whether an import of the card has begun, or is unfinished."""
        self.held = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def view(self) -> Arrival:
        """The card as clients show it."""
        survey = self.survey
        return Arrival(
            identity=display(self.volume.identity),
            label=display(self.volume.name),
            source=display(self.volume.mount),
            camera=display(self.volume.camera or ""),
            counted=survey is not None,
            new=survey.new if survey else Count(),
            duplicate=survey.duplicate if survey else Count(),
            preset=self.rule.preset if self.rule else "",
            starts=self.starts,
            note=self.note,
        )


class ImportStarter(Protocol):
    """What is done with a card: a dry run, and its import."""

    async def survey(self, requests: Sequence[ImportRequest]) -> list[Survey]: ...
    async def start_imports(self, requests: Sequence[ImportRequest]) -> list[str]: ...


class Arrivals:
    """The cards of one engine. `settings` gives the configuration as it is now; `mounts` lists what is mounted;
    `describe` gives the volumes of mounts, `identify` the identity of what is mounted now."""

    def __init__(
        self,
        catalog: Catalog,
        imports: ImportStarter,
        settings: Callable[[], Config],
        mounts: Callable[[], list[Mount]] = mounts,
        describe: Callable[[list[Mount]], list[Volume]] = lambda new: volumes(among=new),
        identify: Callable[[Mount], str] = identify,
    ) -> None:
        self._catalog = catalog
        self._imports = imports
        self._settings = settings
        self._mounts = mounts
        self._describe = describe
        self._identify = identify
        self._watchers = 0
        self._changed = asyncio.Event()
        self._seen: dict[Key, Card | None] = {}
        self._identities: dict[Key, str] = {}
        """The identity of each volume of `_seen`."""
        self._before: set[Key] = set()
        """What was mounted at the first look, and is still."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None

    # Life

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Look for cards during this block."""
        self._watchers += 1
        self.configure()
        try:
            yield
        finally:
            self._watchers -= 1

    def configure(self) -> None:
        """Start the task that looks, if a client watches or there are rules, and it does not run yet."""
        if (self._watchers or self._settings().auto) and (self._task is None or self._task.done()):
            self._seen.clear()
            self._identities.clear()
            self._task = asyncio.create_task(self._run(), name="cards")
            self._task.add_done_callback(_looked)

    async def stop(self) -> None:
        """Stop looking and counting, and begin no import."""
        tasks = [*self._tasks, *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def busy(self) -> bool:
        """Whether an import is about to begin by itself."""
        return any(card is not None and card.starts is not None for card in self._seen.values())

    # What others ask

    def views(self) -> tuple[Arrival, ...]:
        """The cards of which no import has begun since they were put in."""
        return tuple(card.view() for card in self._seen.values() if card is not None and not card.taken)

    def hold(self) -> int:
        """Stop all countdowns. Returns how many there were."""
        waiting = [card for card in self._seen.values() if card is not None and card.starts is not None]
        for card in waiting:
            card.starts = None
            card.held.set()
        return len(waiting)

    def taken(self, identity: str) -> None:
        """Note that an import from the volume `identity` has begun."""
        for card in self._seen.values():
            if card is not None and card.volume.identity == identity:
                card.taken, card.starts = True, None
                card.held.set()

    # Looking

    async def _run(self) -> None:
        with mount_events(self._changed.set) as told:
            first = mounted = True
            while self._watchers or self._settings().auto:
                self._changed.clear()
                again = not told
                try:
                    again |= await self._look(first=first, mounted=mounted)
                    first = mounted = False
                except (OSError, TimeoutError) as error:
                    again = True
                    log.warning("what is mounted cannot be told", extra={"reason": str(error)})
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_INTERVAL if again else None):
                        await self._changed.wait()
                mounted |= self._changed.is_set() or not told

    async def _look(self, *, first: bool, mounted: bool) -> bool:
        """Add and remove cards as volumes were mounted and unmounted. Whether a volume has to be looked at again:
        it did not answer, or the system did not say which disk it is, as macOS may not while it checks a card that
        was just put in. `first`: what is found was there before. `mounted`: something may have been mounted since
        the last look. Raises OSError, TimeoutError."""
        there = {(one.mount, one.device): one for one in await aside(self._mounts, TIMEOUT) if not one.hidden}
        known = [there[key] for key in self._seen.keys() & there.keys()] if mounted else []
        exchanged = {(one.mount, one.device) for one in await self._exchanged(known)}
        self._before = set(there) if first else (self._before & there.keys()) - exchanged
        for key in (self._seen.keys() - there.keys()) | exchanged:
            self._identities.pop(key, None)
            self._gone(self._seen.pop(key))
        new = [there[key] for key in there.keys() - self._seen.keys()]
        found = await aside(lambda: self._describe(new), TIMEOUT) if new else []
        unknown = {(one.mount, one.device) for one in found if not one.answers or not one.identity}
        for volume in found:
            if (key := (volume.mount, volume.device)) not in unknown:
                self._identities[key] = volume.identity
                self._seen[key] = self._card(volume, put_in=key not in self._before)
        for one in new:
            if (key := (one.mount, one.device)) not in unknown:
                # A mount that is no volume, such as a single file, is not looked at again.
                self._seen.setdefault(key, None)
        return bool(unknown)

    async def _exchanged(self, known: list[Mount]) -> list[Mount]:
        """Those of `known` where another volume is mounted now than the one that was seen: the next card in a
        reader has the same device, and often the same mount point, and the engine has seen neither that the first
        one was taken out nor that the next one was put in if it was stopped, as while a machine sleeps. Raises
        TimeoutError."""
        disks = [one for one in known if one.device.startswith("/dev/")]

        def exchanged(one: Mount) -> bool:
            try:
                now = self._identify(one)
            except VolumeError:
                return False
            return now not in ("", self._identities.get((one.mount, one.device), now))

        return await aside(lambda: [one for one in disks if exchanged(one)], TIMEOUT) if disks else []

    def _card(self, volume: Volume, *, put_in: bool) -> Card | None:
        known = (volume.name, volume.camera or "", volume.identity)
        rule = next((rule for rule in self._settings().auto if rule.fits(*known)), None)
        if volume.camera is None and rule is None:
            return None
        card = Card(volume, rule)
        card.task = asyncio.create_task(self._follow(card, put_in=put_in), name=f"card {volume.name}")
        self._tasks.add(card.task)
        card.task.add_done_callback(self._tasks.discard)
        return card

    def _gone(self, card: Card | None) -> None:
        if card is not None and card.task is not None and not card.taken:
            card.task.cancel()

    # One card

    async def _follow(self, card: Card, *, put_in: bool) -> None:
        """Count what is new on the card, and begin its import if a rule matches and nobody stops it."""
        try:
            request = await self._request(card)
            if request is None:
                return
            (card.survey,) = await self._imports.survey([request])
            card.note = _unlisted(card.survey)
            if await self._unfinished(card.volume.identity):
                # It is in the list of imports, and is resumed there.
                card.taken = True
            if card.rule is None or card.taken:
                return
            if why := self._why_not(card.survey, put_in=put_in):
                card.note = why
                return
            card.note = ""
            card.starts = time.time() + COUNTDOWN
            with suppress(TimeoutError):
                async with asyncio.timeout(COUNTDOWN):
                    await card.held.wait()
            if await self._exchanged([card.volume]):
                # The next look removes this card; the one that is there now gets a countdown of its own.
                card.starts = None
                self._changed.set()
                return
            if card.held.is_set():
                card.note = "stopped: it does not start by itself"
                return
            # From here on `_gone` does not cancel this task, even if the card is taken out.
            card.taken, card.starts = True, None
            await self._imports.start_imports([request])
        except LadingError as error:
            card.taken, card.starts = False, None
            card.note = display(f"{error.cause} {error.advice}".strip())
            log.warning("a card is not counted", extra={"card": card.volume.name, "reason": error.cause})
        except Exception:
            card.taken, card.starts = False, None
            log.exception("a card is not followed", extra={"card": card.volume.name})

    @staticmethod
    def _why_not(survey: Survey, *, put_in: bool) -> str:
        if survey.refused:
            return survey.refused
        if not survey.new.files:
            return _unlisted(survey) or "nothing new"
        return "" if put_in else "was there before: start it yourself"

    async def _request(self, card: Card) -> ImportRequest | None:
        """The request to import the card: with the preset of its rule, if it has one; into the configured archive,
        else that of the newest import. None if there is no archive. Raises ConfigError."""
        settings = self._settings()
        location = settings.location or ""
        if card.rule is not None:
            preset = presets.named(card.rule.preset, settings.presets, "auto")
            settings = preset.over(settings)
            if preset.location or not location:
                location = presets.location(
                    preset.location or "{date} {label}",
                    label=card.volume.name,
                    camera=card.volume.camera or "",
                    today=datetime.now().astimezone().date(),
                )
        archive = settings.archive or os.fsdecode(await self._catalog.newest_archive())
        if not archive:
            card.note = "no archive is configured" if card.rule else ""
            return None
        return ImportRequest(
            source=card.volume.mount,
            archive=archive,
            also=settings.archives[1:],
            location=location,
            label=card.volume.name,
            operator=settings.operator,
            verify=settings.verify,
            known=settings.known,
            duplicates=settings.duplicates,
            exclude=settings.exclude,
            accept=settings.accept,
            copies=config.copies(settings),
        )

    async def _unfinished(self, identity: str) -> bool:
        rows = await self._catalog.imports("i.state IN (?, ?)", (State.RUNNING, State.PAUSED))
        return any(row.volume_identity == identity for row in rows)


def _unlisted(survey: Survey) -> str:
    """Why the counts are not those of the whole card; empty: they are."""
    if survey.broken_off:
        return f"the listing broke off: {survey.broken_off}"
    return f"{survey.failed.files:,} could not be listed" if survey.failed.files else ""


def _looked(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("cards are not looked for any more", exc_info=error)
