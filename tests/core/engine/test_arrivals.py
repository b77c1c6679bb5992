"""Cards that are put in are shown and counted, and imported by a rule unless a person stops that."""

import asyncio
import errno
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from core.config import Config
from core.engine import arrivals as module
from core.engine.arrivals import Arrivals
from core.engine.engine import Engine
from core.errors import SourceError
from core.models import ImportRequest, State
from core.presets import ArrivalRule, Preset
from core.results import Survey
from core.snapshot import Arrival
from core.volumes.mounts import Mount
from core.volumes.volume import Volume
from tests.rigs import disks
from tests.tui.app.volumes import card as a_card
from tests.tui.app.volumes import volume as a_disk
from tests.tui.views import count

root = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting needs root on Linux")

EOS = a_card("EOS_DIGITAL")

RULES = Config(
    home="/nowhere",
    archive="/archive",
    operator="Ada",
    presets={"wedding": Preset(location="Wedding {label}", copies=2, verify="source")},
    auto=(ArrivalRule(camera="EOS*", preset="wedding"),),
)


class Rig:
    """Arrivals with fake imports that record requests; the test sets the volumes in `there`."""

    def __init__(self, settings: Config) -> None:
        self.config = settings
        self.there: list[Volume] = [a_disk("Macintosh HD")]
        self.survey_of = Survey(source="", new=count(212, 1), duplicate=count(18, 1))
        self.fault: SourceError | None = None
        self.unfinished: list[SimpleNamespace] = []
        self.surveyed: list[ImportRequest] = []
        self.begun: list[ImportRequest] = []
        self.looks = 0
        self.failing = 0
        """How many of the next looks fail."""
        catalog = cast(Any, SimpleNamespace(imports=self.imports, newest_archive=self.newest_archive))
        self.arrivals = Arrivals(catalog, self, lambda: self.config, self.mounts, self.describe, self.identify)

    def mounts(self) -> list[Mount]:
        self.looks += 1
        if self.failing:
            self.failing -= 1
            raise OSError(errno.EIO, "it does not answer")
        return list(self.there)

    def describe(self, new: list[Mount]) -> list[Volume]:
        return cast(list[Volume], new)

    def identify(self, mount: Mount) -> str:
        return next(one.identity for one in self.there if one.mount == mount.mount)

    async def survey(self, requests: Sequence[ImportRequest]) -> list[Survey]:
        self.surveyed += requests
        if self.fault:
            raise self.fault
        return [self.survey_of]

    async def start_imports(self, requests: Sequence[ImportRequest]) -> list[str]:
        self.begun += requests
        return []

    async def imports(self, where: str, values: Any) -> list[SimpleNamespace]:
        return self.unfinished

    async def newest_archive(self) -> bytes:
        return b"/newest"

    def put_in(self, volume: Volume) -> None:
        self.there.append(volume)
        self.arrivals._changed.set()

    def exchange(self, volume: Volume, other: Volume, *, noticed: bool = True) -> None:
        """Put `other` in the place of `volume`, while the engine does not look."""
        self.there[self.there.index(volume)] = other
        if noticed:
            self.arrivals._changed.set()

    def take_out(self, volume: Volume) -> None:
        self.there.remove(volume)
        self.arrivals._changed.set()

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(60):
            while not true():  # noqa: ASYNC110 - what changes is in threads
                await asyncio.sleep(0.005)

    @property
    def only(self) -> Arrival:
        (found,) = self.arrivals.views()
        return found


@asynccontextmanager
async def looking(settings: Config, *there: Volume) -> AsyncIterator[Rig]:
    """A rig that watches, after its first look."""
    rig = Rig(settings)
    rig.there += there
    async with rig.arrivals.watched():
        await rig.until(lambda: rig.arrivals._seen)
        try:
            yield rig
        finally:
            await rig.arrivals.stop()


async def test_a_card_is_named_and_counted_and_waits_for_a_person() -> None:
    async with looking(Config(home="/nowhere")) as rig:
        rig.put_in(EOS)
        await rig.until(lambda: rig.arrivals.views() and rig.only.counted)
        assert (rig.only.label, rig.only.camera, rig.only.new, rig.only.duplicate) == (
            "EOS_DIGITAL",
            "EOS R5",
            count(212, 1),
            count(18, 1),
        )
        assert rig.surveyed[0].archive == "/newest"
        assert (rig.only.starts, rig.begun, rig.arrivals.busy) == (None, [], False)
        rig.arrivals.taken(EOS.identity)
        assert rig.arrivals.views() == ()
        rig.take_out(EOS)
        await rig.until(lambda: len(rig.arrivals._seen) == 1)
        rig.put_in(EOS)
        await rig.until(rig.arrivals.views)
        # A disk that is not a card is not shown, and not surveyed.
        rig.put_in(a_disk("Backup"))
        await rig.until(lambda: len(rig.arrivals._seen) == 3)
        assert [one.label for one in rig.arrivals.views()] == ["EOS_DIGITAL"]


