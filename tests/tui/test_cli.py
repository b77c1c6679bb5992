"""The command line: what is asked for, what is complained about, and the exit status."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.config import Config
from core.errors import ArchiveError, LadingError, SourceError, UsageError
from core.models import ImportRequest, Verdict
from core.results import CheckResult
from tests.tui.console.streams import console
from tests.tui.views import HOSTILE, done, snapshot
from tui import cli, command_parser
from tui.console import output
from tui.console.exits import Exit, StoppedError

pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("LADING_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LADING_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit status, what was told, what was complained about."""
    to, told, complained = console()
    return cli.run(arguments, to), told.getvalue(), complained.getvalue()


class Engine:
    """Takes the requests and is done."""

    requests: tuple[ImportRequest, ...] = ()

    def __init__(self, config: Config) -> None:
        self.config = config

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def leave(self) -> None: ...
    async def subscribe(self) -> None: ...
    async def wait(self, ids: object) -> None: ...
    async def pause_import(self, id: str, reason: str = "") -> None: ...

    async def start_imports(self, requests: Any) -> list[str]:
        Engine.requests = tuple(requests)
        return [str(number) for number, _ in enumerate(requests)]

    def snapshot(self) -> Any:
        return snapshot(*(done(id=str(number)) for number, _ in enumerate(Engine.requests)))


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> type[Engine]:
    monkeypatch.setattr("core.client.client.Client", Engine)
    return Engine


def test_a_request_has_all_that_was_asked_for(
    engine: type[Engine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = (
        "import card --archive arch --location Mill --verify source --known record --duplicates location "
        "--exclude *.tmp --exclude b* --label A001 --operator Ann --note n --libraries --icloud"
    )
    status, told, _ = run(*arguments.split())
    assert status == Exit.WELL
    assert told.startswith("SAFE")
    (request,) = engine.requests
    assert request == ImportRequest(
        source=str(tmp_path / "card"),
        archive=str(tmp_path / "arch"),
        location="Mill",
        label="A001",
        operator="Ann",
        note="n",
        verify="source",
        known="record",
        duplicates="location",
        exclude=("*.tmp", "b*"),
        libraries=True,
        icloud=True,
    )


def test_the_rest_comes_from_the_configuration(
    engine: type[Engine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LADING_ARCHIVE", str(tmp_path / "nas"))
    monkeypatch.setenv("LADING_LOCATION", "Mill")
    monkeypatch.setenv("LADING_OPERATOR", "Ann")
    assert run("import", "/a", "/b", "--exclude", "x")[0] == Exit.WELL
    assert [request.source for request in engine.requests] == ["/a", "/b"]
    assert {(request.archive, request.location, request.operator) for request in engine.requests} == {
        (str(tmp_path / "nas"), "Mill", "Ann")
    }
    assert {request.exclude for request in engine.requests} == {("x",)}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("import", "the following arguments are required: SRC"),
        ("import x --archive /a", "There is no location to import to."),
        ("import x --location L", "Give --archive DIR, or set LADING_ARCHIVE"),
        ("import x --arch /a", "nrecognized arguments: --arch /a.\n  See: lading import --help"),
        ("--archive /a", "--archive stands before a command.\n  Options come after the command"),
        ("--archive /a import x", "--archive stands before a command."),
        ("import x y --archive /a --location L --label C", "--label names one source."),
        ("import x --verify never", "invalid choice: 'never'"),
        ("imprt x", "There is no command imprt.\n  Did you mean import? All of them: lading --help"),
        ("zzzz x", "There is no command zzzz.\n  All of them: lading --help"),
        ("pause", "Say which import is to pause."),
        ("pause ID --all", "Give one ID, or --all."),
        ("cancel ID", "There is no import yet."),
        ("engine", "the following arguments are required: ACTION"),
        ("resume ID --all", "An ID and --all do not go together."),
        ("receipt 2025", "There is no import yet."),
        ("audit", "There is no archive to audit."),
        ("import x --archive /a --location L --note", "expected one argument"),
    ],
)
def test_wrong_use_is_explained(arguments: str, complaint: str) -> None:
    status, told, complained = run(*arguments.split())
    assert status == Exit.WRONG
    assert told == ""
    assert complaint.lower() in complained.lower()
    assert complained.count("\n") == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["import", "", "--archive", "a", "--location", "x"],
        ["check", "a", ""],
        ["missing", ""],
        ["check", "a", "--archive", ""],
        ["audit", "--heal", ""],
        ["restore", "card:a", ""],
        ["mirror", "a", ""],
        ["rebuild", ""],
    ],
)
def test_an_empty_path_is_not_the_current_folder(arguments: list[str]) -> None:
    """In a script it is a card whose variable is not set."""
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("Wrong use: An empty path is given")


