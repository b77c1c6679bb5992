"""The commands about background work, items and locations, with a real engine behind them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.rigs import media
from tests.rigs.engines import ROOT, swept, until
from tests.tui.console.streams import console
from tui import cli
from tui.commands import jobs

pytestmark = pytest.mark.process


class Here:
    """A state folder whose engine has imported one card: a picture, its sidecar, and a broken picture."""

    def __init__(self, root: Path) -> None:
        self.home, self.archive, self.card = root / "home", root / "archive", root / "card"
        self.card.mkdir()
        Image.new("RGB", (64, 48), "teal").save(self.card / "IMG_0001.JPG")
        media.run(
            *("exiftool", "-q", "-overwrite_original", "-Make=Lading", "-DateTimeOriginal=2024:05:06 07:08:09"),
            str(self.card / "IMG_0001.JPG"),
        )
        (self.card / "IMG_0001.XMP").write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
        (self.card / "IMG_0002.JPG").write_bytes(b"\xff\xd8\xff no picture")

    def run(self, *arguments: str, status: int = 0) -> str:
        to, told, complained = console()
        assert cli.run(arguments, to) == status, complained.getvalue()
        return complained.getvalue() if status else told.getvalue()

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))

    def at(self, *arguments: str) -> tuple[str, ...]:
        return (*arguments, "--archive", str(self.archive))


@contextmanager
def brought_in(root: Path) -> Iterator[Here]:
    """One whose background work is done."""
    made = Here(root)
    with swept(made.home), pytest.MonkeyPatch.context() as patch:
        patch.setenv("LADING_HOME", str(made.home))
        patch.setenv("PYTHONPATH", ROOT)
        made.run("import", str(made.card), *made.at("--location", "Mill Creek"))
        until(lambda: {job["state"] for job in made.json("jobs")} == {"dead"})
        yield made


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """One for all tests, which leave it as it was: they come in any order."""
    with brought_in(tmp_path_factory.mktemp("background")) as made:
        yield made


def test_queues_are_listed_with_failed_jobs(here: Here) -> None:
    queues = {queue["name"]: queue for queue in here.json("queues")}
    assert list(queues) == [
        *("exiftool", "ffprobe", "thumbnail", "live_photo", "video_proxy", "location_stats", "bagit")
    ]
    until(lambda: here.json("queues")[2]["dead"] == 1)
    told = here.run("queues")
    assert "exiftool" in told
    assert "1 job failed for good. See: lading jobs --state dead" in told


def test_a_queue_is_held_up_and_given_room(here: Here) -> None:
    def ffprobe() -> tuple[bool, int]:
        (found,) = [queue for queue in here.json("queues") if queue["name"] == "ffprobe"]
        return found["paused"], found["slots"]

    _, slots = ffprobe()
    assert "paused" in here.run("queues", "pause", "ffprobe")
    here.run("queues", "slots", "ffprobe", str(slots + 1))
    assert ffprobe() == (True, slots + 1)
    assert "paused" not in here.run("queues", "resume", "ffprobe")
    here.run("queues", "slots", "ffprobe", str(slots))
    assert ffprobe() == (False, slots)
    for words in (
        ("pause",),
        ("pause", "none"),
        ("slots", "ffprobe"),
        ("slots", "ffprobe", "0"),
        ("pause", "ffprobe", "2"),
    ):
        here.run("queues", *words, status=2)


def test_a_person_is_shown_only_so_many_jobs(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SHOWN", 2)
    to, told, complained = console()
    assert cli.run(["jobs", "--state", "done"], to) == 0
    assert len(told.getvalue().splitlines()) == 3
    assert "There are more" in complained.getvalue()
    assert len(here.json("jobs", "--state", "done")) > 2


def test_jobs_and_retry(here: Here) -> None:
    (dead,) = here.json("jobs", "--state", "dead", "--queue", "thumbnail")
    assert dead["error"]
    # The bag is made anew once the import's report is there.
    done = {"exiftool", "thumbnail", "bagit"}
    until(lambda: {job["queue"] for job in here.json("jobs", "--state", "done")} >= done)
    assert str(dead["id"]) in here.run("jobs")
    assert here.json("retry", "999999")["jobs"] == 0
    assert here.json("retry", str(dead["id"]))["jobs"] == 1
    until(lambda: [job["id"] for job in here.json("jobs", "--state", "dead")] == [dead["id"]])
    assert "nearest" not in here.run("jobs", "--queue", "none", status=2)
    assert "are never odd" in here.run("jobs", "--state", "odd", status=2)


def test_show_has_all_that_is_known_of_a_file(here: Here) -> None:
    (item,) = here.json("show", "IMG_0001.JPG")
    (original,) = item["originals"]
    assert (original["path"], original["outcome"], original["location"]) == (
        "IMG_0001.JPG",
        "archived",
        "Mill Creek",
    )
    assert original["links"] == [{"role": "sidecar", "path": "IMG_0001.XMP"}]
    assert item["metadata"]["captured_local"] == "2024-05-06T07:08:09"
    assert item["exiftool"]["IFD0:Make"] == "Lading"
    assert [one["role"] for one in item["derivatives"]] == ["400", "800", "1920"]
    assert {job["state"] for job in item["jobs"]} == {"done"}
    payload = here.archive / item["payload"]
    assert payload.read_bytes() == (here.card / "IMG_0001.JPG").read_bytes()
    for name in (
        *(item["xxh128"], item["xxh128"][:8], item["sha256"], item["sha256"][:10].upper()),
        *(str(payload), str(here.archive / item["derivatives"][0]["payload"]), str(here.card / "IMG_0001.JPG")),
    ):
        assert [one["xxh128"] for one in here.json("show", name)] == [item["xxh128"]], name
    told = here.run("show", "IMG_0001.JPG")
    assert "2024-05-06T07:08:09" in told
    assert item["payload"] in told
    (sidecar,) = here.json("show", "IMG_0001.XMP")
    assert sidecar["originals"][0]["links"] == [{"role": "sidecar of", "path": "IMG_0001.JPG"}]
    assert "nothing is known of" in here.run("show", "IMG_0001", status=2)


def test_locations_are_listed_and_described(tmp_path: Path) -> None:
    with brought_in(tmp_path) as here:
        check_location(here)


def check_location(here: Here) -> None:
    """What is said of a location is changed, and one more card comes there."""
    (one,) = here.json(*here.at("location"))
    assert (one["name"], one["files"]) == ("Mill Creek", 3)
    given = ("--name", "Asylum", "--description", "Brick", "--position=46.41,-11.84", "--access-note", "Key: mat")
    changed = here.json(*here.at("location", "mill creek"), *given)
    assert changed["folder"] == one["folder"]
    info = here.archive / "locations" / one["folder"] / "bag-info.txt"
    until(lambda: "External-Description: Brick" in info.read_text())
    assert "Internal-Sender-Description: Asylum" in info.read_text()
    assert "Key" not in info.read_text()
    assert "46.41, -11.84" in here.run(*here.at("location", "asylum"))
    assert "Asylum" in here.run(*here.at("location"))
    for wrong in (["--position=99,0"], ["--position=1"], ["--name", " "]):
        here.run(*here.at("location", "asylum"), *wrong, status=2)
    here.run(*here.at("location", "--name", "x"), status=2)
    here.run("location", "--archive", str(here.card), status=2)
    # An import goes on finding it by its new name.
    (here.card / "more.txt").write_text("more")
    here.run("import", str(here.card), *here.at("--location", "Asylum"))
    assert [place["folder"] for place in here.json(*here.at("location"))] == [one["folder"]]


def test_derive_adds_what_is_missing(here: Here) -> None:
    until(lambda: {job["state"] for job in here.json("jobs")} == {"dead"})
    assert here.json(*here.at("derive"))["jobs"] == 0
    assert here.run(*here.at("derive")) == "Nothing is missing.\n"
    assert "no archive" in here.run("derive", "--archive", str(here.card / "none"), status=4)
