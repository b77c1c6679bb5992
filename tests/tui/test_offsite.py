"""lading mirror, audit, rebuild and restore with a remote, on the command line."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.rigs.engines import card, lading, swept, until
from tests.rigs.remotes import NEW, served
from tests.tui.test_reports import settled

pytestmark = pytest.mark.process


def test_all_is_there_again_from_the_remote_alone(tmp_path: Path) -> None:
    source, archive, back = card(tmp_path / "card"), tmp_path / "archive", tmp_path / "back"
    (tmp_path / "store").mkdir()
    with served("s3", tmp_path / "store") as store, swept(tmp_path / "home") as home:
        more = store.environ(NEW)
        assert (
            lading(home, "import", str(source), "--archive", str(archive), "--location", "Basel").returncode == 0
        )
        # What the bag does not name yet is not uploaded; jobs update it after the import and after its report.
        until(lambda: list(archive.glob("locations/*/lading/*.html")) and settled(home))
        assert lading(home, "engine", "stop").returncode == 0
        up = lading(home, "mirror", str(archive), store.name, more=more)
        assert up.returncode == 0, up.stdout + up.stderr
        assert f"COMPLETE  {store.name} holds 4 of 4 files" in up.stdout
        again = json.loads(lading(home, "mirror", str(archive), store.name, "--json", more=more).stdout)
        assert (again["brought"], again["total"], again["lacking_count"]) == (0, 4, 0)
        found = lading(home, "audit", store.name, more=more)
        assert (found.returncode, found.stdout[:6]) == (0, "WELL  ")
        store.put(next(path for path in store.listed() if "/data/" in path), b"rotten")
        found = lading(home, "audit", store.name, more=more)
        assert (found.returncode, "its content is not what was archived" in found.stdout) == (1, True)
    with served("s3", tmp_path / "second") as store, swept(tmp_path / "home"), swept(tmp_path / "new") as new:
        more = store.environ(NEW)
        assert lading(tmp_path / "home", "mirror", str(archive), store.name, more=more).returncode == 0
        for command in (["rebuild", store.name], ["restore", "x", str(back), "--archive", store.name]):
            refused = lading(new, *command, more=more)
            assert (refused.returncode, f"lading mirror {store.name} DIR" in refused.stderr) == (2, True)
        assert lading(new, "mirror", store.name, str(back), more=more).returncode == 0
        assert lading(new, "rebuild", str(back)).returncode == 0
        (record,) = json.loads(lading(new, "imports", "--json").stdout)
        assert lading(new, "restore", record["id"], str(tmp_path / "tree")).returncode == 0
        assert subprocess.run(["diff", "-r", source, tmp_path / "tree"], check=False).returncode == 0


def test_what_a_remote_cannot(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for command in (
        ["mirror", "rclone:a:b", "rclone:c:d"],
        ["mirror", str(tmp_path), "rclone:a:b", "--both"],
        ["mirror", str(tmp_path), "rclone:nothing"],
        ["audit", "elsewhere"],
        ["audit", "rclone:a:b", "--sample", "5"],
    ):
        assert lading(home, *command).returncode == 2, command