async def test_a_rule_begins_it_after_its_countdown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COUNTDOWN", 0.05)
    async with looking(RULES) as rig:
        rig.put_in(EOS)
        await rig.until(lambda: rig.begun)
        assert rig.begun == [
            ImportRequest(
                source="/Volumes/EOS_DIGITAL",
                archive="/archive",
                location="Wedding EOS_DIGITAL",
                label="EOS_DIGITAL",
                operator="Ada",
                verify="source",
                copies=2,
            )
        ]
        assert (rig.arrivals.views(), rig.arrivals.busy) == ((), False)


async def test_a_person_stops_the_countdown() -> None:
    async with looking(RULES) as rig:
        rig.put_in(EOS)
        await rig.until(lambda: rig.arrivals.views() and rig.only.starts)
        assert (rig.only.preset, rig.arrivals.busy) == ("wedding", True)
        assert rig.arrivals.hold() == 1
        await rig.until(lambda: rig.only.note)
        assert (rig.only.starts, rig.arrivals.busy, rig.arrivals.hold()) == (None, False, 0)
        assert rig.only.note == "stopped: it does not start by itself"
        assert rig.begun == []


async def test_a_card_that_is_taken_out_begins_nothing() -> None:
    async with looking(RULES) as rig:
        rig.put_in(EOS)
        await rig.until(lambda: rig.arrivals.views() and rig.only.starts)
        rig.take_out(EOS)
        await rig.until(lambda: not rig.arrivals.views())
        await rig.until(lambda: not rig.arrivals._tasks)
        assert (rig.begun, rig.arrivals.busy) == ([], False)


NEXT = a_card("EOS_DIGITAL", identity="uuid:the next one")
"""Another card of the same name in the same reader."""


async def test_a_card_that_was_exchanged_between_two_looks_is_another_card() -> None:
    async with looking(Config(home="/nowhere"), a_disk("Backup")) as rig:
        rig.put_in(EOS)
        await rig.until(lambda: rig.arrivals.views() and rig.only.counted)
        rig.survey_of = Survey(source="", new=count(7, 1))
        rig.exchange(EOS, NEXT)
        await rig.until(lambda: rig.arrivals.views() and rig.only.new.files == 7)
        assert rig.only.identity == NEXT.identity
        # Nor is what takes the place of a disk that is no card.
        rig.exchange(rig.there[1], a_card("Backup", identity="uuid:a card"))
        await rig.until(lambda: len(rig.arrivals.views()) == 2)


async def test_a_card_that_was_exchanged_before_a_look_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_INTERVAL", 0.01)
    async with looking(Config(home="/nowhere")) as rig:
        rig.put_in(EOS)
        await rig.until(lambda: rig.surveyed)
        rig.failing = 1
        rig.exchange(EOS, NEXT)
        await rig.until(lambda: len(rig.surveyed) == 2)


