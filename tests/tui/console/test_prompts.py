"""What is asked before an import starts."""

import asyncio
import os
import pty
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from core.models import ImportRequest
from core.results import Survey
from tests.rigs.engines import COMMAND, PATIENCE, environ, lading, swept
from tests.tui.console.streams import pipe
from tests.tui.views import HOSTILE
from tui.console import prompts
from tui.console.output import Console

pytestmark = pytest.mark.process

REQUEST = ImportRequest(source="/Users/ada", archive="/a", location="L")
BOTH = [
    Survey(source="/Users/ada/Pictures", libraries=1, icloud=12),
    Survey(source=HOSTILE, libraries=2, icloud_folders=1),
    Survey(source="/Volumes/EOS"),
]


def asked(surveys: Sequence[Survey], *typed: str) -> tuple[list[ImportRequest], str]:
    """The requests after these lines were typed, and what was shown."""
    err, told = pipe()
    lines = iter(typed)
    requests = prompts.ask(surveys, [REQUEST, REQUEST], Console(pipe()[0], err), lambda: next(lines, ""))
    assert next(lines, None) is None, "not everything was read"
    return requests, told.getvalue()


def test_nothing_is_asked_when_there_is_nothing() -> None:
    assert asked([Survey(source="/Volumes/EOS")]) == ([REQUEST, REQUEST], "")


@pytest.mark.parametrize(
    ("typed", "libraries", "icloud"),
    [
        (("y\n", "n\n"), True, False),
        (("\n", "Yes\n"), False, True),
        (("perhaps\n", "no\n", "y\n"), False, True),  # asked once more
        (("y\n",), True, False),  # the input ends
        ((), False, False),
    ],
)
def test_each_answer_does_what_it_says(typed: tuple[str, ...], libraries: bool, icloud: bool) -> None:
    requests, told = asked(BOTH, *typed)
    assert [(one.libraries, one.icloud) for one in requests] == [(libraries, icloud)] * 2
    assert "3 photo libraries in /Users/ada/Pictures, " in told
    assert (
        "12 files and 1 folder with all it holds only in iCloud, not on this disk, in /Users/ada/Pictures, "
        in told
    )
    assert told.count("the verdict is KEEP") == 2
    assert all(line.isprintable() for line in told.splitlines())


async def test_a_look_that_takes_too_long_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        async def survey(self, requests: Sequence[ImportRequest]) -> list[Survey]:
            await asyncio.sleep(3600)
            return BOTH

    monkeypatch.setattr(prompts, "SEARCH_TIMEOUT", 0.01)
    assert await prompts.look(Slow(), [REQUEST]) == []


@pytest.fixture
def library(tmp_path: Path) -> Iterator[tuple[Path, list[str]]]:
    """A state folder, and the command line that imports a folder with a photo library in it."""
    inside = tmp_path / "Pictures/Mine.photoslibrary/originals/0"
    inside.mkdir(parents=True)
    (inside / "a.jpg").write_bytes(b"inside")
    (tmp_path / "Pictures/b.jpg").write_bytes(b"beside")
    arguments = ["import", str(tmp_path / "Pictures"), "--archive", str(tmp_path / "archive"), "--location", "L"]
    with swept(tmp_path / "home") as home:
        yield home, arguments


def test_without_a_terminal_it_is_left_out_with_a_warning(library: tuple[Path, list[str]]) -> None:
    home, arguments = library
    done = lading(home, *arguments)
    assert "KEEP" in done.stdout
    assert "1 photo library not entered: import it with --libraries" in done.stdout + done.stderr
    assert archived(home.parent / "archive") == {b"beside"}


@pytest.mark.parametrize(("typed", "arrived"), [("y", {b"beside", b"inside"}), ("n", {b"beside"})])
async def test_a_person_at_a_terminal_is_asked(
    library: tuple[Path, list[str]], typed: str, arrived: set[bytes]
) -> None:
    home, arguments = library
    ours, theirs = pty.openpty()
    command = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        env=environ(home, TERM="xterm"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    loop, said = asyncio.get_running_loop(), asyncio.Event()

    def hear() -> None:
        nonlocal shown
        try:
            shown += os.read(ours, 1 << 16)
        except OSError:
            loop.remove_reader(ours)
        said.set()

    loop.add_reader(ours, hear)
    try:
        async with asyncio.timeout(PATIENCE):
            while b"[y/N]" not in shown:
                said.clear()
                await said.wait()
            os.write(ours, typed.encode() + b"\n")
            await command.wait()
    finally:
        loop.remove_reader(ours)
        os.close(ours)
    assert archived(home.parent / "archive") == arrived


def archived(archive: Path) -> set[bytes]:
    return {path.read_bytes() for path in archive.glob("locations/*/data/**/*") if path.is_file()}
