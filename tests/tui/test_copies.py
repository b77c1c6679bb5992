"""What the commands say of a copy of the archive."""

import json
import shutil
from pathlib import Path

import pytest

from tests.rigs.engines import card, lading, swept

pytestmark = pytest.mark.process


def test_a_copy_is_named(tmp_path: Path) -> None:
    source, archive, backup = card(tmp_path / "card"), tmp_path / "archive", tmp_path / "backup"
    with swept(tmp_path / "home") as home:
        into = ("--archive", str(archive), "--location", "Mill Creek")
        assert lading(home, "import", str(source), *into).returncode == 0
        (name,) = [one["id"] for one in json.loads(lading(home, "imports", "--json").stdout)]
        shutil.copytree(archive, backup)
        audit = lading(home, "audit", "--archive", str(backup))
        assert (audit.returncode, f"a copy of the archive at {archive}" in audit.stdout) == (0, True)
        check = lading(home, "check", "--read", str(source), "--archive", str(backup))
        assert (check.returncode, f"a copy of the archive at {archive}" in check.stdout) == (0, True)
        restored = lading(home, "restore", name, str(tmp_path / "out"), "--archive", str(backup))
        assert (restored.returncode, f"from a copy of the archive, at {backup}" in restored.stdout) == (0, True)
        for command in (
            ("import", str(source), "--location", "L"),
            ("import", str(source), "--location", "L", "--dry-run"),
        ):
            refused = lading(home, *command, "--archive", str(backup))
            assert refused.returncode == 4
            assert "lading rebuild" in refused.stderr
        rebuilt = lading(home, "rebuild", str(backup))
        assert (rebuilt.returncode, f"no more that at {archive}" in rebuilt.stdout) == (0, True)
        assert lading(home, "import", str(source), "--archive", str(backup), "--location", "L").returncode == 0
