"""Where the socket is, and who may use it."""

import asyncio
import os
import shutil
import signal
import socket
import struct
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from core.errors import EngineError
from core.protocol import transport
from core.protocol.transport import LONGEST_PATH, connect, find, listen, peer, place, process
from tests.core.engine.stub import Raw, serving

pytestmark = pytest.mark.process

NOBODY = 65534


class Options:
    """A socket with options of another system."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.asked: tuple[int, int] = (0, 0)

    def getsockopt(self, level: int, option: int, length: int, /) -> bytes:
        self.asked = level, option
        return self.data[:length]


def test_linux_tells_the_user() -> None:
    options = Options(struct.pack("3i", 4321, 501, 20))
    assert peer(options, "linux") == 501
    assert options.asked == (socket.SOL_SOCKET, 17)


def test_macos_tells_the_user() -> None:
    xucred = struct.pack("=IIh2x16I", 0, 501, 2, 20, 12, *[0] * 14)
    assert len(xucred) == 76
    options = Options(xucred)
    assert peer(options, "darwin") == 501
    assert options.asked == (0, 1)


@pytest.mark.parametrize("data", [b"", b"\0" * 7, struct.pack("=IIh2x16I", 1, 501, 0, *[0] * 16)])
def test_macos_tells_nobody(data: bytes) -> None:
    with pytest.raises(OSError, match="credentials"):
        peer(Options(data), "darwin")


def test_this_system_tells_ourselves() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert peer(one) == peer(other) == os.geteuid()
        assert process(one) == process(other) == os.getpid()


def test_each_system_tells_the_process() -> None:
    linux, mac = Options(struct.pack("3i", 4321, 501, 20)), Options(struct.pack("i", 4321))
    assert (process(linux, "linux"), linux.asked) == (4321, (socket.SOL_SOCKET, 17))
    assert (process(mac, "darwin"), mac.asked) == (4321, (0, 2))


def test_a_process_that_is_not_told_is_none() -> None:
    class Refusing:
        def getsockopt(self, level: int, option: int, length: int, /) -> bytes:
            raise OSError("not connected")

    assert process(Refusing(), "linux") == process(Refusing(), "darwin") == 0


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder with a short name."""
    folder = Path(tempfile.mkdtemp(prefix="l", dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    shutil.rmtree(folder)


def long(tmp_path: Path) -> Path:
    home = tmp_path / ("h" * LONGEST_PATH)
    home.mkdir()
    return home


def test_a_socket_is_in_the_state_folder(temporary: Path) -> None:
    listening, path = listen(str(temporary))
    with listening:
        assert path == find(str(temporary)) == str(temporary / "run" / "engine.sock")
        assert (temporary / "run").stat().st_mode & 0o777 == 0o700
        assert not (temporary / "run" / "socket").exists()
        connect(str(temporary)).close()


async def test_a_long_state_folder_has_its_socket_elsewhere(tmp_path: Path, temporary: Path) -> None:
    home = long(tmp_path)
    async with serving(home):
        path = Path(find(str(home)))
        folder = path.parent
        assert folder.parent == temporary
        assert len(os.fsencode(path)) <= LONGEST_PATH
        assert os.stat(folder).st_mode & 0o777 == 0o700
        async with Raw(home) as one:
            await one.hello()
    assert os.listdir(temporary) == []


def test_the_socket_is_found_from_another_environment(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = long(tmp_path)
    listening, path = listen(str(home))
    with listening:
        monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
        assert find(str(home)) == path
        connect(str(home)).close()
    assert place(str(home)) != path


def test_a_limit_that_nothing_fits_is_an_error(temporary: Path) -> None:
    with pytest.raises(EngineError, match="short enough"):
        listen(str(temporary), 10)


def test_a_pointer_goes_when_it_is_not_needed(temporary: Path) -> None:
    home = temporary / ("h" * 40)
    home.mkdir()
    inside = str(home / "run" / "engine.sock")
    listening, path = listen(str(home), len(inside) - 1)
    with listening:
        assert path == find(str(home)) != inside
    listening, path = listen(str(home))
    with listening:
        assert path == find(str(home)) == inside


def test_an_open_folder_is_closed(temporary: Path) -> None:
    (temporary / "run").mkdir()
    (temporary / "run").chmod(0o777)
    listening, _ = listen(str(temporary))
    with listening:
        assert (temporary / "run").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("what", ["file", "link"])
def test_a_folder_that_is_none_is_refused(temporary: Path, what: str) -> None:
    if what == "file":
        (temporary / "run").touch()
    else:
        (temporary / "other").mkdir()
        (temporary / "run").symlink_to("other")
    with pytest.raises(EngineError, match="not a folder of yours"):
        listen(str(temporary))


@pytest.mark.parametrize("what", ["socket", "file", "link"])
async def test_what_a_dead_engine_left_is_replaced(temporary: Path, what: str) -> None:
    (temporary / "run").mkdir(mode=0o700)
    stale = temporary / "run" / "engine.sock"
    if what == "socket":
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(str(stale))
        dead.close()
        with pytest.raises(ConnectionRefusedError):
            connect(str(temporary))
    elif what == "file":
        stale.touch()
    else:
        stale.symlink_to("/nowhere")
    async with serving(temporary), Raw(temporary) as one:
        await one.hello()


async def test_another_user_is_refused(temporary: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    async with serving(temporary) as (server, _):
        path = str(temporary / "run" / "engine.sock")
        # As if the folder had been opened to everybody.
        for one in (temporary, temporary / "run", path):
            os.chmod(one, 0o777)
        child = _fork()
        if child == 0:
            _be_nobody_and_knock(path)
        status = await _status_of(child)
        assert status == 0
        assert not server.clients


def _fork() -> int:
    with warnings.catch_warnings():
        # Python 3.12 and later warn of threads; the child here needs none.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _be_nobody_and_knock(path: str) -> None:
    """In a child: exit status 0 when the engine hangs up without a word."""
    code = 1
    with suppress(BaseException):
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        signal.alarm(30)
        with socket.socket(socket.AF_UNIX) as knocking:
            knocking.connect(path)
            with suppress(OSError):
                knocking.sendall(b"\0\0\0\1")
            try:
                code = 0 if knocking.recv(1) == b"" else 2
            except ConnectionResetError:
                code = 0
    os._exit(code)


async def _status_of(child: int) -> int:
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    return os.waitstatus_to_exitcode(status)


def test_an_engine_of_another_user_is_not_talked_to(temporary: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    (temporary / "run").mkdir()
    temporary.chmod(0o777)
    (temporary / "run").chmod(0o777)
    ready, told = os.pipe()
    child = _fork()
    if child == 0:
        with suppress(BaseException):
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            signal.alarm(30)
            listening = socket.socket(socket.AF_UNIX)
            listening.bind(str(temporary / "run" / "engine.sock"))
            listening.listen()
            os.write(told, b"x")
            signal.pause()
        os._exit(0)
    try:
        os.read(ready, 1)
        with pytest.raises(EngineError, match=f"another user \\(number {NOBODY}\\)"):
            connect(str(temporary))
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready)
        os.close(told)


def test_the_limit_is_the_systems(temporary: Path) -> None:
    name = "n" * (LONGEST_PATH - len(str(temporary)) - 1)
    with socket.socket(socket.AF_UNIX) as fits:
        fits.bind(str(temporary / name))
    with socket.socket(socket.AF_UNIX) as too_long, pytest.raises(OSError, match="too long"):
        too_long.bind(str(temporary / f"{name}xx"))
    assert (103 if sys.platform == "darwin" else 107) == transport.LONGEST_PATH
