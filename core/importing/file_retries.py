"""Decides which files are tried again after a fault, and which count as failed."""

from collections.abc import Iterable

from core.catalog import FailureRow
from core.importing.halt_reasons import halt_for
from core.importing.import_files import Settled, Todo
from core.importing.import_run import Run
from core.models import Outcome
from core.paths import display
from core.workers.messages import Fault

FILE_ATTEMPTS = 3
"""Attempts after which a file counts as failed."""


class FileRetries:
    """The retries of one run. A file that stays to do after a fault becomes part of a later batch."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._attempts: dict[int, int] = {}
        self._stages: dict[int, str] = {}
        """The stage at which a file failed last, by file id."""

    def tried(self, number: int) -> bool:
        """Whether a file has failed before; it is then tried again in a batch of its own."""
        return bool(self._attempts.get(number))

    def may_take_again(self, number: int) -> bool:
        """Count a failed attempt to copy a file from the leader's archive. Returns whether it is tried there once
        more."""
        self._attempts[number] = self._attempts.get(number, 0) + 1
        return self._attempts[number] < FILE_ATTEMPTS

    def forget(self, number: int) -> None:
        """Forget a file's earlier attempts, because a person retries it."""
        self._attempts.pop(number, None)

    def failed_at(self, stage: str, numbers: Iterable[int]) -> None:
        """Record that these files have failed at this stage."""
        self._stages.update(dict.fromkeys(numbers, stage))

    async def given_up(self, faults: Iterable[tuple[Todo, Fault]]) -> list[Settled]:
        """The files that are not tried again, settled as failed. The number of attempts that is recorded includes
        those before a person's retry."""
        faults = list(faults)
        recorded = await self._run.catalog.failures([todo.id for todo, _ in faults])
        failed: list[Settled] = []
        for todo, fault in faults:
            if self._run.may_pass(fault):
                continue
            attempts = self._attempts[todo.id] = self._attempts.get(todo.id, 0) + 1
            if halt_for(fault, self._run) is None and (not fault.again or attempts >= FILE_ATTEMPTS):
                earlier = recorded[todo.id].attempts if todo.id in recorded else 0
                reason = display(f"{fault.side}: {fault.text}")
                failure = FailureRow(
                    todo.id,
                    self._stages.get(todo.id, ""),
                    earlier + attempts,
                    fault.side,
                    fault.code,
                    display(fault.detail),
                )
                failed.append(Settled(todo, Outcome.FAILED, None, reason, todo.size, None, todo.kind, failure))
        return failed
