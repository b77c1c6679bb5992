"""`lading serve` while its archive is pulled, or does not answer any more: an error, and nobody waits for ever."""

import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.rigs import disks, machines, passthrough
from tests.rigs.cards import card_tree
from tests.rigs.engines import lading, swept
from tests.rigs.passthrough import HANG, Switch
from tests.tui.test_serving import served

pytestmark = [machines.root, pytest.mark.process]


def test_a_mounted_archive_is_the_card(tmp_path: Path) -> None:
    """davfs2 has it as a file system. Linux 6.18 asks it for as many names at once as a program
    has room for (32 KiB in `ls`), and it refuses more than its own buffer, 16 KiB unless told otherwise."""
    card, archive, mount = tmp_path / "card", tmp_path / "archive", tmp_path / "mount"
    card_tree(os.fsencode(card), "sony")
    mount.mkdir()
    settings = tmp_path / "davfs2.conf"
    settings.write_text("ask_auth 0\nuse_locks 0\nbuf_size 256\n")
    with swept(tmp_path / "home") as home:
        into = ["--archive", str(archive), "--location", "Here", "--label", "A"]
        assert lading(home, "import", str(card), *into).returncode == 0
        with served(home, archive) as (address, _):
            options = f"ro,conf={settings}"
            subprocess.run(["mount", "-t", "davfs", "-o", options, address, str(mount)], check=True, timeout=60)
            try:
                compared = ["diff", "-r", str(card), str(mount / "by card" / "A")]
                found = subprocess.run(compared, capture_output=True, text=True, timeout=120, check=False)
                assert (found.returncode, found.stdout) == (0, "")
            finally:
                disks.unmount(mount)


def test_an_archive_that_hangs_is_an_error(tmp_path: Path) -> None:
    card = tmp_path / "card"
    card.mkdir()
    (card / "film.mp4").write_bytes(os.urandom(1 << 20))
    with passthrough.mounted(tmp_path / "volume") as volume, swept(tmp_path / "home") as home:
        archive = volume.path / "archive"
        into = ["--archive", str(archive), "--location", "Here", "--label", "A"]
        assert lading(home, "import", str(card), *into).returncode == 0
        assert lading(home, "engine", "stop").returncode == 0
        with served(home, archive) as (address, _):
            film = f"{address}by%20card/A/film.mp4"
            with urllib.request.urlopen(film) as answer:  # noqa: S310 - an address of ours
                assert answer.read() == (card / "film.mp4").read_bytes()
            volume.set(Switch("open", delay=HANG))
            with pytest.raises(urllib.error.HTTPError) as found:
                urllib.request.urlopen(film, timeout=120)  # noqa: S310
            assert found.value.code == 503
            assert "does not answer" in found.value.read().decode()
            # The folders are the catalog's, and are there all the same.
            with urllib.request.urlopen(address, timeout=120) as answer:  # noqa: S310
                assert b"film.mp4" in answer.read()
            volume.set()
            with urllib.request.urlopen(film) as answer:  # noqa: S310
                assert answer.status == 200
