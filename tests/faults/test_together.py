"""Two archives at once, the second on a FUSE file system that is slow, or disappears during the import."""

from pathlib import Path

import pytest

from core.models import State, Verdict, Waits
from core.snapshot import ImportView
from tests.core.importing.rig import Rig
from tests.core.importing.together import ended, held, placed
from tests.faults import scene
from tests.rigs import machines, passthrough
from tests.rigs.passthrough import Passthrough, Switch

pytestmark = machines.root

SLOW = Switch("write", delay=5.0, match="staging")
"""Each write to staging takes five seconds, so that the other archive's import ends long before."""


async def first_ended(rig: Rig, second: Path, below: Passthrough) -> tuple[str, ImportView]:
    """Import thirty pictures into an archive and into a slow one. Returns the id of the slow import, and the other
    import after its end, which did not wait for the slow one."""
    first, other = await rig.engine.imports.start_imports([rig.request(also=(str(second),), copies=2)])
    below.set(SLOW)
    view = await rig.ended_unchecked(first)
    assert (view.state, view.archived.files) == (State.DONE, 30)
    assert other in rig.engine.imports.under_way
    return other, view


@pytest.mark.promise(54)
@pytest.mark.parametrize("pulled", [False, True], ids=["slow", "pulled"])
async def test_a_slow_archive_and_one_that_is_pulled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pulled: bool
) -> None:
    placed(monkeypatch, archive="sda", second="sdb")
    with passthrough.mounted(tmp_path / "fuse") as below:
        second = below.path / "second"
        async with scene.engine_at(tmp_path) as rig:
            contents = scene.pictures(rig.source, 30)
            name, first = await first_ended(rig, second, below)
            assert first.verdict is Verdict.KEEP
            assert "30 are in 1 of 2 copies" in first.verdict_reason
            await rig.until(lambda: rig.view(name).source_free)
            # The card is no longer needed.
            rig.source.rename(tmp_path / "ejected")
            if pulled:
                below.kill()
                await rig.until(lambda: name not in rig.engine.imports.under_way)
                assert rig.view(name).waits is Waits.ARCHIVE
                below.unmount()
                below.set()
                below.mount()
                await rig.until(lambda: rig.view(name).state is State.DONE)
            else:
                below.set()
                await ended(rig, name)
            await rig.until(lambda: all(rig.view(one).verdict is Verdict.SAFE for one in (name, first.id)))
            assert rig.contents() == held(below.below / "second") == contents
            assert not list((below.below / "second/.lading/staging").iterdir())
