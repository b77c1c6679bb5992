"""Archives that are open: under which name?"""

import os

import pytest

from core.errors import ArchiveError
from tests.core.importing.rig import Rig, write

pytestmark = pytest.mark.process


async def test_one_that_is_renamed_while_it_is_open_is_named(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    await rig.imported()
    renamed = rig.root / "renamed"
    async with rig.engine.archives.used(str(rig.archive)):
        rig.archive.rename(renamed)
        with pytest.raises(ArchiveError, match="renamed was renamed while it is in use as "):
            async with rig.engine.archives.used(str(renamed)):
                pass
    async with rig.engine.archives.used(str(renamed)) as (archive, _):
        assert archive.place.root == os.fsencode(renamed)


async def test_one_that_has_two_names_can_be_used_by_both(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    await rig.imported()
    link = rig.root / "link"
    link.symlink_to(rig.archive)
    used = rig.engine.archives.used
    async with used(str(rig.archive)) as (one, _), used(str(link)) as (other, _):
        assert one is other
