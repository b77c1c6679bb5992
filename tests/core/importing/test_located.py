"""What is said of a location while an import keeps its bag open."""

import pytest

from core.details import LocationView
from tests.core.importing.rig import Rig, write

pytestmark = pytest.mark.process


async def _shown(rig: Rig) -> LocationView:
    (one,) = await rig.engine.queries.locations(str(rig.archive))
    return one


@pytest.mark.promise(44)
async def test_an_import_that_is_paused_is_named_where_its_bag_is_open(rig: Rig) -> None:
    write(rig.source / "x.mov", bytes(80 << 20))
    name = await rig.begun()
    await rig.engine.imports.pause_import(name, "by Ctrl-C")
    # What was sealed before does not hold any more.
    await rig.engine.database.run(
        ("INSERT OR REPLACE INTO bag (location_id, sealed) SELECT id, 1.0 FROM location", [()])
    )
    shown = await _shown(rig)
    assert shown.sealed is None
    for word in (f"import {name} is paused", "by Ctrl-C", f"lading resume {name}", f"lading cancel {name}"):
        assert word in shown.note
    await rig.engine.imports.cancel_import(name)
    await rig.ended(name)
    shown = await _shown(rig)
    assert (shown.sealed, name in shown.note) == (1.0, False)
