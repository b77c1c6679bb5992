"""Sources that try to lead out of themselves, to block, to run something or to draw on the terminal."""

import logging
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from core import log, receipts
from core.models import State
from core.workers import source_messages
from tests.core.importing.rig import Rig, digest, random_bytes, write
from tests.faults import scene, share
from tests.rigs import machines, sabotage, trees

pytestmark = machines.linux

SECRET = b"outside: nobody picked this"


def outside(tmp_path: Path) -> Path:
    """A folder beside the source, with something in it."""
    write(tmp_path / "outside/IMG_0001.JPG", SECRET)
    write(tmp_path / "outside/IMG_0002.JPG", SECRET * 2)
    return tmp_path / "outside"


async def swapped(rig: Rig, tmp_path: Path) -> None:
    """Import a card whose folder becomes a link to elsewhere between its listing and its reading."""
    elsewhere, folder = outside(tmp_path), rig.source / "DCIM"
    for number in (1, 2):
        write(folder / f"IMG_000{number}.JPG", random_bytes(len(SECRET) * number, number))

    def swap() -> None:
        folder.rename(rig.source / "was")
        folder.symlink_to(elsewhere)

    with scene.before(source_messages.ReadBatch, swap) as asked:
        view = await scene.imported(rig)
        assert asked
    assert (view.state, view.verdict) == (State.DONE, "KEEP"), view
    assert not share.contents(rig.archive) & {digest(path) for path in elsewhere.iterdir()}


@pytest.mark.promise(23)
async def test_a_folder_swapped_for_a_link_leads_nowhere(tmp_path: Path) -> None:
    async with scene.engine_at(tmp_path, archive=tmp_path / "archive") as rig:
        await swapped(rig, tmp_path)


@pytest.mark.promise(23)
async def test_links_pipes_sockets_and_devices_are_named_and_left(tmp_path: Path) -> None:
    async with scene.engine_at(tmp_path, archive=tmp_path / "archive") as rig:
        special = {b"pipe.jpg", b"socket.jpg", b"link.jpg", b"folder", b"loop", b"endless.mov"}
        write(rig.source / "IMG_0001.JPG", random_bytes(1000, 3))
        elsewhere = outside(tmp_path)
        os.mkfifo(rig.source / "pipe.jpg")
        trees.make_socket(os.fsencode(rig.source / "socket.jpg"))
        (rig.source / "link.jpg").symlink_to(elsewhere / "IMG_0001.JPG")
        (rig.source / "folder").symlink_to(elsewhere)
        (rig.source / "loop").symlink_to(".")
        if os.geteuid() == 0:
            os.mknod(rig.source / "endless.mov", 0o20666, os.makedev(1, 5))
        else:
            special.remove(b"endless.mov")
        view = await scene.imported(rig)
        assert (view.state, view.failed.files) == (State.DONE, 0), view
        rows = await rig.rows(view.id)
        assert {path for path, row in rows.items() if row.reason} == special
        assert share.contents(rig.archive) == {digest(rig.source / "IMG_0001.JPG")}


@pytest.mark.control(23)
async def test_control_a_reader_that_follows_links_is_led_out(tmp_path: Path) -> None:
    with sabotage.broken(tmp_path / "broken", "follows links"):
        async with scene.engine_at(tmp_path, archive=tmp_path / "archive") as rig:
            with pytest.raises(AssertionError):
                await swapped(rig, tmp_path)


# Names

FORGED = "2026-01-01 00:00:00  an import ended  verdict=SAFE"
STEERING = (
    "\x1b]0;owned\x07\x1b[2J.JPG",
    "\x9b31m.JPG",
    "a\rb.JPG",
    f"x\n{FORGED}\n.JPG",
    "[/x][bold red].JPG",
    "\u202egpj.exe.JPG",
)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


