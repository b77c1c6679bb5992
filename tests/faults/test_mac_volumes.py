"""A volume that goes, or is taken from the program, answers on macOS with errors of its own: one pause each."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.importing.halt_reasons import CONTINUES_BY_ITSELF, WHEN_SHARE_IS_BACK, back_again
from core.workers import batch_messages, messages, source_messages
from tests.faults import scene
from tests.faults.scene import Rig
from tests.rigs import sabotage, xnu

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the preloaded library is for Linux")

COUNT, SIZE = 200, 20_000
"""Files of one batch, and the bytes of each."""


async def _stopped(rig: Rig, request: type[messages.Request], act: Callable[[], object], times: int = 1) -> str:
    """An import in whose middle something happens; its name, when it is paused or has ended."""
    begun: list[int] = []

    def once() -> None:
        begun.append(1)
        if len(begun) == times:
            act()

    with scene.before(request, once, times):
        view = await scene.imported(rig)
    assert len(begun) == times
    return view.id


@pytest.mark.promise(11)
@pytest.mark.parametrize("request_", [batch_messages.Verify, batch_messages.Publish], ids=lambda one: one.__name__)
async def test_an_archive_unmounted_by_force_is_one_pause(
    tmp_path: Path, request_: type[messages.Request]
) -> None:
    with xnu.preloaded(tmp_path / "xnu") as mac:
        async with scene.engine_at(tmp_path) as rig:
            contents = scene.pictures(rig.source, COUNT, SIZE)
            name = await _stopped(rig, request_, lambda: mac.dead(rig.archive))
            scene.check_paused(rig.view(name), "does not answer any more")
            assert await scene.reasons(rig, name) == {}
            mac.well()
            scene.check_safe(await scene.resumed(rig, name))
            assert rig.contents() == contents
            assert await scene.check_claims(rig) == len(contents)


@pytest.mark.promise(11)
async def test_an_archive_unmounted_in_a_large_file_is_one_pause(tmp_path: Path) -> None:
    with xnu.preloaded(tmp_path / "xnu") as mac:
        async with scene.engine_at(tmp_path) as rig:
            scene.pictures(rig.source, 1, 40_000_000)
            rig.engine.factory.read_limit = 8_000_000
            name = await rig.begun()
            await rig.until(lambda: rig.view(name).written > 0)
            mac.dead(rig.archive)
            scene.check_paused(await scene.ended(rig, name), "any more")
            rig.engine.factory.read_limit = 0
            mac.well()
            scene.check_safe(await scene.resumed(rig, name))


@pytest.mark.promise(11)
@pytest.mark.parametrize("side", ["source", "archive"])
async def test_rights_that_are_taken_away_are_one_pause_that_names_the_program(tmp_path: Path, side: str) -> None:
    with xnu.preloaded(tmp_path / "xnu") as mac:
        async with scene.engine_at(tmp_path) as rig:
            scene.pictures(rig.source, COUNT, SIZE)
            root, request = (
                (rig.source, source_messages.ReadBatch)
                if side == "source"
                else (rig.archive, batch_messages.StageBatch)
            )
            name = await _stopped(rig, request, lambda: mac.refused(root))
            view = rig.view(name)
            scene.check_paused(view, f"{root} may not be used any more (Operation not permitted)")
            assert sys.executable in view.advice
            assert "Plug it in" not in view.advice
            assert await scene.reasons(rig, name) == {}
            mac.well()
            scene.check_safe(await scene.resumed(rig, name))
            assert scene.check_final_names(rig.archive) == COUNT


@pytest.mark.promise(11)
async def test_an_archive_of_which_only_the_root_may_be_opened_is_one_pause(tmp_path: Path) -> None:
    with xnu.preloaded(tmp_path / "xnu") as mac:
        async with scene.engine_at(tmp_path) as rig:
            scene.pictures(rig.source, COUNT, SIZE)
            name = await _stopped(rig, batch_messages.StageBatch, lambda: mac.refused(rig.archive / ".lading"))
            view = rig.view(name)
            scene.check_paused(view, f"{rig.archive} may not be used any more (Operation not permitted)")
            assert sys.executable in view.advice
            mac.well()
            scene.check_safe(await scene.resumed(rig, name))


@pytest.mark.control(11)
@pytest.mark.parametrize("act", ["dead", "refused"])
async def test_control_without_a_look_at_the_root_every_file_fails(tmp_path: Path, act: str) -> None:
    broken = sabotage.broken(tmp_path / "broken", "knows no loss")
    with xnu.preloaded(tmp_path / "xnu") as mac, broken:
        async with scene.engine_at(tmp_path) as rig:
            scene.pictures(rig.source, COUNT, SIZE)
            name = await _stopped(rig, source_messages.ReadBatch, lambda: getattr(mac, act)(rig.source))
            assert await scene.reasons(rig, name) != {}


def test_a_share_that_was_forced_out_has_to_be_mounted_again() -> None:
    assert back_again(True, "darwin") == WHEN_SHARE_IS_BACK
    assert "mount it in the Finder" in WHEN_SHARE_IS_BACK
    assert back_again(False, "darwin") == back_again(True, "linux") == CONTINUES_BY_ITSELF
