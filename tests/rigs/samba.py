"""A real SMB server on the loopback, and its share mounted by two clients: rclone and smbnetfs (Linux, root)."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from core.volumes.mounts import mounts

PATIENCE = 60.0
"""Seconds that a server or a mount gets to start or end."""

PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
SHARE, USER, PASSWORD = "archive", "root", "rig"
TOOLS = ("smbd", "smbpasswd", "rclone", "smbnetfs", "fusermount3")

SERVER = """
[global]
server role = standalone server
interfaces = 127.0.0.1/8
bind interfaces only = yes
smb ports = {port}
disable netbios = yes
passdb backend = smbpasswd:{state}/smbpasswd
private dir = {state}
lock directory = {state}
state directory = {state}
cache directory = {state}
pid directory = {state}
ncalrpc dir = {state}/ncalrpc
log file = {state}/log
load printers = no
disable spoolss = yes
server min protocol = SMB2
vfs objects = catia fruit streams_xattr
fruit:metadata = stream
[{share}]
path = {folder}
read only = no
"""
CLIENT = "[global]\nclient min protocol = SMB2\n"
SMBNETFS = 'smb_query_browsers "false"\nauth "127.0.0.1" "{user}" "{password}"\n'
RCLONE = "[nas]\ntype = smb\nhost = 127.0.0.1\nport = {port}\nuser = {user}\npass = {password}\n"

needed = [
    pytest.mark.skipif(sys.platform != "linux", reason="smbd and FUSE mounts of our own are set up on Linux only"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount"),
]
"""Marks for tests that use this rig. A missing tool is a failure: `.ci/setup test` installs them all."""


def until(true: Callable[[], object], what: str) -> None:
    """Wait until the condition holds. Raises AssertionError."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.02)


class Server:
    """An smbd that shares `folder`; its clients' mounts are in `base`."""

    def __init__(self, base: Path, folder: Path) -> None:
        self.base, self.folder = base, folder
        self._state = base / "state"
        self._state.mkdir(parents=True)
        folder.mkdir(exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._configuration = base / "smb.conf"
        text = SERVER.format(port=self.port, state=self._state, share=SHARE, folder=folder)
        self._configuration.write_text(text)
        said = f"{PASSWORD}\n{PASSWORD}\n".encode()
        command = [_tool("smbpasswd"), "-c", str(self._configuration), "-s", "-a", USER]
        subprocess.run(command, input=said, check=True, capture_output=True)
        self._mounts: list[Mount] = []
        self.start()

    def start(self) -> None:
        """Start it, or restart it on the same port."""
        command = [_tool("smbd"), "-F", "--no-process-group", "-s", str(self._configuration)]
        self.process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._answers, "smbd does not answer")

    def _answers(self) -> bool:
        assert self.process.poll() is None, (self._state / "log").read_text()
        with socket.socket() as knocking:
            return knocking.connect_ex(("127.0.0.1", self.port)) == 0

    def _family(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return [self.process, *self.process.children(recursive=True)]
        return []

    def kill(self) -> None:
        """Kill it: every session ends without notice."""
        for one in self._family():
            with suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGKILL)
        self.process.wait()

    def drop_sessions(self) -> None:
        """Kill the processes that serve the clients; the server continues."""
        for one in self._family()[1:]:
            with suppress(psutil.NoSuchProcess):
                if any(link.laddr.port == self.port for link in one.net_connections() if link.raddr):
                    one.send_signal(signal.SIGKILL)

    def hang(self) -> None:
        """Stop answering, like a NAS that has lost its disks."""
        for one in self._family():
            with suppress(psutil.NoSuchProcess):
                one.suspend()

    def go_on(self) -> None:
        """Continue answering."""
        for one in self._family():
            with suppress(psutil.NoSuchProcess):
                one.resume()

    def rclone(self, *more: str) -> "Mount":
        """The share, mounted by rclone without a cache, unless `more` options say so."""
        number = len(self._mounts)
        configuration = self.base / f"rclone-{number}.conf"
        hidden = subprocess.run([_tool("rclone"), "obscure", PASSWORD], check=True, capture_output=True, text=True)
        configuration.write_text(RCLONE.format(port=self.port, user=USER, password=hidden.stdout.strip()))
        where = self.base / f"rclone-{number}"
        options = ["--vfs-cache-mode", "off", "--dir-cache-time", "1s", "--attr-timeout", "0s"]
        options += ["--config", str(configuration), "--cache-dir", str(self.base / f"cache-{number}")]
        # A connection that was unused for `timeout` is broken, and its next user gets EIO, so it is closed
        # earlier.
        options += ["--contimeout", "5s", "--timeout", "60s", "--smb-idle-timeout", "5s"]
        options += ["--retries", "1", "--low-level-retries", "1", *more]
        return self._mounted([_tool("rclone"), "mount", f"nas:{SHARE}", str(where), *options], where, where, {})

    def smbnetfs(self) -> "Mount":
        """The share, mounted by smbnetfs, which takes names that differ only by case for the same."""
        home = self.base / f"home-{len(self._mounts)}"
        (home / ".smb").mkdir(parents=True, mode=0o700)
        (home / ".smb/smb.conf").write_text(CLIENT)
        (home / ".smb/smbnetfs.conf").write_text(SMBNETFS.format(user=USER, password=PASSWORD))
        (home / ".smb/smbnetfs.conf").chmod(0o600)
        where = self.base / f"smbnetfs-{len(self._mounts)}"
        command = [
            _tool("smbnetfs"),
            "-f",
            str(where),
            "-o",
            "smb_timeout=60000,reply_timeout=90,max_retry_count=1",
        ]
        below = where / f"127.0.0.1:{self.port}" / SHARE
        return self._mounted(command, where, below, {"HOME": str(home)})

    def _mounted(self, command: list[str], where: Path, share: Path, environ: dict[str, str]) -> "Mount":
        where.mkdir()
        mount = Mount(where, share, command, {**os.environ, **environ})
        self._mounts.append(mount)
        mount.start()
        return mount

    def end(self) -> None:
        """Unmount everything and end the server, in whatever state they are."""
        self.go_on()
        for mount in self._mounts:
            mount.end()
        self.kill()


class Mount:
    """A mount of the share: its mount point `where`, and the `share` below it."""

    def __init__(self, where: Path, share: Path, command: list[str], environ: dict[str, str]) -> None:
        self.where, self.share = where, share
        self._command, self._environ = command, environ
        self._log = where.parent / f"{where.name}.log"

    def start(self) -> None:
        """Mount it."""
        with open(self._log, "ab") as log:
            self.process = subprocess.Popen(self._command, env=self._environ, stdout=log, stderr=log)
        until(lambda: str(self.where) in {one.mount for one in mounts()}, f"{self.where} is not mounted")

    def again(self) -> None:
        """Mount it again if its daemon has died, as rclone's may when a session ends."""
        if self.process.poll() is not None:
            self.end()
            self.start()

    def end(self) -> None:
        """Unmount it and end its daemon, even when that hangs; what it said is printed, for a test that fails."""
        subprocess.run([_tool("fusermount3"), "-uzq", str(self.where)], check=False)
        self.process.terminate()
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        sys.stdout.write(self._log.read_text(errors="replace"))


def _tool(name: str) -> str:
    found = shutil.which(name, path=PATH)
    assert found, f"there is no {name}: run `.ci/setup test`"
    return found


@contextmanager
def server(base: Path, folder: Path | None = None) -> Iterator[Server]:
    """A server for the share `folder`; it ends with its mounts at the end of the block."""
    one = Server(base, folder or base / "share")
    try:
        yield one
    finally:
        one.end()
