"""The end of an import on the command line: for a person, for a program, and as an exit status."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from core.models import Count, State, Verdict
from core.snapshot import ErrorGroup, ImportView, QueueView, Snapshot
from core.words import counted
from tui import format
from tui.console.exits import Exit
from tui.console.output import Output, Style
from tui.console.progress import name

if TYPE_CHECKING:
    from tui.console.json_answers import Ended

NOT_INSTALLED = "is not installed"
"""Part of the reason of a queue that waits for a program."""

WORD = 6
"""Columns of SAFE and KEEP, by which the lines below are indented."""


def exit_of(views: Sequence[ImportView]) -> Exit:
    """The gravest exit status among imports: paused, then failed, then success."""
    return max((_exit(view) for view in views), default=Exit.WELL)


def _exit(view: ImportView) -> Exit:
    if view.state is not State.DONE:
        return Exit.PAUSED
    return Exit.WELL if view.verdict is Verdict.SAFE and not view.failed.files else Exit.FAILED


def lines(
    view: ImportView, errors: Sequence[ErrorGroup], out: Output, began: float = 0.0, waited: float = math.inf
) -> list[str]:
    """The verdict, what was done, what failed and what to do about it, the receipt.

    `began`: the start of this run of the import, to which bytes and seconds refer. `waited`: for how many seconds
    the command has waited for it, by a clock that nobody sets.
    """
    word, style = _word(view)
    facts = _facts(view)
    why = [out.text(text).rstrip(".") + "." for text in (view.verdict_reason or view.reason, view.advice) if text]
    doubt = [out.text(words)] if (words := format.unopenable(view.unopenable)) else []
    told = (
        "; ".join(doubt + facts) if word == "SAFE" or not why else " ".join([*why, *(f"{one}." for one in doubt)])
    )
    gap = " " * max(2, WORD - len(word))
    found = [f"{out.styled(word, style)}{gap}{name(view, out)}: {told}"]
    below = " " * WORD
    if not told.endswith("; ".join(facts)):
        found.append(below + "; ".join(facts))
    for group in errors:
        found.append(
            f"{below}{format.number(group.count)} x {out.text(group.cause)}, newest: {out.text(group.newest)}"
        )
        if group.advice:
            found.append(f"{below}    {out.text(group.advice)}")
    if view.acceptable:
        found.append(f"{below}both are archived: look at them, then: lading accept {out.text(view.id)}")
    seconds = _seconds(view, began, waited)
    found += [below + out.styled(out.text(warning), "warn") for warning in view.warnings]
    if view.one_volume:
        found.append(below + out.styled("Source and archive are on one volume: one fault can take both.", "warn"))
    if view.state is State.DONE:
        found.append(
            f"{below}{format.size(view.read)} read in {format.duration(seconds)}, {_speed(view, seconds)}; "
            f"receipt: lading receipt {out.text(view.id)}"
        )
    elif view.state is not State.CANCELLED:
        found.append(f"{below}go on with: lading resume {out.text(view.id)}")
    return found


def event(
    view: ImportView, errors: Sequence[ErrorGroup], now: float, began: float = 0.0, waited: float = math.inf
) -> "Ended":
    """The last JSON object of an import."""
    from tui.console.json_answers import Ended

    seconds = round(_seconds(view, began, waited, now), 3)
    return Ended(**msgspec.structs.asdict(view), seconds=seconds, errors=tuple(errors))


def tell(snapshot: Snapshot, form: str, out: Output, began: float = 0.0, waited: float = math.inf) -> None:
    """Print the end of every import of a snapshot. `began`, `waited`: as in `lines`."""
    for view in snapshot.imports:
        errors = [group for group in snapshot.errors if group.import_id == view.id]
        if form == "json":
            out.json(event(view, errors, snapshot.time, began, waited))
        else:
            for line in lines(view, errors, out, began, waited):
                out.line(line)
    if form != "json":
        for told in waiting(snapshot.queues):
            out.line(out.styled(out.text(told), "warn"))


def waiting(queues: Sequence[QueueView]) -> list[str]:
    """What background work waits for that a person has to do, such as to install a program: a line a reason."""
    reasons: dict[str, list[str]] = {}
    for queue in queues:
        if queue.waiting and NOT_INSTALLED in queue.reason:
            reasons.setdefault(queue.reason, []).append(queue.name)
    return [f"Waiting, {', '.join(names)}: {reason}" for reason, names in reasons.items()]


def _word(view: ImportView) -> tuple[str, Style]:
    if view.state is State.DONE:
        return str(view.verdict) or format.EMPTY, "good" if view.verdict is Verdict.SAFE else "bad"
    return str(view.state).upper(), "warn"


def _facts(view: ImportView) -> list[str]:
    counts = [f"{counted(view.archived.files, 'file')} archived ({format.size(view.archived.bytes)})"]
    others = {
        "duplicate": view.duplicate,
        "skipped": view.skipped,
        "junk": view.junk,
        "failed": view.failed,
        "to do": view.todo,
    }
    counts += [f"{format.number(count.files)} {what}" for what, count in others.items() if _any(count)]
    found = [", ".join(counts)]
    if view.verdict is Verdict.SAFE and view.verdict_reason:
        found.append(view.verdict_reason)
    if view.archived.files:
        from core.receipts.text import LEVELS

        found.append(LEVELS.get(view.level, view.level))
    return found


def _any(count: Count) -> bool:
    return count.files > 0


def _seconds(view: ImportView, began: float, waited: float, now: float = 0.0) -> float:
    seconds = (view.ended or now) - max(view.started, began)
    if 0 <= seconds <= waited:
        return seconds
    # The clock was set meanwhile, or the machine slept.
    return 0.0 if waited == math.inf else waited


def _speed(view: ImportView, seconds: float) -> str:
    return format.rate(view.read / seconds if seconds else 0.0)
