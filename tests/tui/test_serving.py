"""lading serve, with programs that know WebDAV."""

import json
import os
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.schema import DATABASE_FILE
from core.serving import server
from core.serving.content import Root
from tests.core.reports.reading import elements, parsed
from tests.core.reports.test_page import MARKUP
from tests.rigs.cards import card_tree, differences
from tests.rigs.engines import COMMAND, environ, lading, swept
from tests.tui.test_json import fits

pytestmark = pytest.mark.process


@contextmanager
def served(home: Path, archive: Path, *options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The address of a server, which ends with the block."""
    serving = subprocess.Popen(
        [*COMMAND, "serve", str(archive), "--port", "0", *options],
        env={**environ(home), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert serving.stdout is not None
        said = serving.stdout.readline().strip()
        yield fits("serve", said)["address"] if "--json" in options else said, serving
    finally:
        serving.send_signal(signal.SIGINT)
        _, said = serving.communicate(timeout=60)
        assert serving.returncode == 0, said


def status(address: str, method: str = "GET", **headers: str) -> int:
    """What a request is answered with."""
    request = urllib.request.Request(address, method=method, headers=headers)  # noqa: S310 - an address of ours
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def rclone(address: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    known = ["--config", os.devnull, "--webdav-url", address, "--webdav-vendor", "other", "--retries", "1"]
    known += ["--low-level-retries", "1"]
    return subprocess.run(["rclone", *arguments, *known], capture_output=True, text=True, timeout=120, check=False)


def test_a_card_comes_out_of_it_as_it_was(tmp_path: Path) -> None:
    card, archive = tmp_path / "card", tmp_path / "archive"
    card_tree(os.fsencode(card), "sony")
    film = card / "PRIVATE" / "M4ROOT" / "CLIP" / "C0001.MP4"
    data = os.urandom(8 << 20)
    film.write_bytes(data)
    for name in MARKUP:
        # XML, HTML and addresses are full of what these names would be, were they not text.
        (card / os.fsdecode(name)).write_bytes(name)
    with swept(tmp_path / "home") as home:
        assert lading(home, "serve", str(archive)).returncode == 2, "there is no import yet"
        into = ["--archive", str(archive), "--location", "Here", "--label", "A 001"]
        assert lading(home, "import", str(card), *into).returncode == 0
        assert lading(home, "serve", str(tmp_path)).returncode == 4, "that is no archive"
        with served(home, archive) as (address, _):
            copied = rclone(
                address, "copy", "--create-empty-src-dirs", ":webdav:by card/A 001", str(tmp_path / "out")
            )
            assert copied.returncode == 0, copied.stderr
            assert differences(str(card), str(tmp_path / "out")) == ""
            clip = f"{address}by%20location/Here/A%20001/PRIVATE/M4ROOT/CLIP/C0001.MP4"
            part = urllib.request.Request(clip, headers={"Range": "bytes=2000000-2000099"})  # noqa: S310
            with urllib.request.urlopen(part) as answer:  # noqa: S310
                assert (answer.status, answer.read()) == (206, data[2_000_000:2_000_100])
            with urllib.request.urlopen(address) as answer:  # noqa: S310
                sheet = parsed(answer.read().decode())
            assert any("C0001.MP4" in "".join(one.itertext()) for one in elements(sheet, "figure"))

            top, _, _ = address.removesuffix("/").rpartition("/")
            assert status(top + "/") == 404
            assert status(f"{top}/wrong/") == 404
            assert status(address, Host="evil.example") == 421
            assert status(f"{address}x", "PUT") == 403
            assert status(f"{address}.lading/archive.toml") == 404
            assert status(f"{address}by%20card/%2e%2e/%2e%2e/etc/passwd") == 400
            assert status(f"{address}by%20card/nothing") == 404
        read = sought(home, archive, "by%20card/A%20001/PRIVATE/M4ROOT/CLIP/C0001.MP4", 1 << 20)
        assert (64 << 10) <= read <= (2 << 20), "a player that seeks on costs no more than that"


def sought(home: Path, archive: Path, path: str, at: int) -> int:
    """Bytes read of the archive's file for a player that wants all from a place on, reads a little, and leaves."""
    lengths: list[int] = []

    class Counted(Root):
        def read(self, fd: int, at: int, length: int) -> bytes:
            lengths.append(length)
            return super().read(fd, at, length)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "Root", Counted)
        serving = server.Serving(str(home / DATABASE_FILE), str(archive), damaged=lambda file, why: None)
    running = threading.Thread(target=serving.run)
    running.start()
    try:
        lengths.clear()
        with socket.create_connection(("127.0.0.1", serving.port)) as player:
            request = f"GET /{serving.token}/{path} HTTP/1.1\r\nHost: localhost\r\nRange: bytes={at}-\r\n\r\n"
            player.sendall(request.encode())
            got = 0
            while got < 64 << 10:
                got += len(player.recv(16 << 10))
    finally:
        # It sends what it can, and ends when nobody takes it.
        serving.stop()
        running.join()
    return sum(lengths)


def test_a_damaged_file_is_an_error_and_is_told(tmp_path: Path) -> None:
    card, archive = tmp_path / "card", tmp_path / "archive"
    card.mkdir()
    for name in ("well.mp4", "rotten.mp4", "gone.mp4"):
        (card / name).write_bytes(os.urandom(1 << 20) + name.encode())
    with swept(tmp_path / "home") as home:
        into = ["--archive", str(archive), "--location", "Here", "--label", "A"]
        assert lading(home, "import", str(card), *into).returncode == 0
        for payload in archive.glob("locations/*/data/*/??/*"):
            found = payload.read_bytes()
            if found.endswith(b"rotten.mp4"):
                payload.write_bytes(bytes([found[0] ^ 1]) + found[1:])
            if found.endswith(b"gone.mp4"):
                payload.unlink()
        with served(home, archive, "--json") as (address, serving):
            for name, code in (("well.mp4", 0), ("rotten.mp4", 1), ("gone.mp4", 1)):
                copied = rclone(address, "copyto", f":webdav:by card/A/{name}", str(tmp_path / name))
                assert (copied.returncode != 0) == bool(code), (name, copied.stderr)
            assert (tmp_path / "well.mp4").read_bytes() == (card / "well.mp4").read_bytes()
            assert not (tmp_path / "rotten.mp4").exists()
            assert serving.stdout is not None
            told = [fits("serve", serving.stdout.readline()) for _ in range(2)]
        assert [one["why"] for one in told] == ["its content is not what was archived", "it is gone"]
        assert all(one["event"] == "damaged" and one["marked"] for one in told), told
        (rotten,) = json.loads(lading(home, "show", str(card / "rotten.mp4"), "--json").stdout)
        assert rotten["damage"] == "its content is not what was archived"
        (well,) = json.loads(lading(home, "show", str(card / "well.mp4"), "--json").stdout)
        assert not well["damage"]


def test_others_need_a_password(tmp_path: Path) -> None:
    card, archive = tmp_path / "card", tmp_path / "archive"
    card_tree(os.fsencode(card), "sony")
    with swept(tmp_path / "home") as home:
        into = ["--archive", str(archive), "--location", "Here"]
        assert lading(home, "import", str(card), *into).returncode == 0
        refused = lading(home, "serve", str(archive), "--listen", "0.0.0.0")  # noqa: S104
        assert (refused.returncode, "needs a password" in refused.stderr) == (2, True)
