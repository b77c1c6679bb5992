"""What a person should know before an import starts."""

import os
import sys
from collections.abc import Iterator

from core.volumes import macos_permissions
from core.volumes.devices import filesystem_on
from core.volumes.filesystems import StorageKind
from core.volumes.mounts import mounted_at
from core.volumes.volume import Volume
from tui.import_form import Choice


def cautions(choice: Choice) -> list[str]:
    """All warnings about the choices; the survey has its own."""
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
    if picked and (told := macos_permissions.warning(os.environ, sys.platform)):
        yield told
    archive = archive_volume(choice)
    if archive is not None:
        kind = filesystem_on(archive)
        if kind.warning:
            yield f"The archive: {kind.warning}"
        elif kind.kind is StorageKind.NETWORK:
            yield "The archive is on a network: copies are read back from the server."
        for source in picked:
            if source.volume is not None and source.volume.identity == archive.identity != "":
                yield f"{source.name} and the archive are on one volume: one fault can take both."
                break


def archive_volume(choice: Choice) -> Volume | None:
    """The volume, of those listed, that the archive is on: as the kernel reported it or, where it was not asked
    yet or did not know, by comparing paths."""
    volumes = [source.volume for source in choice.sources if source.volume is not None]
    path, point = choice.archive_mount
    if point and path == choice.archive:
        return mounted_at(point, volumes)
    holding = [
        volume
        for volume in volumes
        if choice.archive and os.path.commonpath([choice.archive, volume.mount]) == volume.mount
    ]
    return max(holding, key=lambda volume: len(volume.mount), default=None)
