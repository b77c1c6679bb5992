"""Views of imports for snapshots: of running ones from their counters, of ended ones as of their end."""

import os
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import msgspec

from core import VERSION
from core.catalog import ImportRow
from core.concurrency import Controller, Limit
from core.errors import UsageError
from core.importing.halt_reasons import advice
from core.importing.import_run import Run
from core.importing.importer import Importer
from core.importing.run_workers import Limits
from core.models import ENDED, ImportRequest, Outcome, State, Unopenable, Verdict, Waits
from core.paths import display, distinguishing_ends
from core.rate_meter import Meter
from core.snapshot import ErrorGroup, ImportView, InFlight, LimitView, Rates, Snapshot
from core.volumes.filesystems import Level
from core.workers import shared_memory

SHOWN = 200
"""The most imports, files in flight and error groups in a snapshot."""


LEVELS_ASCENDING = ("", *reversed(Level))
"""Verification levels from the lowest; empty: not read back."""


class ProgressViews:
    """Keeps a meter for each running import, and the last views of ended ones."""

    def __init__(self) -> None:
        self._meters: dict[str, Meter] = {}
        self._ended: OrderedDict[str, ImportView] = OrderedDict()
        self._ended_errors: dict[str, list[ErrorGroup]] = {}

    def add(self, run: Run) -> None:
        """Start the meter of an import that begins or resumes."""
        self._meters[run.row.name] = Meter()
        self._ended.pop(run.row.name, None)
        self._ended_errors.pop(run.row.name, None)

    def sample(self, run: Run) -> None:
        """Measure an import's progress; to be called about once a second."""
        self._meters[run.row.name].add(time.monotonic(), run.workers.bytes_moved()[0])

    def end(self, run: Run, row: ImportRow) -> None:
        """Keep the last view of an import that has ended or was left paused."""
        self._meters.pop(run.row.name, None)
        self._ended[row.name] = self._view(run, row, State(row.state))
        self._ended_errors[row.name] = _errors(run)
        while len(self._ended) > SHOWN:
            name, _ = self._ended.popitem(last=False)
            self._ended_errors.pop(name)

    def opened(self, name: str, found: Unopenable) -> None:
        """Update which files of an ended import are unopenable."""
        if (view := self._ended.get(name)) is not None:
            self._ended[name] = msgspec.structs.replace(view, unopenable=found)

    def judged(self, row: ImportRow) -> None:
        """Update the verdict of an ended import."""
        if (view := self._ended.get(row.name)) is not None:
            self._ended[row.name] = msgspec.structs.replace(
                view, verdict=Verdict(row.verdict), verdict_reason=row.verdict_reason, acceptable=False
            )

    def located(self, places: Mapping[str, tuple[str, str]]) -> None:
        """Update the name and the folder of locations, by the id of the import."""
        for name, (location, folder) in places.items():
            if (view := self._ended.get(name)) is not None:
                self._ended[name] = msgspec.structs.replace(
                    view, location=display(location), location_folder=folder
                )

    def dismiss(self, name: str) -> None:
        """Forget an import that has ended, because a person has seen it. One that is paused stays."""
        if (view := self._ended.get(name)) is None or view.ended is None:
            raise UsageError(f"import {name} is not shown, or has not ended.", "See `lading status`.")
        del self._ended[name]
        self._ended_errors.pop(name, None)

    def _view(self, run: Run, row: ImportRow, state: State) -> ImportView:
        request = run.request
        meter = self._meters.get(row.name)
        rate = meter.rate if meter else 0.0
        todo = run.counters.counted(Outcome.TODO)
        read, written, verified = run.workers.bytes_moved()
        return ImportView(
            id=row.name,
            label=_label(request),
            source=display(row.source + (b"/" + row.single if row.single else b"")),
            archive=display(row.archive_path),
            location=display(row.location_name),
            location_folder=row.location_folder,
            state=state,
            reason=row.reason,
            advice=row.advice,
            waits=Waits(row.waits),
            listed=run.listing.complete,
            seen=run.counters.counted(*Outcome),
            archived=run.counters.counted(Outcome.ARCHIVED),
            duplicate=run.counters.counted(Outcome.DUPLICATE),
            skipped=run.counters.counted(Outcome.SKIPPED),
            junk=run.counters.counted(Outcome.LITTER),
            failed=run.counters.counted(Outcome.FAILED),
            todo=todo,
            read=read,
            written=written,
            verified=verified,
            rate=rate,
            seconds_left=todo.bytes / rate if run.listing.complete and rate > 0 else None,
            verdict=Verdict(row.verdict),
            verdict_reason=row.verdict_reason,
            by_choice=run.verdict.by_choice,
            acceptable=run.verdict.otherwise is not None,
            one_volume=run.source.device == run.archive.place.device,
            network=run.network,
            unopenable=run.verdict.unopenable,
            level=min(run.counters.levels, key=LEVELS_ASCENDING.index, default=""),
            warnings=tuple(run.warnings.values()),
            started=row.started,
            ended=row.ended if state in ENDED else None,
            together=row.together,
            taken_from=run.leader.path if run.leader else "",
            source_free=run.leader is not None and run.leader.ended is State.DONE,
        )

    def snapshot(
        self,
        importers: Sequence[Importer],
        limits: Limits,
        controllers: Sequence[Controller],
        rates: Rates,
    ) -> Snapshot:
        """The snapshot of the present state."""
        running = [
            self._view(one.run, one.run.row, State.PAUSED if one.run.paused else State(one.run.row.state))
            for one in importers
        ]
        return Snapshot(
            time=time.time(),
            version=VERSION,
            imports=_with_archives((*self._ended.values(), *running)[-SHOWN:]),
            limits=(
                *map(_limit, limits.all()),
                *(_limit(one, one.label) for one in controllers),
                *(_limit(one.run.workers.paced) for one in importers if one.run.workers.read_limit),
            ),
            read_limit=max((one.run.workers.read_limit for one in importers), default=0),
            in_flight=tuple(flight for importer in importers for flight in _in_flight(importer.run))[:SHOWN],
            errors=(
                *(group for importer in importers for group in _errors(importer.run)),
                *(group for groups in reversed(self._ended_errors.values()) for group in groups),
            )[:SHOWN],
            rates=rates,
        )


