"""lading resume --all, through a real engine."""

import json
import os
from pathlib import Path

import pytest

from tests.rigs.engines import clip, freeze, lading, swept
from tui.console.exits import Exit

pytestmark = pytest.mark.process


@pytest.mark.parametrize("away", ["one", "two"])
def test_an_archive_that_is_away_keeps_no_other_import_from_going_on(tmp_path: Path, away: str) -> None:
    with swept(tmp_path / "home") as home:
        ids = {}
        for name in ("one", "two"):
            card = str(clip(tmp_path / name, 128 << 20))
            into = ["--archive", str(tmp_path / f"archive {name}"), "--location", "Here", "--detach", "--json"]
            ids[name] = json.loads(lading(home, "import", card, *into).stdout)["id"]
            frozen = freeze(home)
            assert lading(home, "pause", ids[name]).returncode == Exit.WELL
            for worker in frozen:
                worker.resume()
        # An engine may still have the archive open.
        assert lading(home, "engine", "stop").returncode == Exit.WELL
        os.rename(tmp_path / f"archive {away}", tmp_path / "elsewhere")
        done = lading(home, "resume", "--all", "--quiet")
        assert done.returncode == Exit.UNUSABLE
        assert f"there is no archive at {tmp_path}/archive {away}" in done.stderr
        states = {one["id"]: one["state"] for one in json.loads(lading(home, "imports", "--json").stdout)}
        assert {name: states[id] for name, id in ids.items()} == {"one": "done", "two": "done", away: "paused"}
