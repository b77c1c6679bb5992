"""What a person sees of the imports: running ones from their counters, ended ones as they ended."""

import os
import time
from collections import Counter, OrderedDict
from collections.abc import Sequence

from core import VERSION
from core.catalog import ImportRow
from core.engine.metrics import Meter
from core.importing.advice import advice
from core.importing.importer import Importer
from core.importing.ingest import ENDED
from core.importing.run import Limits, Run
from core.limits import Controller, Limit
from core.models import (
    ErrorGroup,
    ImportView,
    InFlight,
    LimitView,
    Outcome,
    Rates,
    Snapshot,
    State,
    Verdict,
    Waits,
)
from core.paths import display
from core.workers import control

SHOWN = 200
"""Imports, files in flight and error groups that a snapshot holds at most."""


LEVELS = ("", "cache not excluded", "server", "medium")
"""Verification levels, the lowest first."""


class Views:
    """Keeps a meter for each running import, and the last view of those that ended."""

    def __init__(self) -> None:
        self._meters: dict[str, Meter] = {}
        self._ended: OrderedDict[str, ImportView] = OrderedDict()
        self._ended_errors: dict[str, list[ErrorGroup]] = {}

    def add(self, run: Run) -> None:
        """An import begins, or goes on."""
        self._meters[run.row.name] = Meter()
        self._ended.pop(run.row.name, None)
        self._ended_errors.pop(run.row.name, None)

    def sample(self, run: Run) -> None:
        """Measure an import's progress; to be called about every second."""
        self._meters[run.row.name].add(time.monotonic(), run.bytes_moved()[0])

    def end(self, run: Run, row: ImportRow) -> None:
        """An import has ended, or was left paused: keep what is shown of it."""
        self._meters.pop(run.row.name, None)
        self._ended[row.name] = self._view(run, row, State(row.state))
        self._ended_errors[row.name] = _errors(run)
        while len(self._ended) > SHOWN:
            name, _ = self._ended.popitem(last=False)
            self._ended_errors.pop(name)

    def _view(self, run: Run, row: ImportRow, state: State) -> ImportView:
        request = run.request
        meter = self._meters.get(row.name)
        rate = meter.rate if meter else 0.0
        todo = run.counted(Outcome.TODO)
        read, written, verified = run.bytes_moved()
        return ImportView(
            id=row.name,
            label=display(request.label or os.path.basename(request.source.rstrip("/")) or request.source),
            source=display(row.source + (b"/" + row.single if row.single else b"")),
            archive=display(row.archive_path),
            location=display(row.location_name),
            state=state,
            reason=row.reason,
            advice=row.advice,
            waits=Waits(row.waits),
            listed=run.listed,
            seen=run.counted(*Outcome),
            archived=run.counted(Outcome.ARCHIVED),
            duplicate=run.counted(Outcome.DUPLICATE),
            skipped=run.counted(Outcome.SKIPPED, Outcome.LITTER),
            failed=run.counted(Outcome.FAILED),
            todo=todo,
            read=read,
            written=written,
            verified=verified,
            rate=rate,
            seconds_left=todo.bytes / rate if run.listed and rate > 0 else None,
            verdict=Verdict(row.verdict),
            verdict_reason=row.verdict_reason,
            by_choice=run.by_choice,
            level=min(run.levels, key=LEVELS.index, default=""),
            warnings=tuple(run.warnings),
            started=row.started,
            ended=row.ended if state in ENDED else None,
        )

    def snapshot(
        self,
        importers: Sequence[Importer],
        limits: Limits,
        controllers: Sequence[Controller],
        rates: Rates,
    ) -> Snapshot:
        """Everything now."""
        running = [
            self._view(one.run, one.run.row, State.PAUSED if one.run.paused else State(one.run.row.state))
            for one in importers
        ]
        return Snapshot(
            time=time.time(),
            version=VERSION,
            imports=(*self._ended.values(), *running)[-SHOWN:],
            limits=(*map(_limit, limits.all()), *(_limit(one, one.label) for one in controllers)),
            in_flight=tuple(flight for importer in importers for flight in _in_flight(importer.run))[:SHOWN],
            errors=(
                *(group for importer in importers for group in _errors(importer.run)),
                *(group for groups in reversed(self._ended_errors.values()) for group in groups),
            )[:SHOWN],
            rates=rates,
        )


def _limit(limit: Limit, label: str = "") -> LimitView:
    return LimitView(
        name=limit.name, busy=limit.busy, ceiling=limit.ceiling, waiting=limit.waiting, label=display(label)
    )


def _in_flight(run: Run) -> list[InFlight]:
    flights: list[InFlight] = []
    for worker, files in run.in_flight.items():
        if files:
            flights.append(
                InFlight(
                    import_id=run.row.name,
                    path=display(files[0].path),
                    stage=control.STAGES[worker.slot.get(control.STAGE)],
                    size=worker.slot.get(control.SIZE),
                    position=worker.slot.get(control.POSITION),
                    more=len(files) - 1,
                )
            )
    return flights


def _errors(run: Run) -> list[ErrorGroup]:
    counted: Counter[str] = Counter({cause: count for cause, (count, _) in run.causes.items()})
    return [
        ErrorGroup(
            import_id=run.row.name,
            cause=cause,
            advice=advice(cause),
            count=count,
            newest=display(run.causes[cause][1]),
        )
        for cause, count in counted.most_common(SHOWN)
    ]