def test_a_wrong_configuration_is_wrong_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LADING_ARCHIV", "/a")
    status, _, complained = run("imports")
    assert status == Exit.WRONG
    assert complained.splitlines()[0].startswith("Configuration: environment: 'LADING_ARCHIV'")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("x"), Exit.WRONG),
        (SourceError("x"), Exit.WRONG),
        (ArchiveError("x"), Exit.UNUSABLE),
        (StoppedError("x"), Exit.PAUSED),
        (KeyboardInterrupt(), Exit.PAUSED),
        (BrokenPipeError(), Exit.WELL),
    ],
)
def test_errors_have_their_status(error: BaseException, status: Exit, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Exit:
        raise error

    monkeypatch.setattr("tui.commands.imports.run", fail)
    assert run("imports")[0] == status


def test_a_complaint_is_harmless() -> None:
    to, _, complained = console()
    output.complain(LadingError(HOSTILE, HOSTILE, title=HOSTILE), to)
    first, second, end = complained.getvalue().split("\n")
    assert first.isprintable()
    assert second.isprintable()
    assert second.startswith("  ")
    assert end == ""


def test_an_unforeseen_error_is_one_line_and_a_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Exit:
        raise ValueError(HOSTILE)

    monkeypatch.setattr("tui.commands.imports.run", fail)
    status, _, complained = run("imports")
    assert status == Exit.UNUSABLE
    assert complained[:-1].isprintable()
    assert complained.startswith("Unexpected error: ValueError: ")
    (file,) = (home / "log").iterdir()
    assert str(file) in complained
    assert "in fail" in file.read_text()
    assert file.stat().st_mode & 0o77 == 0


def test_a_crash_without_a_folder_is_told_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LADING_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tui.commands.imports.run", lambda *_: SimpleNamespace().nothing)
    status, _, complained = run("imports")
    assert status == Exit.UNUSABLE
    assert "AttributeError" in complained


def test_without_a_terminal_a_command_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    status, told, complained = run()
    assert (status, told) == (Exit.WRONG, "")
    assert "usage: lading [COMMAND" in complained
    assert complained.splitlines()[-1] == "The app needs a terminal; name a command."
    assert capsys.readouterr().out == ""
    assert run("--help")[0] == Exit.WELL
    assert "COMMAND" in capsys.readouterr().out


def test_every_command_has_a_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command in command_parser.commands():
        assert run(command.NAME, "--help")[0] == Exit.WELL
        assert f"usage: lading {command.NAME}" in capsys.readouterr().out


HEAVY = (
    "textual",
    "rich",
    "asyncio",
    "aiosqlite",
    "sqlite3",
    "psutil",
    "msgspec",
    "humanize",
    "core.engine.engine",
)


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["import", "--help"], ["import"], []])
def test_nothing_heavy_is_imported_before_it_is_needed(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from tui import cli\n"
        "from tui.console import output\n"
        f"status = cli.run({arguments!r}, output.console())\n"
        f"found = sorted(set({HEAVY!r}) & set(sys.modules))\n"
        "sys.exit(' '.join(found))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.replace("\n", "") in ("", _complaint(arguments))


@pytest.mark.parametrize("module", ["tui.app", "tui.console.json_answers", "tui.console.import_summary"])
def test_what_shows_answers_loads_nothing_of_the_engine(module: str) -> None:
    """The app shows snapshots, a command answers: they need neither a database nor what workers do."""
    code = (
        f"import sys, {module}\n"
        "rooms = ('aiosqlite', 'core.catalog', 'core.database', 'core.receipts', 'core.workers')\n"
        "sys.exit(' '.join(sorted(name for name in sys.modules if name.startswith(rooms))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.replace("\n", "") == ""


def _complaint(arguments: list[str]) -> str:
    return run(*arguments)[2].replace("\n", "") if arguments in (["import"], []) else ""


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    whole = "import sys; from tui.cli import main; sys.argv = ['lading', '--help']; main()"
    with subprocess.Popen(
        [sys.executable, "-c", whole], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_closed_streams_are_no_error() -> None:
    code = "from tui.cli import main; import sys; sys.argv = ['lading', '--version']; main()"
    shell = f'exec "{sys.executable}" -c "{code}" >&- 2>&-'
    assert subprocess.run(["/bin/sh", "-c", shell], check=False).returncode == 0


@pytest.mark.promise(44)
@pytest.mark.parametrize("json", [[], ["--json"]])
def test_keep_is_never_0_whoever_reads_it(monkeypatch: pytest.MonkeyPatch, json: list[str]) -> None:
    """A pipe that is closed, as by head(1)."""

    async def perform(*_: object) -> list[CheckResult]:
        return [CheckResult(source="/card", verdict=Verdict.KEEP, reasons=(("are not in the archive", 1),))]

    monkeypatch.setattr("tui.console.attached.perform", perform)
    reading, writing = os.pipe()
    os.close(reading)
    with suppress(BrokenPipeError), open(writing, "w") as stream:
        to = output.Console(output.Output(stream, {}), output.Output(stream, {}))
        status = cli.run(["check", "/card", "--archive", "/archive", *json], to)
    assert status == Exit.FAILED


@pytest.mark.parametrize("name", command_parser.COMMANDS)
def test_a_status_that_says_how_it_went_needs_no_reader(name: str) -> None:
    """All commands that end with FAILED, but for those that only list."""
    source = (Path(cli.__file__).parent / "commands" / f"{name}.py").read_text()
    assert name == "mhl" or "keep_on()" in source or "Exit.FAILED" not in source