async def test_the_countdown_of_a_card_begins_no_import_of_the_one_that_has_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The countdown may end before the engine has looked, as after a sleep."""
    monkeypatch.setattr(module, "COUNTDOWN", 0.05)
    async with looking(RULES) as rig:
        counted = rig.survey

        async def exchanged(requests: Sequence[ImportRequest]) -> list[Survey]:
            if EOS in rig.there:
                rig.exchange(EOS, NEXT, noticed=False)
            return await counted(requests)

        monkeypatch.setattr(rig, "survey", exchanged)
        rig.put_in(EOS)
        await rig.until(lambda: rig.begun)
        # Anything that is mounted on this machine leads to one look more.
        assert len(rig.surveyed) >= 2, "the next card is counted, too, before its import begins"
        assert len(rig.begun) == 1


async def test_a_card_in_the_place_of_one_that_was_there_before_was_put_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "COUNTDOWN", 0.05)
    async with looking(RULES, EOS) as rig:
        await rig.until(lambda: rig.arrivals.views() and rig.only.note)
        rig.exchange(EOS, NEXT)
        await rig.until(lambda: rig.begun)


async def test_a_rule_is_not_about_what_was_there_before_nor_about_nothing_new() -> None:
    async with looking(RULES, EOS) as rig:
        await rig.until(lambda: rig.arrivals.views() and rig.only.note)
        assert rig.only.note == "was there before: start it yourself"
        rig.take_out(EOS)
        await rig.until(lambda: not rig.arrivals.views())
        rig.survey_of = Survey(source="", duplicate=count(230, 1))
        rig.put_in(EOS)
        await rig.until(lambda: rig.arrivals.views() and rig.only.note)
        assert (rig.only.note, rig.only.starts, rig.begun) == ("nothing new", None, [])


@pytest.mark.parametrize("settings", [RULES, Config(home="/nowhere")], ids=["a rule", "no rule"])
@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("the listing broke off: it is gone", {"broken_off": "it is gone"}),
        ("3 could not be listed", {"failed": count(3)}),
    ],
)
async def test_a_card_that_was_not_listed_whole_is_not_called_nothing_new(
    settings: Config, said: str, found: dict[str, Any]
) -> None:
    async with looking(settings) as rig:
        rig.survey_of = Survey(source="", duplicate=count(230, 1), **found)
        rig.put_in(EOS)
        await rig.until(lambda: rig.arrivals.views() and rig.only.note)
        assert (rig.only.note, rig.begun) == (said, [])


async def test_an_unfinished_import_goes_on_and_no_second_one_begins() -> None:
    async with looking(RULES) as rig:
        rig.unfinished = [SimpleNamespace(volume_identity=EOS.identity)]
        rig.put_in(EOS)
        await rig.until(lambda: rig.surveyed and not rig.arrivals._tasks)
        assert (rig.arrivals.views(), rig.begun) == ((), [])


async def test_what_cannot_be_counted_says_why_and_begins_nothing() -> None:
    async with looking(RULES) as rig:
        rig.fault = SourceError("it does not answer.", "Try another reader.")
        rig.put_in(EOS)
        await rig.until(lambda: rig.arrivals.views() and rig.only.note)
        assert (rig.only.counted, rig.begun) == (False, [])
        assert "it does not answer. Try another reader." in rig.only.note


@pytest.mark.parametrize("unknown", [{"answers": False}, {"identity": "", "error": "diskutil is late"}])
async def test_a_volume_that_is_not_known_yet_is_looked_at_again(
    monkeypatch: pytest.MonkeyPatch, unknown: dict[str, Any]
) -> None:
    monkeypatch.setattr(module, "POLL_INTERVAL", 0.02)
    async with looking(Config(home="/nowhere")) as rig:
        rig.put_in(a_card("EOS_DIGITAL", **unknown))
        await rig.until(lambda: rig.looks > 3)
        assert rig.arrivals.views() == ()
        rig.there[-1] = EOS
        await rig.until(rig.arrivals.views)
        assert [one.label for one in rig.arrivals.views()] == ["EOS_DIGITAL"]


async def test_a_card_that_was_not_known_at_first_was_there_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_INTERVAL", 0.02)
    async with looking(RULES, a_card("EOS_DIGITAL", answers=False)) as rig:
        await rig.until(lambda: rig.looks > 2)
        rig.there[-1] = EOS
        await rig.until(lambda: rig.arrivals.views() and rig.only.note)
        assert (rig.only.note, rig.begun) == ("was there before: start it yourself", [])


async def test_nobody_looks_where_nobody_wants_to_know() -> None:
    rig = Rig(Config(home="/nowhere"))
    rig.arrivals.configure()
    assert rig.arrivals._task is None
    rig.config = RULES
    rig.arrivals.configure()
    assert rig.arrivals._task is not None
    await rig.arrivals.stop()


@pytest.mark.process
@root
async def test_a_real_card_is_imported_by_a_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk on a loop device is mounted while an engine looks; its camera is recognized with or without udev."""
    monkeypatch.setattr(module, "COUNTDOWN", 0.05)
    with disks.disk(tmp_path, "ext4", mount=False) as card:
        # The rule fits no disk of another test.
        card.path = tmp_path / "card of the wedding"
        card.path.mkdir()
        card.mount()
        (card.path / "DCIM" / "100CANON").mkdir(parents=True)
        (card.path / "DCIM" / "100CANON" / "IMG_0001.JPG").write_bytes(b"picture" * 1000)
        card.unmount()
        settings = Config(
            home=str(tmp_path / "home"),
            archive=str(tmp_path / "archive"),
            presets={"wedding": Preset(location="Wedding {camera}")},
            auto=(ArrivalRule(label=card.path.name, preset="wedding"),),
        )
        engine = Engine(settings)
        await engine.start()
        try:
            async with asyncio.timeout(120):
                while not engine.arrivals._seen:  # noqa: ASYNC110 - a thread looks
                    await asyncio.sleep(0.02)
                card.mount()
                while not (rows := await engine.catalog.imports("i.state = ?", (State.DONE,))):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            (row,) = rows
            assert (row.verdict, row.request().location) == ("SAFE", "Wedding Canon")
            # Other tests may mount cards at the same time.
            assert row.volume_identity not in [one.identity for one in engine.arrivals.views()]
        finally:
            await engine.stop()