async def said(rig: Rig) -> str:
    """Import names that steer, one of which fails; all that is said of them, to a person and in the log."""
    for number, name in enumerate(STEERING):
        write(rig.source / name, random_bytes(100 + number, number))
    view = await scene.imported(rig)
    parts: list[str] = []
    read = rig.engine.database.read
    await receipts.write_text(read, view.id, parts.append, "")
    await receipts.write(read, view.id, "tsv", parts.append)
    return "".join(parts)


def check_said(text: str) -> None:
    """Nothing in it steers a terminal, and no line is forged."""
    assert not CONTROL.search(text)
    assert not any(line.strip().startswith(FORGED) for line in text.splitlines())


@pytest.mark.promise(22)
async def test_a_name_steers_no_terminal_and_forges_no_line(tmp_path: Path) -> None:
    async with scene.engine_at(tmp_path, archive=tmp_path / "archive") as rig:
        text = await said(rig)
        check_said(text)
        assert "IMG" not in text
        assert "bold red" in text


@pytest.mark.promise(22)
def test_a_name_forges_no_line_of_the_log() -> None:
    lines = [log.JsonFormatter().format(logging.makeLogRecord({"msg": name, "reason": name})) for name in STEERING]
    check_said("\n".join(lines))
    assert all("\n" not in line for line in lines)


@pytest.mark.control(22)
async def test_control_names_shown_as_they_are_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    show: Callable[..., str] = lambda text, *_, **__: text if isinstance(text, str) else os.fsdecode(text)  # noqa: E731
    for module in ("text", "formats"):
        monkeypatch.setattr(f"core.receipts.{module}.display", show)
    async with scene.engine_at(tmp_path, archive=tmp_path / "archive") as rig:
        text = await said(rig)
        with pytest.raises(AssertionError):
            check_said(text)


EXECUTING = (
    "a\n-execute\n-o\n{mark}\n.jpg",
    "-o {mark}.jpg",
    "| touch {mark} |.jpg",
    "$(touch {mark}).jpg",
    "`touch {mark}`.jpg",
    ";touch {mark};.jpg",
    "img%03d.jpg",
    "concat:a|b.mp4",
    "#[CSTR]a\\n-execute.jpg",
    "-stay_open\nFalse\n.jpg",
)
"""Names; what they would make is called `mark`, in the folder that all is run in."""


def executing(folder: Path) -> list[str]:
    """Pictures and films of such names in a folder."""
    names = [name.format(mark="MARK") for name in EXECUTING]
    for number, name in enumerate(names):
        write(folder / name, b"\xff\xd8\xff\xe0" + random_bytes(200, number))
    return names


def check_nothing_ran(*folders: Path) -> None:
    """Nothing made what a name asked for."""
    assert [path for folder in folders for path in folder.rglob("MARK*") if path.name == "MARK"] == []


@pytest.mark.promise(21)
async def test_a_name_executes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.engine.engine import Engine

    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    rig = Rig(tmp_path)
    names = executing(rig.source)
    engine = Engine(rig.config())
    await engine.start()
    try:
        # With all the tools: metadata, thumbnails, films, bags.
        found = await engine.imports.start_imports([rig.request()])
        await engine.imports.finish(found)
        view = next(view for view in engine.snapshot().imports if view.id == found[0])
        scene.check_safe(view)
        assert view.archived.files == len(names)
    finally:
        await engine.stop()
    check_nothing_ran(tmp_path)


@pytest.mark.control(21)
def test_control_a_name_handed_to_exiftool_as_it_is_executes(tmp_path: Path) -> None:
    name = "a\n-execute\n-ver\n-w!\n%dMARK\n"
    arguments = f"-ver\n{name}\n-execute\n-o\nMARK\n{write(tmp_path / 'b.jpg', _jpeg())}\n-execute\n"
    command = ["exiftool", "-@", "-"]
    subprocess.run(command, input=arguments.encode(), cwd=tmp_path, capture_output=True, check=False)
    with pytest.raises(AssertionError):
        check_nothing_ran(tmp_path)


def _jpeg() -> bytes:
    import io

    from PIL import Image

    made = io.BytesIO()
    Image.new("RGB", (8, 8)).save(made, "JPEG")
    return made.getvalue()
