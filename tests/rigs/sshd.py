"""A separate sshd on the loopback, for real sessions."""

import getpass
import os
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.rigs.engines import COMMAND, PATIENCE, ROOT, until

PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
"""Where sshd may be installed."""

CONFIGURATION = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
PrintMotd no
"""


class Server:
    """A separate sshd, and the way to run commands through it, with these variables in their environment."""

    def __init__(self, folder: Path, home: Path, environ: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._environ = {"PYTHONPATH": ROOT, "LADING_HOME": str(home), **(environ or {})}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
        (folder / "configuration").write_text(CONFIGURATION.format(port=self._port, folder=folder))
        if os.geteuid() == 0:
            # sshd's privilege separation folder; Debian makes it when the service starts.
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        self.log = open(folder / "log", "wb")  # noqa: SIM115 - closed by end
        self.process = subprocess.Popen(
            [str(shutil.which("sshd", path=PATH)), "-D", "-e", "-f", folder / "configuration"], stderr=self.log
        )

    def answers(self) -> bool:
        """Whether it accepts connections."""
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with socket.socket() as knocking:
            return knocking.connect_ex(("127.0.0.1", self._port)) == 0

    def command(self, *arguments: str, terminal: bool) -> list[str]:
        """The command line that runs `lading ARGUMENTS` in a session."""
        options = [
            "IdentitiesOnly=yes",
            "UserKnownHostsFile=/dev/null",
            "StrictHostKeyChecking=no",
            "LogLevel=ERROR",
        ]
        words = ["env", *(f"{name}={value}" for name, value in self._environ.items()), *COMMAND, *arguments]
        return [
            *("ssh", "-F", "/dev/null", "-i", str(self.folder / "user"), "-p", str(self._port)),
            *(word for option in options for word in ("-o", option)),
            "-tt" if terminal else "-T",
            f"{getpass.getuser()}@127.0.0.1",
            shlex.join(words),
        ]

    def run(self, *arguments: str) -> str:
        """The output of a command in a session of its own."""
        done = subprocess.run(
            self.command(*arguments, terminal=False),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr + (self.folder / "log").read_text()
        return done.stdout

    def session(self) -> tuple[psutil.Process, list[psutil.Process]]:
        """The command of the only running session, and the server's processes for it."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        (command,) = [one for one in below if one.name().startswith("python")]
        return command, [one for one in below if "sshd" in one.name()]

    def end(self) -> None:
        """End the server."""
        self.process.terminate()
        self.process.wait()
        self.log.close()


@contextmanager
def serving(folder: Path, home: Path, environ: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A server that accepts connections; the test is skipped where there is no sshd, and fails there in CI."""
    if shutil.which("sshd", path=PATH) is None:
        told = "there is no sshd; on Debian: apt-get install openssh-server"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    folder.mkdir(mode=0o700)
    one = Server(folder, home, environ)
    try:
        until(one.answers)
        yield one
    finally:
        one.end()
