"""Remotes of rclone, without a server: their names, what rclone tells, and manifests that lead elsewhere."""

import asyncio
import hashlib
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from core.errors import UsageError
from core.offsite import rclone
from core.offsite.fetch import FETCHING_MARK, Fetch
from core.offsite.rclone import OffsiteError, Rclone, RcloneResult, Remote
from tests.core.importing.rig import write
from tests.rigs.remotes import NEW, OLD, sealed

pytestmark = pytest.mark.process


def test_what_names_a_remote() -> None:
    assert Remote.of("rclone:b2:bucket/path/").at("x") == "b2:bucket/path/x"
    assert Remote.of("rclone:b2:").at("x") == "b2:x"
    for text in ("rclone:", "rclone:path", "rclone:-v:x"):
        with pytest.raises(UsageError, match="names no remote"):
            Remote.of(text)


async def test_what_is_cancelled_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join([str(NEW.parent), os.environ["PATH"]]))
    running = asyncio.create_task(Rclone().run("serve", "webdav", str(tmp_path), "--addr", "127.0.0.1:0"))

    def serving() -> list[psutil.Process]:
        children = psutil.Process().children(recursive=True)
        return [one for one in children if one.name() == "rclone" and one.status() != psutil.STATUS_ZOMBIE]

    while not serving():  # noqa: ASYNC110 - nothing tells that a process has begun
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert serving() == []


@pytest.mark.parametrize(
    "line",
    [
        # rclone 1.60
        '{"level":"warning","msg":"\\nTransferred: ...","source":"stats.go:482","stats":{"bytes":1077248,'
        '"eta":1,"totalBytes":3000000,"transferring":[{"bytes":1077248,"group":"global_stats","name":"x"}]}}',
        # rclone 1.75
        '{"time":"2026-11-29T17:54:43Z","level":"notice","msg":"\\nTransferred: ...","stats":{"bytes":1077248,'
        '"eta":null,"listed":1,"transferring":[{"bytes":1077248,"dstFs":"b","name":"x"}]},"source":"stats.go:549"}',
    ],
    ids=["old", "new"],
)
def test_the_progress_of_a_transfer(line: str) -> None:
    told: list[tuple[int, str]] = []
    assert rclone._logged(line, lambda size, name: told.append((size, name))) == ""
    assert told == [(1077248, "x")]
    error = '{"level":"error","msg":"directory not found","object":"Local file system at /a","source":"march.go"}'
    for text, said in ((error, "Local file system at /a: directory not found"), ("{not JSON", "{not JSON")):
        assert rclone._logged(text, lambda size, name: told.append((size, name))) == said
    assert len(told) == 1


def test_without_rclone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("core.tools.HOMEBREW", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="rclone is not installed") as caught:
        Rclone()
    assert caught.value.advice.startswith("Install it: ")


class _Dav(BaseHTTPRequestHandler):
    """A store of the folders data/a and data/b, each with the file `one`; the latter cannot be listed."""

    protocol_version = "HTTP/1.1"

    def do_PROPFIND(self) -> None:
        """Answer what a folder holds."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.rstrip("/")
        below = {"": ["/data/"], "/data": ["/data/a/", "/data/b/"], "/data/a": ["/data/a/one"]}.get(path)
        self.send_response(500 if below is None else 207)
        text = "".join(map(_told_of, [f"{path}/", *(below or [])]))
        body = f'<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">{text}</D:multistatus>'.encode()
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def _told_of(path: str) -> str:
    kind = "<D:collection/>" if path.endswith("/") else ""
    return (
        f"<D:response><D:href>{path}</D:href><D:propstat><D:prop><D:resourcetype>{kind}</D:resourcetype>"
        "<D:getcontentlength>3</D:getcontentlength></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
        "</D:response>"
    )


@pytest.mark.parametrize("program", [OLD, NEW], ids=["old", "new"])
async def test_a_folder_that_a_store_does_not_list_is_not_passed_over(tmp_path: Path, program: Path) -> None:
    """rclone 1.60 names none of its files, neither as equal nor as missing; it tells of a difference elsewhere."""
    for name in ("a/one", "a/two", "b/one"):
        write(tmp_path / "here/data" / name, b"one")
    path = os.pathsep.join([str(program.parent), os.environ["PATH"]])
    with ThreadingHTTPServer(("127.0.0.1", 0), _Dav) as store:
        threading.Thread(target=store.serve_forever, daemon=True).start()
        there = f":webdav,url='http://127.0.0.1:{store.server_port}',vendor=other:"
        options = ("--size-only", "--one-way", "--include=/data/**", "--retries=1", "--low-level-retries=1")
        check = Rclone({**os.environ, "PATH": path, "RCLONE_CONFIG": ""}).compare(
            RcloneResult(), "check", str(tmp_path / "here"), there, *options
        )
        with pytest.raises(OffsiteError, match="data/b: error reading destination directory"):
            assert ("=", "data/b/one") not in [one async for one in check]
        store.shutdown()


async def test_no_manifest_of_a_remote_leads_out_of_the_folder(tmp_path: Path) -> None:
    """A manifest there names a file that is not below the bag: that file here stays as it is."""
    bag = tmp_path / "remote/locations/basel-1ec6a5"
    (bag / "data").mkdir(parents=True)
    (bag / "data/a.jpg").write_bytes(b"a")
    (bag / "bagit.txt").write_text("BagIt-Version: 1.0\n")
    (tmp_path / "remote/.lading").mkdir()
    (tmp_path / "remote/.lading/archive.toml").write_text('id = "a"\n')
    sealed(bag)
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    digest = hashlib.sha256(b"another").hexdigest()
    with (bag / "manifest-sha256.txt").open("a") as manifest:
        manifest.write(f"{digest}  ../../../mine.txt\n{digest}  {mine}\n")
    back = tmp_path / "back"
    result = await Fetch(Rclone(), Remote.of(f"rclone::local:{tmp_path}/remote"), str(back)).go()
    assert mine.read_text() == "mine"
    assert (back / FETCHING_MARK).exists()
    assert result.lacking_count >= 1
    assert (back / "locations/basel-1ec6a5/data/a.jpg").read_bytes() == b"a"
