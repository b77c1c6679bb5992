"""The new import: folders and files inside a source, and paths that are typed."""

import os
from pathlib import Path

import pytest

from tests.tui.app.pilot import running
from tests.tui.app.test_new_import import engine, home, opened, requests
from tests.tui.app.volumes import card, volume
from tui.path_completion import offers, pasted, several
from tui.screens.new_import import NewImport
from tui.screens.prompt import Ask
from tui.widgets.form import Form

pytestmark = pytest.mark.terminal


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
        await app.press("t")
        await app.type(f"{tree}/DC")
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
        await app.press("t")
        await app.type(dropped)
        await app.press("enter")
        await app.until(lambda: ">[x] a card" in app.text)
        await app.press("s")
        assert requests(app)[0].source == str(tree)


async def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with running(None, (120, 40), fake=engine(), settings=home(tmp_path)) as app:
        await opened(app)
        await app.press("t")
        await app.type("/no/where")
        await app.press("enter")
        await app.until(lambda: "No such file or directory" in app.text)
        # What was typed is still there, to be corrected.
        assert "/no/where" in app.text
        assert isinstance(app.app.screen, Ask)


def test_a_dropped_path_is_understood_however_the_terminal_writes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDS", "/mnt")
    assert pasted("file:///mnt/A%20001") == "/mnt/A 001"
    assert pasted("$CARDS/A001") == "/mnt/A001"
    assert pasted("'/mnt/A 001'") == pasted("/mnt/A\\ 001") == "/mnt/A 001"


def test_several_dropped_paths_and_patterns_are_understood(tmp_path: Path) -> None:
    for name in ("A 1.MP4", "A2.MP4", "B.JPG"):
        (tmp_path / name).touch()
    first, second, other = (str(tmp_path / name) for name in ("A 1.MP4", "A2.MP4", "B.JPG"))
    assert several(first) == [first], "blanks and all"
    assert several(f"'{first}' {second}") == [first, second]
    dropped = f"file://{first} file://{other}".replace("A 1", "A%201")
    assert several(dropped) == [first, other]
    assert several(f"{tmp_path}/*.MP4 {other}") == [first, second, other]
    assert several(f"{tmp_path}/no such") == [f"{tmp_path}/no such"], "told as it was typed"
    assert several(f"{other} {tmp_path}/gone") == [other, f"{tmp_path}/gone"], "the one that is wrong is told"


def test_recent_places_are_offered_by_any_part_of_them(tmp_path: Path) -> None:
    (tmp_path / "Alps").mkdir()
    recent = ("/mnt/cards/Alps", "/mnt/other")
    assert offers("", recent) == list(recent)
    assert offers("alp", recent)[0] == "/mnt/cards/Alps"
    assert offers(f"{tmp_path}/al", recent) == [f"{tmp_path}/Alps/"]


async def test_what_was_picked_is_there_again_and_recent_places_are_offered(tmp_path: Path, tree: Path) -> None:
    async with running(None, (120, 40), fake=engine(), settings=home(tmp_path)) as app:
        await opened(app)
        await app.press("t")
        await app.type(str(tree))
        await app.press("enter")
        await app.until(lambda: f"[x] {tree.name}" in app.text)
        await app.press("escape")
        assert not isinstance(app.app.screen, NewImport)
        await app.press("n")
        assert f"[x] {tree.name}" in app.text
        await app.press("t")
        await app.until(lambda: f"  {tree}" in app.text)
        await app.press("escape", "s")
        assert [asked for asked in app.fake.asked if asked[0] == "start"]
        # What was started is not picked again.
        await app.press("n")
        assert f"[x] {tree.name}" not in app.text


async def test_what_is_typed_replaces_what_stood_there(tmp_path: Path) -> None:
    async with running(None, (120, 40), fake=engine(), settings=home(tmp_path)) as app:
        await opened(app)
        await app.press("4", "j", "j", "enter")
        await app.type("ZQQ")
        await app.press("enter")
        assert app.app.screen.query_one(Form).choice.location == "ZQQ"


async def test_ascii(tmp_path: Path, tree: Path) -> None:
    only = [card("A001", mount=str(tree))]
    async with running(None, fake=engine(), settings=home(tmp_path), volumes=lambda: only, utf8=False) as app:
        await opened(app)
        await app.press("right")
        await app.until(lambda: "DCIM/" in app.text)
        assert app.text.isascii()


async def test_patterns_are_left_out(tmp_path: Path) -> None:
    only = [card("A001")]
    async with running(None, (120, 40), fake=engine(), settings=home(tmp_path), volumes=lambda: only) as app:
        await opened(app)
        await app.press("4", "end")
        assert ">exclude   names to leave out" in app.text
        await app.press("enter")
        await app.type("*.tmp, *.THM,")
        await app.press("enter", "s")
        (request,) = requests(app)
        assert request.exclude == ("*.tmp", "*.THM")
