"""What commands answer with --json: one shape, described by schemas that stand in the documentation."""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.listings import FileView
from core.models import Count, Outcome
from core.results import CheckResult
from tests.rigs.engines import clip, engine_of, freeze, lading, swept
from tui import command_parser
from tui.console import json_answers, schema_files
from tui.console.json_shape import shape_of, shaped

ROOT = Path(__file__).resolve().parents[2]

ELSEWHERE = {
    "eject": "tests/tui/test_ejecting.py",
    "serve": "tests/tui/test_serving.py",
    "sheet": "tests/tui/test_reports.py",
    "watch": "tests/tui/test_watch.py",
}
"""Commands whose answers are held to their schemas by other tests: two of them do not end by themselves, one
needs a disk that may be ejected."""

JUDGING = {
    *("accept", "audit", "check", "import", "mhl", "mirror", "missing", "move", "rebuild", "restore"),
    *("resume", "tidy"),
}
"""Commands that exit 0 or 1 by what they find: SAFE or KEEP, damaged, all there, all done or not."""

PLAIN = {
    *(
        "adjust",
        "cancel",
        "cards",
        "completion",
        "config",
        "derive",
        "doctor",
        "engine",
        "find",
        "imports",
    ),
    *("jobs", "location", "pause", "queues", "retry", "show", "status", "volumes"),
}
"""Commands that judge nothing: they exit 0 when they have done their work."""

WITHOUT = {"demo", "log", "receipt"}
"""Commands that have no schema: a demo, lines of a log, and receipts, whose form is their own."""


def fits(command: str, text: str) -> Any:
    """The first JSON value of `text`, which has the shape of the command's answers."""
    why: list[Exception] = []
    for kind in schema_files.ANSWERS[command]:
        try:
            msgspec.json.decode(text, type=shape_of(kind))
        except msgspec.ValidationError as error:
            why.append(error)
        else:
            return json.loads(text)
    raise AssertionError(f"{command}: {why}\n{text}")


def pairs(archives: list[dict[str, str]]) -> list[tuple[str, str]]:
    """Path and role of the archives on a volume."""
    return [(one["path"], one["role"]) for one in archives]


def test_the_documentation_has_the_schemas(tmp_path: Path) -> None:
    """`python -m tui.console.schema_files tui/console/json_schemas` writes them."""
    schema_files.write(str(tmp_path))
    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert {path.name: path.read_text() for path in (ROOT / "tui/console/json_schemas").iterdir()} == written


def test_every_command_is_judging_plain_or_elsewhere() -> None:
    """A new command has to be put where its answers and exit codes are tested."""
    parts = (JUDGING, PLAIN, set(ELSEWHERE), WITHOUT)
    assert sorted(name for part in parts for name in part) == sorted(one.NAME for one in command_parser.commands())
    assert set(schema_files.ANSWERS) == JUDGING | PLAIN | set(ELSEWHERE)
    for command, test in ELSEWHERE.items():
        assert f'fits("{command}"' in (ROOT / test).read_text()


def test_every_command_answers_in_json() -> None:
    for command in command_parser.commands():
        parser = command_parser.parser(command.NAME)
        if command.NAME != "demo":
            assert "--json" in parser._subparsers._group_actions[0].choices[command.NAME].format_help()  # type: ignore[union-attr, index]
        assert (command.NAME in schema_files.ANSWERS) == (command.NAME not in WITHOUT), command.NAME


def test_times_outcomes_and_pairs_have_one_shape() -> None:
    file = FileView(
        id=1, import_id="i", path="a", size=5, mtime=0.5, kind="images", outcome=Outcome.ARCHIVED, captured="2024"
    )
    told = shaped(file)
    assert (told["mtime"], told["outcome"], told["size"], told["captured"]) == (
        "1970-01-01T00:00:00.500Z",
        "archived",
        5,
        "2024",
    )
    msgspec.convert(told, shape_of(FileView))
    # A file can bear any time.
    assert shaped(msgspec.structs.replace(file, mtime=1e30))["mtime"] is None
    found: Any = CheckResult(source="s", verdict="KEEP", reasons=(("new", 2),), files=(("a", "why"),))  # type: ignore[arg-type]
    told = shaped(found)
    assert (told["reasons"], told["files"]) == ([{"reason": "new", "files": 2}], [{"path": "a", "reason": "why"}])
    assert shaped({"captured": 0.0, "count": Count(files=1)}) == {
        "captured": "1970-01-01T00:00:00.000Z",
        "count": {"files": 1, "bytes": 0},
    }


