"""What an import would do, told before it does it."""

from collections.abc import Sequence

from core.models import Count
from core.results import Survey
from tui import format
from tui.console.exits import Exit
from tui.console.output import Output


def tell(surveys: Sequence[Survey], form: str, out: Output) -> Exit:
    """Write every survey; FAILED when not everything could arrive."""
    for survey in surveys:
        if form == "json":
            out.json({"event": "survey", **{name: getattr(survey, name) for name in survey.__struct_fields__}})
        else:
            for line in lines(survey, out):
                out.line(line)
    return Exit.FAILED if any(survey.failed.files or short(survey) for survey in surveys) else Exit.WELL


def short(survey: Survey) -> bool:
    """Whether the archive has less room than is needed."""
    return survey.free is not None and survey.needed > survey.free


def lines(survey: Survey, out: Output) -> list[str]:
    """One survey for a person."""
    known = [("new", survey.new), ("known", survey.known)]
    left = [("litter", survey.litter), ("left out", survey.skipped), ("not readable", survey.failed)]
    found = [f"{out.text(survey.source)}: {_amount('', survey.files)}"]
    found.append("  " + ", ".join([_amount(what, count) for what, count in known] + _some(left)))
    kinds = _some(sorted(survey.by_kind.items(), key=lambda kind: -kind[1].bytes))
    if survey.pairs:
        kinds.append(format.counted(survey.pairs, "RAW + JPEG pair"))
    if survey.takes:
        kinds.append(format.counted(survey.takes, "long take"))
    if survey.cameras:
        kinds.append(out.text(survey.cameras))
    if kinds:
        found.append("  " + ", ".join(kinds))
    free = "" if survey.free is None else f", {format.size(survey.free)} free"
    found.append(f"  needs {format.size(survey.needed)}{free}")
    if survey.seconds is not None:
        found.append(f"  takes about {format.duration(survey.seconds)}, as earlier imports did")
    found += ["  " + out.styled(out.text(warning), "warn") for warning in survey.warnings]
    return found


def _amount(what: str, count: Count) -> str:
    files = f"{format.number(count.files)} {what}" if what else format.counted(count.files, "file")
    return f"{files} ({format.size(count.bytes)})"


def _some(counts: Sequence[tuple[str, Count]]) -> list[str]:
    return [_amount(what, count) for what, count in counts if count.files]
