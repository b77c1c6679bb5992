"""lading resume --all and pause --all: what one import refuses is not refused for the others."""

import json
import os
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.client.client import Client
from core.errors import UsageError
from tests.rigs.engines import clip, freeze, lading, swept
from tui import cli
from tui.console.exits import Exit
from tui.console.output import Console, Output

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


def test_an_import_that_has_just_ended_keeps_no_other_from_being_paused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def listed(client: Client, unfinished: bool = False) -> list[SimpleNamespace]:
        return [SimpleNamespace(id=id, state="running") for id in ("20261201-1", "20261201-2")]

    paused: list[str] = []

    async def pause(client: Client, name: str, reason: str = "") -> None:
        if name == "20261201-1":
            raise UsageError(f"import {name} is not running.", "See `lading status`.")
        paused.append(name)

    monkeypatch.setenv("LADING_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(Client, "imports", listed)
    monkeypatch.setattr(Client, "pause_import", pause)
    with swept(tmp_path / "home") as home:
        into = ["--archive", str(tmp_path / "archive"), "--location", "Here"]
        assert lading(home, "import", str(clip(tmp_path / "card", 1)), *into).returncode == Exit.WELL
        told = StringIO()
        assert cli.run(["pause", "--all"], Console(Output(told, {}), Output(StringIO(), {}))) == Exit.WELL
    assert paused == ["20261201-2"]
    assert "20261201-2 is paused" in told.getvalue()
    assert "20261201-1" not in told.getvalue()