MEASURES = {
    *("seconds", "seconds_left", "period", "rate", "read", "written", "verified", "progress", "cores"),
    *("read_history", "written_history", "verified_history", "latitude", "longitude", "bounds"),
}
"""Members that are numbers with a fraction, and no times."""


def test_no_time_is_a_bare_number() -> None:
    def numbers(part: Any) -> set[str]:
        if isinstance(part, list):
            return set().union(*map(numbers, part))
        if not isinstance(part, dict):
            return set()
        members = part.get("properties", {})
        bare = {name for name, one in members.items() if '"number"' in json.dumps(one)} if members else set()
        return bare.union(*map(numbers, part.values()))

    found = {name for command in schema_files.ANSWERS for name in numbers(schema_files.schema(command))}
    assert found == MEASURES


@pytest.mark.process
@pytest.mark.timeout(300)
def test_every_command_fits_its_schema(tmp_path: Path) -> None:
    """Commands on a real archive, one that had to be kept, one that went wrong; exit codes and verdicts agree."""
    card, archive = tmp_path / "card", tmp_path / "archive"
    card.mkdir()
    for name in ("IMG_1.jpg", "IMG_2.jpg"):
        (card / name).write_bytes(name.encode() * 100)
    (card / "link").symlink_to("IMG_1.jpg")
    with swept(tmp_path / "home") as home:
        seen: set[tuple[str, int]] = set()

        def told(*arguments: str, status: int = 0) -> Any:
            done = lading(home, *arguments, "--json")
            seen.add((arguments[0], done.returncode))
            assert done.returncode == status, (arguments, done.stdout, done.stderr)
            if status == 2:
                return msgspec.json.decode(done.stdout, type=shape_of(json_answers.Error))
            lines = done.stdout.splitlines() if arguments[0] in ("import", "resume") else [done.stdout]
            return [fits(arguments[0], line) for line in lines][-1]

        for looking in (["imports"], ["status"], ["queues"], ["engine", "status"], ["find", "x"]):
            told(*looking)
        assert told("show", "x", status=2).advice
        assert engine_of(home) is None
        into = ["--archive", str(archive), "--location", "Here"]
        assert told("import", str(card), *into, "--dry-run")["one_volume"] is True
        kept = told("import", str(card), *into, status=1)
        assert (kept["verdict"], kept["by_choice"], kept["event"]) == ("KEEP", False, "done")
        assert told("import", str(card), *into, "--exclude", "*", status=1)["verdict"] == "KEEP"
        assert (
            told("import", str(card), *into, "--accept", "links", "--verify", "none", status=1)["verdict"]
            == "KEEP"
        )
        safe = told("import", str(card), *into, "--accept", "links")
        assert (safe["verdict"], safe["archived"], safe["duplicate"]["files"]) == (
            "SAFE",
            {"files": 0, "bytes": 0},
            2,
        )
        assert told("import", str(archive), *into, status=2).exit == 2
        id = kept["id"]
        (first, *_) = told("find", "IMG_1")
        assert (first["path"], first["outcome"], first["imports"]) == ("IMG_1.jpg", "duplicate", 3)
        (item,) = told("show", first["sha256"][:12])
        assert item["payload"] == first["payload"]
        (here,) = (archive / "locations").iterdir()
        assert kept["location_folder"] == item["originals"][0]["location_folder"] == here.name
        assert first["location_folder"] == item["location_folder"] == here.name
        (one,) = told("check", "--read", str(card), "--archive", str(archive))
        assert one["verdict"] == "SAFE"
        told("audit", "--archive", str(archive))
        told("restore", id, str(tmp_path / "out"))
        told("restore", id, str(tmp_path / "planned"), "--by-date", "--dry-run")
        (tmp_path / "copy").mkdir()
        (made,) = told("mirror", str(archive), str(tmp_path / "copy"))
        assert (made["brought"]["files"], made["lacking"]) == (2, [])
        assert told("adjust", id, "--shift", "+1h", "--dry-run")["left"][0]["files"] == 2
        (card / "new.txt").write_bytes(b"new")
        assert told("missing", str(card), "--archive", str(archive), status=1)["path"].endswith("new.txt")
        (card / "new.txt").unlink()
        nothing = lading(home, "missing", str(card), "--archive", str(archive), "--json")
        assert (nothing.returncode, nothing.stdout) == (0, "")
        seen.add(("missing", 0))
        told("restore", "--find", "IMG_1", str(tmp_path / "one"))
        told("location", "--archive", str(archive))
        told("location", "Here", "--archive", str(archive))
        told("tidy", str(archive))
        told("cards")
        disk = next(one for one in told("volumes") if (str(archive), "in use") in pairs(one["archives"]))
        assert [card["import_id"] for card in disk["cards"] if card["archive"] == str(archive)] == [safe["id"]]
        told("completion", "bash")
        told("derive", "--archive", str(archive))
        told("retry")
        told("mhl", id)
        told("jobs")
        told("queues")
        told("doctor")
        told("config")
        told("config", "check")
        told("status")
        told("pause", "--all")
        told("cancel", id, status=2)
        told("accept", id, status=2)
        told("location", "Here", "--name", "Here now", "--archive", str(archive))
        assert {(one["location"], one["location_folder"]) for one in told("imports")} == {("Here now", here.name)}
        told("location", "Here now", "--name", "Here", "--archive", str(archive))
        told("move", id, "There")
        (there,) = (archive / "locations").glob("there-*")
        for listed in (told("imports"), told("status")["imports"]):
            assert [one["location_folder"] for one in listed if one["id"] == id] == [there.name]
        assert [one["location_folder"] for one in told("cards")] == [here.name]
        told("rebuild", str(archive))
        assert len(told("imports")) == 4
        assert json.loads(lading(home, "receipt", id, "--json").stdout)["verdict"] == "KEEP"
        running = told("engine", "status")
        assert (running["runs"], running["unfinished"]) == (True, 0)
        # What is judged, once more where it is not as it should be.
        for content, settings, verdict, status in (("one", "", "SAFE", 0), ("two", "copies = 2", "KEEP", 1)):
            (home / "config.toml").write_text(settings)
            before = (card / "IMG_1.jpg").stat()
            (card / "IMG_1.jpg").write_bytes(content.encode().ljust(before.st_size))
            os.utime(card / "IMG_1.jpg", ns=(before.st_atime_ns, before.st_mtime_ns))
            differing = told("import", str(card), *into, "--accept", "links", status=1)["id"]
            assert told("accept", differing, status=status)[0]["verdict"] == verdict
        (home / "config.toml").unlink()
        clip(tmp_path / "film", 256 << 20)
        (clip(tmp_path / "film with a link", 256 << 20) / "link").symlink_to("nowhere")
        for name, verdict, status in (("film", "SAFE", 0), ("film with a link", "KEEP", 1)):
            paused = told("import", str(tmp_path / name), *into, "--detach")["id"]
            frozen = freeze(home)
            told("pause", paused)
            for worker in frozen:
                worker.resume()
            assert told("resume", paused, status=status)["verdict"] == verdict
        (tmp_path / "odd").mkdir()
        (tmp_path / "odd/no XML\x01.txt").write_bytes(b"odd")
        odd = told("import", str(tmp_path / "odd"), *into)["id"]
        assert told("mhl", odd, status=1)["left_out"] == 1
        (here,) = (archive / "locations").glob("here-*")
        (here / "#recycle").mkdir()
        (here / "#recycle/deleted by someone.txt").write_bytes(b"x")
        assert told("tidy", str(archive), status=1)["kept_count"] == 1
        (payload,) = (path for path in here.glob("data/*/*/*") if path.read_bytes() == b"odd")
        payload.unlink()
        assert told("move", odd, "There", status=1)["problems"]
        (card / "only here").write_bytes(b"new")
        assert told("check", str(card), "--archive", str(archive), status=1)[0]["verdict"] == "KEEP"
        for payload in (archive / "locations").glob("*/data/*/*/*"):
            payload.write_bytes(b"rotten")
        assert told("audit", "--archive", str(archive), status=1)["damaged_count"] == 6
        assert told("mirror", str(archive), str(tmp_path / "new"), status=1)[0]["lacking"]
        assert told("restore", id, str(tmp_path / "rotten"), status=1)["failed_count"] == 2
        assert told("rebuild", str(archive), status=1)["damaged"]
        assert told("engine", "stop")["runs"] is False
        assert {command for command, _ in seen} == JUDGING | PLAIN
        wanted = {(command, status) for command in JUDGING for status in (0, 1)}
        assert wanted <= seen
