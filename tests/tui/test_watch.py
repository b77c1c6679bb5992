"""`lading watch` and presets by name: cards on loop devices, a rule, and an engine of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.rigs import disks
from tests.rigs.engines import COMMAND, environ, lading, swept
from tests.tui.test_json import fits

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

root = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting needs root on Linux")


def configured(home: Path, archive: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text(
        f'archive = "{archive}"\n[presets.wedding]\nlocation = "Wedding {{label}} {{camera}}"\n'
        f'verify = "end"\nexclude = ["*.tmp"]\n'
    )


def test_a_preset_is_chosen_by_its_name(tmp_path: Path) -> None:
    card, home = tmp_path / "A001", tmp_path / "home"
    (card / "DCIM" / "100CANON").mkdir(parents=True)
    (card / "DCIM" / "100CANON" / "IMG_0001.JPG").write_bytes(b"picture")
    with swept(home):
        configured(home, tmp_path / "archive")
        done = lading(home, "import", str(card), "--preset", "wedding", "--json")
        assert done.returncode == 0, done.stderr
        ended = json.loads(done.stdout.splitlines()[-1])
        assert (ended["location"], ended["verdict"]) == ("Wedding A001 Canon", "SAFE")
        plain = lading(home, "import", str(card), "--preset", "wedding", "--location", "Else {x}", "--json")
        assert json.loads(plain.stdout.splitlines()[-1])["location"] == "Else {x}"
        wrong = lading(home, "import", str(card), "--preset", "weding")
        assert (wrong.returncode, "The nearest known name is wedding." in wrong.stderr) == (2, True)
        shown = {one["name"]: one for one in json.loads(lading(home, "config", "--json").stdout)}
        assert shown["presets.wedding"]["value"]["verify"] == "end"
        assert "presets.wedding" in lading(home, "config").stdout


@root
def test_a_card_that_is_put_in_is_told_and_so_is_what_becomes_of_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with swept(home), disks.disk(tmp_path, "ext4") as card:
        (card.path / "DCIM" / "100CANON").mkdir(parents=True)
        (card.path / "DCIM" / "100CANON" / "IMG_0001.JPG").write_bytes(b"picture")
        card.unmount()
        configured(home, tmp_path / "archive")
        command = [*COMMAND, "watch", "--json"]
        with subprocess.Popen(
            command, env=environ(home), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        ) as watching:
            assert watching.stdout
            card.mount()
            told: list[dict[str, Any]] = []
            for line in watching.stdout:
                told.append(fits("watch", line))
                if told[-1]["label"] != card.path.name:
                    # Other tests may mount cards at the same time.
                    continue
                if told[-1]["event"] == "card" and told[-1]["counted"]:
                    assert (told[-1]["camera"], told[-1]["new"]["files"]) == ("Canon", 1)
                    done = lading(home, "import", str(card.path), "--preset", "wedding", "--label", card.path.name)
                    assert done.returncode == 0, done.stdout
                if told[-1].get("verdict"):
                    break
            watching.terminate()
            assert watching.wait(60) == 0
        assert (told[-1]["verdict"], told[-1]["location"]) == ("SAFE", f"Wedding {card.path.name} Canon")
