"""The new import: folders and files inside a source, and paths that are typed."""

import os
from pathlib import Path

import pytest

from tests.tui.app.pilot import running
from tests.tui.app.test_new_import import engine, home, opened, requests
from tests.tui.app.volumes import card, volume
from tui.screens.ask import Ask


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    card = tmp_path / "card"
    for name, size in (
        ("DCIM/100/a.jpg", 10),
        ("DCIM/100/b.jpg", 20),
        ("DCIM/101/c.jpg", 30),
        ("note [1].txt", 5),
    ):
        (card / name).parent.mkdir(parents=True, exist_ok=True)
        (card / name).write_bytes(b"x" * size)
    (card / ".DS_Store").write_bytes(b"x")
    os.symlink(card, card / "loop")
    return card


async def test_folders_inside_can_be_left_out(tmp_path: Path, tree: Path) -> None:
    only = [card("A001", mount=str(tree))]
    async with running(None, (120, 40), fake=engine(), settings=home(tmp_path), volumes=lambda: only) as app:
        await opened(app)
        await app.press("right")
        await app.until(lambda: "3 files" in app.text)
        assert "DS_Store" not in app.text
        await app.press("enter")
        await app.until(lambda: "100/" in app.text)
        await app.press("j", "space")
        assert "[ ]" in app.text
        assert "What is left out is not archived" in app.text
        await app.press("G", "space", "s")
        (request,) = requests(app)
        assert request.source == str(tree)
        assert request.exclude == ("./DCIM/100", "./note [[]1].txt")


async def test_one_folder_inside_can_be_picked_alone(tmp_path: Path, tree: Path) -> None:
    only = [volume("disk", mount=str(tree))]
    async with running(None, (120, 40), fake=engine(), settings=home(tmp_path), volumes=lambda: only) as app:
        await opened(app)
        await app.press("l")
        await app.until(lambda: "DCIM/" in app.text)
        await app.press("l")
        await app.until(lambda: "101/" in app.text)
        await app.press("j", "j", "space", "s")
        (request,) = requests(app)
        assert request.source == str(tree / "DCIM" / "101")
        assert request.label == ""


async def test_left_closes_a_folder_and_goes_back(tmp_path: Path, tree: Path) -> None:
    only = [volume("disk", mount=str(tree))]
    async with running(None, (120, 40), fake=engine(), settings=home(tmp_path), volumes=lambda: only) as app:
        await opened(app)
        await app.press("l")
        await app.until(lambda: "DCIM/" in app.text)
        await app.press("enter")
        await app.until(lambda: "101/" in app.text)
        await app.press("h")
        assert "101/" not in app.text
        await app.press("h")
        assert app.app.screen.focused is not None
        assert app.app.screen.focused.id == "sources"


async def test_a_typed_path_is_completed_and_picked(tmp_path: Path, tree: Path) -> None:
    async with running(None, (120, 40), fake=engine(), settings=home(tmp_path)) as app:
        await opened(app)
        await app.press("t", *f"{tree}/DC")
        assert isinstance(app.app.screen, Ask)
        await app.until(lambda: "DCIM/" in app.text)
        await app.press("tab", "down", "enter")
        await app.until(lambda: "[x]" in app.text)
        await app.press("s")
        assert requests(app)[0].source.startswith(str(tree / "DCIM"))


@pytest.mark.parametrize("quoted", ["'{}'", "{}"])
async def test_a_path_may_be_dropped_on_the_terminal(tmp_path: Path, tree: Path, quoted: str) -> None:
    os.rename(tree, tree := tmp_path / "a card")
    dropped = quoted.format(str(tree) if "'" in quoted else str(tree).replace(" ", "\\ "))
    async with running(None, (120, 40), fake=engine(), settings=home(tmp_path)) as app:
        await opened(app)
        await app.press("t", *dropped, "enter")
        await app.until(lambda: ">[x] a card" in app.text)
        await app.press("s")
        assert requests(app)[0].source == str(tree)


async def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with running(None, (120, 40), fake=engine(), settings=home(tmp_path)) as app:
        await opened(app)
        await app.press("t", *"/no/where", "enter")
        await app.until(lambda: "No such file or directory" in app.foot)


async def test_ascii(tmp_path: Path, tree: Path) -> None:
    only = [card("A001", mount=str(tree))]
    async with running(None, fake=engine(), settings=home(tmp_path), volumes=lambda: only, utf8=False) as app:
        await opened(app)
        await app.press("right")
        await app.until(lambda: "DCIM/" in app.text)
        assert app.text.isascii()
