"""lading mirror, audit, rebuild and restore with a remote, on the command line."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.rigs.engines import COMMAND, PATIENCE, card, environ, gone, lading, swept, until
from tests.rigs.remotes import NEW, OLD, Store, served
from tests.tui.test_reports import settled

pytestmark = pytest.mark.process

KINDS = (("s3", NEW), ("sftp", OLD), ("webdav", NEW))
"""Kinds of remotes, and the version of rclone that accesses each."""


class Scene:
    """A card with four files that is in an archive with a finished bag, and the state folder of its engine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.card = card(root / "card")
        self.archive = root / "archive"
        self.home = root / "home"

    def ask(self, *arguments: str, home: Path | None = None, more: dict[str, str] | None = None) -> str:
        """What a command prints that has to succeed."""
        done = lading(home or self.home, *arguments, more=more)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One archive for all tests, none of which changes it."""
    scene = Scene(tmp_path_factory.mktemp("archived"))
    with swept(scene.home) as home:
        scene.ask("import", str(scene.card), "--archive", str(scene.archive), "--location", "Basel")
        # What the bag does not name yet is not uploaded; jobs update it after the import and after its report.
        until(lambda: list(scene.archive.glob("locations/*/lading/*.html")) and settled(home))
        yield scene


@pytest.fixture
def scene(archived: Scene, tmp_path: Path) -> Scene:
    """That archive; `root` is this test's folder."""
    archived.root = tmp_path
    return archived


@contextmanager
def remote(scene: Scene, kind: str, program: Path) -> Iterator[tuple[Store, dict[str, str]]]:
    """A remote that the archive was mirrored to, and the environment for commands that use it."""
    folder = scene.root / f"{kind}-{program.parent.name}"
    folder.mkdir()
    with served(kind, folder) as store:
        more = store.environ(program)
        # The engine was started without this environment; rclone has that of the command.
        told = scene.ask("mirror", str(scene.archive), store.name, more=more)
        assert f"COMPLETE  {store.name} holds 4 of 4 files" in told
        yield store, more


def differing(one: Path, other: Path) -> str:
    return subprocess.run(["diff", "-r", one, other], capture_output=True, text=True, check=False).stdout


@pytest.mark.promise(52)
def test_all_is_there_again_from_the_remote_alone(scene: Scene) -> None:
    for number, (kind, program) in enumerate(KINDS):
        root = scene.root / f"new-{number}"
        with remote(scene, kind, program) as (store, more), swept(root / "home") as new:
            # A killed engine has left its stand-in.
            (new / "offsite" / "rebuild-left").mkdir(parents=True)
            told = scene.ask("rebuild", store.name, home=new, more=more)
            assert list((new / "offsite").iterdir()) == []
            assert "In the catalog: 1 location, 1 import, 4 items" in told
            assert "no dates of capture, cameras or places are known" in told
            (record,) = json.loads(scene.ask("imports", "--json", home=new))
            assert (record["verdict"], record["archive"]) == ("SAFE", store.name)
            # None of it was read there, so none of it is called verified.
            name = next(path.name for path in scene.card.iterdir())
            (item,) = json.loads(scene.ask("show", name, "--json", home=new))
            assert (item["read_back"], item["damage"]) == (None, "")
            scene.ask("restore", record["id"], str(root / "tree"), home=new, more=more)
            assert differing(scene.card, root / "tree") == ""
            assert not list((root / "tree").glob(".lading*"))
            # The engine has no jobs for an archive that is not here.
            assert json.loads(scene.ask("jobs", "--json", home=new)) == []
            scene.ask("mirror", store.name, str(root / "back"), home=new, more=more)
            scene.ask("rebuild", str(root / "back"), home=new)
            (record,) = json.loads(scene.ask("imports", "--json", home=new))
            assert record["archive"] == str(root / "back")


