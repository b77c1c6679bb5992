"""Printing the result of a dry run."""

from collections.abc import Sequence

import msgspec

from core.models import Count
from core.results import AlsoInto, Survey
from core.words import counted
from tui import format
from tui.console.exits import Exit
from tui.console.output import Output


def tell(surveys: Sequence[Survey], form: str, out: Output) -> Exit:
    """Print every survey. Returns FAILED when not everything could be archived, or nothing was found; WRONG when
    an import would be refused; UNUSABLE when that is for its archive, as the import itself."""
    for survey in surveys:
        if form == "json":
            from tui.console.json_answers import Surveyed

            out.json(Surveyed(**msgspec.structs.asdict(survey)))
        else:
            for line in lines(survey, out):
                out.line(line)
    refused = [one for survey in surveys for one in _each(survey) if one.refused]
    if refused:
        return Exit.UNUSABLE if any(one.away for one in refused) else Exit.WRONG
    bad = any(one.failed.files or one.broken_off or short(one) or _empty(one) for one in surveys)
    return Exit.FAILED if bad else Exit.WELL


def _each(survey: Survey) -> list[Survey | AlsoInto]:
    """What was found for each archive."""
    return [survey, *survey.also]


def short(survey: Survey) -> bool:
    """Whether one of the archives has less space than is needed."""
    return any(one.free is not None and one.needed > one.free for one in _each(survey))


def _empty(survey: Survey) -> bool:
    """Whether nothing but junk files was found."""
    return not (survey.files.files or survey.skipped.files or survey.failed.files)


def lines(survey: Survey, out: Output) -> list[str]:
    """The lines about one survey for a person."""
    counts = [("new", survey.new), ("duplicate", survey.duplicate)]
    left = [("junk", survey.junk), ("skipped", survey.skipped), ("not readable", survey.failed)]
    found = [f"{out.text(survey.source)}: {_amount('', survey.files)}"]
    found.append("  " + ", ".join([_amount(what, count) for what, count in counts] + _nonzero(left)))
    by_size = sorted(survey.by_kind.items(), key=lambda kind: -kind[1].bytes)
    kinds = _nonzero([(format.kind_by_name(kind), count) for kind, count in by_size])
    if survey.pairs:
        kinds.append(counted(survey.pairs, "RAW + JPEG pair"))
    if survey.takes:
        kinds.append(counted(survey.takes, "long take"))
    if survey.cameras:
        kinds.append(out.text(survey.cameras))
    if kinds:
        found.append("  " + ", ".join(kinds))
    found.append(f"  {_needs(survey)}")
    if survey.seconds is not None:
        found.append(f"  takes about {format.duration(survey.seconds)}, as earlier imports did")
    if survey.one_volume:
        told = f"{out.text(survey.source)} and the archive are on one volume: one fault can take both."
        found.append("  " + out.styled(told, "warn"))
    for other in survey.also:
        both = (("new", other.new), ("duplicate", other.duplicate))
        into = ", ".join(_amount(what, count) for what, count in both)
        found.append(f"  and into {out.text(other.archive)}: {into}; {_needs(other)}")
        if other.one_volume:
            told = f"{out.text(survey.source)} and that archive are on one volume: one fault can take both."
            found.append("  " + out.styled(told, "warn"))
    found += ["  " + out.styled(out.text(warning), "warn") for warning in survey.warnings]
    return found


def _needs(one: Survey | AlsoInto) -> str:
    free = "" if one.free is None else f", {format.size(one.free)} free"
    return f"needs {format.size(one.needed)}{free}"


def _amount(what: str, count: Count) -> str:
    files = f"{format.number(count.files)} {what}" if what else counted(count.files, "file")
    return f"{files} ({format.size(count.bytes)})"


def _nonzero(counts: Sequence[tuple[str, Count]]) -> list[str]:
    return [_amount(what, count) for what, count in counts if count.files]
