"""What to know before an import starts, in plain words."""

import os
import sys
from collections.abc import Iterator

from core.volumes import privacy
from core.volumes.filesystems import Kind
from core.volumes.volume import Volume
from tui.choice import Choice


def cautions(choice: Choice) -> list[str]:
    """All that is worth a word about what is chosen; the survey has its own."""
    return list(_cautions(choice))


def _cautions(choice: Choice) -> Iterator[str]:
    picked = choice.picked
    for source in picked:
        if source.volume is not None and not source.volume.answers:
            yield f"{source.name} does not answer."
    if any(source.out for source in picked):
        yield "What is left out is not archived: that card cannot be SAFE."
    if any(source.only for source in picked):
        yield "Only a part is picked: the rest of that card is not looked at."
    if choice.verify == "none" and picked:
        yield "Copies are not read back: no card can be SAFE."
    if picked and (told := privacy.warning(os.environ, sys.platform)):
        yield told
    archive = volume_of(choice, choice.archive) if choice.archive else None
    if archive is not None:
        if archive.kind is Kind.NETWORK:
            yield "The archive is on a network: copies are read back from the server."
        for source in picked:
            if source.volume is not None and source.volume.identity == archive.identity:
                yield f"{source.name} and the archive are on one volume: one fault can take both."
                break


def volume_of(choice: Choice, path: str) -> Volume | None:
    """The volume that a path lies on, of those that are listed."""
    best: Volume | None = None
    for source in choice.sources:
        volume = source.volume
        if volume is None or os.path.commonpath([path, volume.mount]) != volume.mount:
            continue
        if best is None or len(volume.mount) > len(best.mount):
            best = volume
    return best