def test_only_what_is_asked_for_is_brought(scene: Scene) -> None:
    with remote(scene, "s3", NEW) as (store, more):
        again = json.loads(scene.ask("mirror", str(scene.archive), store.name, "--json", more=more))
        assert (again["brought"], again["total"], again["lacking_count"]) == (0, 4, 0)
        first, second, *_ = sorted(scene.card.iterdir())
        items = {
            path: json.loads(scene.ask("show", path.name, "--json"))[0]["payload"] for path in (first, second)
        }
        # What is not asked for is not needed.
        store.remove(items[second])
        tree = scene.root / "tree"
        scene.ask("restore", "--find", first.name, str(tree), "--archive", store.name, more=more)
        assert [path.name for path in tree.iterdir()] == [first.name]
        assert (tree / first.name).read_bytes() == first.read_bytes()
        # What is there already is not brought again; what the remote lacks, or holds otherwise, is named.
        store.put(items[first], b"rotten")
        (record,) = json.loads(scene.ask("imports", "--json"))
        done = lading(scene.home, "restore", record["id"], str(tree), "--archive", store.name, "--json", more=more)
        found = json.loads(done.stdout)
        assert (done.returncode, found["there"]["files"], found["restored"]["files"]) == (1, 1, 2)
        assert [one["path"] for one in found["failed"]] == [second.name]


@pytest.mark.control(52)
def test_what_is_damaged_there_is_not_restored(scene: Scene) -> None:
    with remote(scene, "s3", NEW) as (store, more):
        payload = next(path for path in store.listed() if "/data/" in path)
        store.put(payload, bytes(1 << 20))
        found = lading(scene.home, "audit", store.name, more=more)
        assert (found.returncode, "its content is not what was archived" in found.stdout) == (1, True)
        (record,) = json.loads(scene.ask("imports", "--json"))
        tree = scene.root / "tree"
        done = lading(scene.home, "restore", record["id"], str(tree), "--archive", store.name, more=more)
        assert (done.returncode, len(list(tree.iterdir()))) == (1, 3)
        assert "its content is not what was archived" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_audit_that_is_stopped_leaves_nothing_behind(scene: Scene, number: signal.Signals) -> None:
    with remote(scene, "webdav", NEW) as (store, more):
        scratch = scene.root / "scratch"
        scratch.mkdir()
        command = [*COMMAND, "audit", store.name]
        # 1 KB/s: it cannot end before the signal.
        slow = environ(scene.home, **more, RCLONE_BWLIMIT="1k", TMPDIR=str(scratch))
        with subprocess.Popen(command, env=slow, stderr=subprocess.PIPE, text=True) as running:
            until(lambda: reading(running.pid))
            family = psutil.Process(running.pid).children(recursive=True)
            running.send_signal(number)
            _, told = running.communicate(timeout=PATIENCE)
        assert (running.returncode, "Interrupted: stopped: " in told) == (3, True)
        assert "begins anew" in told
        gone(family)
        assert list(scratch.iterdir()) == []
        # It keeps no state: the next one reads all.
        assert scene.ask("audit", store.name, more=more).startswith("WELL")


def reading(pid: int) -> bool:
    """Whether an audit has begun to read payload."""
    for one in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.Error):
            if one.name() == "rclone" and "checksum" in one.cmdline():
                return True
    return False


def test_a_copy_off_site_is_named_but_not_counted(scene: Scene) -> None:
    with remote(scene, "webdav", OLD) as (store, _):
        (record,) = json.loads(scene.ask("imports", "--json"))
        assert [(copy["copy"], copy["files"]) for copy in record["copies"]] == [(store.name, 4)]
        name = next(path.name for path in scene.card.iterdir())
        for command in (["imports"], ["location", "Basel", "--archive", str(scene.archive)], ["show", name]):
            assert f"off-site: {store.name}" in scene.ask(*command), command
        assert store.name in scene.ask("find", name)
        found = lading(scene.home, "check", str(scene.card), "--archive", str(scene.archive), "--copies", "2")
        assert (found.returncode, f"{store.name} is off-site, and not counted" in found.stdout) == (1, True)
        # The catalog knows the archive, so nothing is rebuilt from the remote.
        refused = lading(scene.home, "rebuild", store.name, more=store.environ(NEW))
        assert (refused.returncode, "is in the catalog already" in refused.stderr) == (2, True)


def test_what_a_remote_cannot(tmp_path: Path) -> None:
    wrong = (
        ["mirror", "rclone:a:b", "rclone:c:d"],
        ["mirror", str(tmp_path), "rclone:a:b", "--both"],
        ["mirror", str(tmp_path), "rclone:nothing"],
        ["audit", "elsewhere"],
        ["audit", "rclone:a:b", "--sample", "5"],
        ["rebuild", "rclone:nothing"],
    )
    with swept(tmp_path / "home") as home:
        for command in wrong:
            assert lading(home, *command).returncode == 2, command
