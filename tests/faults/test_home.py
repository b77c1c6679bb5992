"""The database refuses network file systems."""

import os
from pathlib import Path

import pytest

from core import database
from core.errors import DatabaseError
from core.volumes.filesystems import filesystem
from tests.rigs import engines, machines, passthrough

pytestmark = machines.root

REFUSED = 4


def _refused(home: Path, root: Path) -> None:
    """The command says why, and begins nothing there."""
    with engines.swept(home):
        source, archive = root / "card", root / "archive"
        engines.card(source, files=1, size=1000)
        done = engines.lading(home, "import", str(source), "--archive", str(archive), "--location", "Here")
    assert done.returncode == REFUSED, done.stderr
    assert "network file system (fuse.sshfs)" in done.stderr
    assert "LADING_HOME" in done.stderr
    assert not list(home.rglob("*.db*"))


@pytest.mark.promise(18)
@pytest.mark.parametrize("folder", ["", "below/it"])
def test_a_state_folder_on_a_network_is_refused(tmp_path: Path, folder: str) -> None:
    with passthrough.mounted(tmp_path, "sshfs") as through:
        _refused(through.path / folder, tmp_path)


@pytest.mark.promise(18)
def test_a_link_to_a_network_is_refused_like_it(tmp_path: Path) -> None:
    with passthrough.mounted(tmp_path, "sshfs") as through:
        (tmp_path / "home").symlink_to(through.path)
        _refused(tmp_path / "home", tmp_path)


@pytest.mark.control(18)
async def test_control_a_network_that_is_not_known_as_one_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with passthrough.mounted(tmp_path, "sshfs") as through:
        home = os.fspath(through.path)
        with pytest.raises(DatabaseError, match="network file system"):
            await database.Database.open(home)
        monkeypatch.setattr(database, "filesystem", lambda *_: filesystem("ext4"))
        await (await database.Database.open(home)).close()