def _label(request: ImportRequest) -> str:
    """The name of the source for people: its label, else that of its folder."""
    return display(request.label or os.path.basename(request.source.rstrip("/")) or request.source)


def _with_archives(views: Sequence[ImportView]) -> tuple[ImportView, ...]:
    """The views; the labels of those of a group name the archive, too, by as much of its path as it takes."""
    archives: dict[str, set[str]] = {}
    for view in views:
        if view.together:
            archives.setdefault(view.together, set()).add(view.archive)
    names = {together: distinguishing_ends(paths) for together, paths in archives.items()}
    return tuple(
        msgspec.structs.replace(view, label=f"{view.label} > {names[view.together][view.archive]}")
        if view.together
        else view
        for view in views
    )


def _limit(limit: Limit, label: str = "") -> LimitView:
    return LimitView(
        name=limit.name, busy=limit.busy, ceiling=limit.ceiling, waiting=limit.waiting, label=display(label)
    )


def _in_flight(run: Run) -> list[InFlight]:
    flights: list[InFlight] = []
    for worker, files in run.workers.in_flight.items():
        if files:
            flights.append(
                InFlight(
                    import_id=run.row.name,
                    path=display(files[0].path),
                    stage=shared_memory.STAGES[worker.slot.get(shared_memory.STAGE)],
                    size=worker.slot.get(shared_memory.SIZE),
                    position=worker.slot.get(shared_memory.POSITION),
                    more=len(files) - 1,
                )
            )
    return flights


def _errors(run: Run) -> list[ErrorGroup]:
    most = sorted(run.counters.causes.items(), key=lambda one: one[1].count, reverse=True)
    return [
        ErrorGroup(
            import_id=run.row.name,
            cause=reason,
            advice=advice(cause.side, cause.code),
            count=cause.count,
            newest=display(cause.newest),
        )
        for reason, cause in most[:SHOWN]
    ]
