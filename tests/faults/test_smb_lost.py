"""A real SMB server that drops its sessions or dies while an import writes to it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.models import State
from core.snapshot import ImportView
from core.workers import batch_messages
from tests.core.importing.rig import Rig
from tests.faults import scene, share
from tests.faults.share import Share
from tests.rigs import sabotage, samba
from tests.rigs.samba import Server

pytestmark = samba.needed

SIZE = 256 << 20
"""Bytes of the disk behind the share."""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Share]:
    with share.on_disk(tmp_path, SIZE) as made:
        yield made


def cut_short(below: Path) -> int:
    """What was half written when the session ended: staged files lose their second half, on the server."""
    cut = 0
    for path in below.glob(".lading/staging/*/*/*/*"):
        if size := path.stat().st_size:
            os.truncate(path, size // 2)
            cut += 1
    return cut


async def dropped(small: Share, rig: Rig, act: Callable[[], object]) -> ImportView:
    """Import, and end the sessions after files were staged and flushed; the server forgets half of them."""

    def drop() -> None:
        act()
        assert cut_short(small.below)

    with scene.before(batch_messages.Verify, drop) as asked:
        view = await scene.imported(rig)
        assert asked
    return view


def restart(server: Server) -> None:
    """The server dies, and comes back."""
    server.kill()
    server.start()


@pytest.mark.promise(13)
@pytest.mark.parametrize("how", [Server.drop_sessions, restart], ids=["session", "server"])
async def test_an_import_goes_on_and_copies_anew_what_was_half_written(
    small: Share, tmp_path: Path, how: Callable[[Server], None]
) -> None:
    async with scene.engine_at(tmp_path, archive=small.archive) as rig:
        contents = share.card(rig.source, 10, 1)
        view = await dropped(small, rig, lambda: how(small.server))
        if view.state is State.PAUSED:
            small.mount.again()
            await rig.engine.imports.resume_import(view.id)
            view = await rig.ended_unchecked(view.id)
        scene.check_safe(view)
        assert set(share.payload(small.below)) == contents
        await scene.check_claims(rig, small.below)


@pytest.mark.control(13)
async def test_control_half_written_files_that_are_trusted_are_seen(small: Share, tmp_path: Path) -> None:
    with sabotage.broken(tmp_path / "broken", "trusts writes"):
        async with scene.engine_at(tmp_path, archive=small.archive) as rig:
            share.card(rig.source, 10, 0)
            await dropped(small, rig, small.server.drop_sessions)
            with pytest.raises(AssertionError):
                share.payload(small.below)


@pytest.mark.promise(13)
async def test_a_server_that_stays_away_pauses_the_import(small: Share, tmp_path: Path) -> None:
    async with scene.engine_at(tmp_path, archive=small.archive) as rig:
        contents = share.card(rig.source, 10, 0)
        with scene.before(batch_messages.Verify, small.server.kill):
            view = await scene.imported(rig)
        assert (view.state, view.failed.files) == (State.PAUSED, 0), view
        assert view.reason
        small.server.start()
        await rig.engine.imports.resume_import(view.id)
        scene.check_safe(await rig.ended_unchecked(view.id))
        assert set(share.payload(small.below)) == contents
