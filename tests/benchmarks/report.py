"""Results as tables to read, or as JSON."""

import statistics
from collections.abc import Sequence

from tests.benchmarks.runner import ENGINE, PROCESSOR, TARGETS, Result


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need to be, the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [
        "  ".join(
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in [head, ["-" * width for width in widths], *rows]
    ]
    return "\n".join(lines)


def facts_text(facts: dict[str, str]) -> str:
    """The machine, a line each."""
    return "\n".join(f"{name + ':':13}{value}" for name, value in facts.items())


def verdict(value: float, target: float, at_most: bool = True) -> str:
    """Whether a target was met."""
    return "met" if (value <= target if at_most else value >= target) else "MISSED"


def comparison(result: Result) -> str:
    """One set: medians, and lading's share of each peer's time beside its target."""
    rows = []
    for peer, runs in result.runs.items():
        seconds = result.median(peer)
        ratios = result.ratios(peer) if peer != "lading" else []
        ratio = statistics.median(ratios) if ratios else 0.0
        target = TARGETS.get((peer, result.name))
        rows.append(
            [
                peer,
                f"{seconds:.2f}",
                f"{min(run.seconds for run in runs):.2f}-{max(run.seconds for run in runs):.2f}",
                f"{result.size / seconds / 1e6:.0f}",
                f"{result.files / seconds:.0f}",
                f"{statistics.median(run.cpu_seconds for run in runs):.2f}",
                f"{ratio:.2f}" if ratios else "",
                f"{min(ratios):.2f}-{max(ratios):.2f}" if ratios else "",
                f"<= {target}" if target and ratios else "",
                verdict(ratio, target) if target and ratios else "",
            ]
        )
    title = f"{result.name}: {result.files} files, {result.size / 1e6:.0f} MB, medians"
    head = ["", "seconds", "range", "MB/s", "files/s", "processor s", "lading is", "range", "target", ""]
    lines = [title, table(head, rows)]
    if "lading" in result.runs:
        lines += [memory(result), *shares(result)]
    return "\n".join(lines)


def shares(result: Result) -> list[str]:
    """lading's processor seconds beside those of its peers that have a target for them."""
    lines = []
    for what, targets, of in (
        ("processor seconds", PROCESSOR, lambda run: run.cpu_seconds),
        ("the engine's processor seconds", ENGINE, lambda run: run.engine_cpu),
    ):
        for (peer, name), target in targets.items():
            if name == result.name and peer in result.runs:
                share = result.share(peer, of)
                lines.append(f"{what}: {share:.2f} of {peer}'s, target <= {target}: {verdict(share, target)}")
    return lines


def memory(result: Result) -> str:
    """The largest engine and the largest worker that any round saw."""
    runs = result.runs["lading"]
    engine, worker = max(run.engine_rss for run in runs), max(run.worker_rss for run in runs)
    return f"lading's memory at most: engine {engine / 1e6:.0f} MB, one worker {worker / 1e6:.0f} MB"


def as_json(result: Result) -> dict[str, object]:
    """One set with every single run."""
    return {
        "set": result.name,
        "files": result.files,
        "bytes": result.size,
        "seconds": {peer: [run.seconds for run in runs] for peer, runs in result.runs.items()},
        "medians": {peer: result.median(peer) for peer in result.runs},
        "processor seconds": {peer: [run.cpu_seconds for run in runs] for peer, runs in result.runs.items()},
        "engine's processor seconds": {
            peer: [run.engine_cpu for run in runs] for peer, runs in result.runs.items() if runs[0].engine_cpu
        },
        "ratios": {peer: result.ratios(peer) for peer in result.runs if peer != "lading"},
        "targets": {peer: target for (peer, name), target in TARGETS.items() if name == result.name},
        "engine_rss": max((run.engine_rss for run in result.runs.get("lading", [])), default=0),
        "worker_rss": max((run.worker_rss for run in result.runs.get("lading", [])), default=0),
    }
