"""The new import: folders and files inside a source, and paths that are typed."""

import asyncio
import os
import threading
from pathlib import Path

import pytest
from textual.widgets import Input

from core.models import Count
from tests.tui.app.pilot import Running, running
from tests.tui.app.test_new_import import engine, home, opened, requests
from tests.tui.app.volumes import card, volume
from tui.glyphs import Glyphs
from tui.path_completion import ORDERS, PathEntry, entries, offers, path_in, paths_in
from tui.screens.new_import import NewImport
from tui.screens.prompt import Ask
from tui.widgets.form import Form
from tui.widgets.source_tree import Inside

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


async def test_tab_pressed_before_completions_are_found_waits_for_them(tmp_path: Path) -> None:
    found = threading.Event()

    def slow(typed: str) -> list[str]:
        found.wait(10)
        return ["Alps 2026/"] if typed else []

    async with running(None, (120, 40), fake=engine(), settings=home(tmp_path)) as app:
        await opened(app)
        app.app.push_screen(Ask("Where", "", Glyphs(utf8=True), offer=slow))
        await app.type("Al")
        asyncio.get_running_loop().call_later(0.05, found.set)
        await app.press("tab")
        await app.until(lambda: app.app.screen.query_one(Input).value == "Alps 2026/")


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
    assert path_in("file:///mnt/A%20001") == "/mnt/A 001"
    assert path_in("$CARDS/A001") == "/mnt/A001"
    assert path_in("'/mnt/A 001'") == path_in("/mnt/A\\ 001") == "/mnt/A 001"


def test_several_dropped_paths_and_patterns_are_understood(tmp_path: Path) -> None:
    for name in ("A 1.MP4", "A2.MP4", "B.JPG"):
        (tmp_path / name).touch()
    first, second, other = (str(tmp_path / name) for name in ("A 1.MP4", "A2.MP4", "B.JPG"))
    assert paths_in(first) == [first], "blanks and all"
    assert paths_in(f"'{first}' {second}") == [first, second]
    dropped = f"file://{first} file://{other}".replace("A 1", "A%201")
    assert paths_in(dropped) == [first, other]
    assert paths_in(f"{tmp_path}/*.MP4 {other}") == [first, second, other]
    assert paths_in(f"{tmp_path}/no such") == [f"{tmp_path}/no such"], "told as it was typed"
    assert paths_in(f"{other} {tmp_path}/gone") == [other, f"{tmp_path}/gone"], "the one that is wrong is told"


def test_recent_places_are_offered_by_any_part_of_them(tmp_path: Path) -> None:
    (tmp_path / "Alps").mkdir()
    recent = ("/mnt/cards/Alps", "/mnt/other")
    assert offers("", recent) == list(recent)
    assert offers("alp", recent)[0] == "/mnt/cards/Alps"
    assert offers(f"{tmp_path}/al", recent) == [f"{tmp_path}/Alps/"]


@pytest.mark.parametrize("place", ["~", "$HOME", "${HOME}", "~/Alps/.."])
async def test_tab_completes_what_begins_with_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "Alps").mkdir()
    (tmp_path / "other").mkdir()
    async with running(None, (120, 40), fake=engine(), settings=home(tmp_path)) as app:
        await opened(app)
        await app.press("t")
        await app.type(f"{place}/al")
        await app.until(lambda: f"{place}/Alps/" in app.text)
        await app.press("tab")
        assert app.app.screen.query_one(Input).value == f"{place}/Alps/"


def test_completions_of_the_home_folder_itself_are_whole_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert offers("~", []) == offers("$HOME", []) == [f"{tmp_path}/"]


def test_an_offered_path_with_a_variable_can_have_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("Ann's", "A 1", "a\\b"):
        (tmp_path / name).mkdir()
        assert path_in(f"$HOME/{name}") == f"{tmp_path}/{name}"
        assert paths_in(f"$HOME/{name}") == [f"{tmp_path}/{name}"], name


async def test_names_inside_that_differ_at_their_end_are_told_apart(tmp_path: Path) -> None:
    take = "A001C001_20250801_R1AB_proxy"
    long = "Ceremony and first dance, camera of the second operator, take "
    card = tmp_path / "card"
    card.mkdir()
    for name in (f"{take}_1.mov", f"{take}_2.mov", f"{long}1.mov", f"{long}2.mov"):
        (card / name).touch()
    async with running(None, (80, 24), fake=engine(), settings=home(tmp_path)) as app:
        await opened(app)
        await app.press("t")
        await app.type(str(card))
        await app.press("enter")
        await app.until(lambda: f"[x] {card.name}" in app.text)
        await app.press("right")
        await app.until(lambda: "take 2.mov" in app.text)
        assert "take 1.mov" in app.text
        assert f" {take}_1.mov " in app.text, "the pane with the keys has room for it"
        assert f" {take}_2.mov " in app.text


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
        await app.press("4", "end", "k")
        assert ">exclude    names to leave out" in app.text
        await app.press("enter")
        await app.type("*.tmp, *.THM,")
        await app.press("enter", "s")
        (request,) = requests(app)
        assert request.exclude == ("*.tmp", "*.THM")


async def test_inside_follows_the_cursor_of_the_sources(tmp_path: Path, tree: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "movie.mp4").write_bytes(b"x")
    both = [card("A001", mount=str(tree)), card("B002", mount=str(tmp_path / "other"))]
    async with running(None, (120, 40), fake=engine(), settings=home(tmp_path), volumes=lambda: both) as app:
        await opened(app)
        await app.until(lambda: "DCIM/" in app.text)
        await app.press("j")
        await app.until(lambda: "movie.mp4" in app.text)
        assert "INSIDE B002" in app.text
        assert "DCIM/" not in app.text
        assert app.app.screen.focused is not None
        assert app.app.screen.focused.id == "sources"


def chosen(app: Running) -> str:
    """The row with the cursor."""
    return next(row for row in app.text.splitlines() if row.startswith(">"))


async def test_a_search_opens_the_folders_above_what_it_finds(tmp_path: Path, tree: Path) -> None:
    only = [card("A001", mount=str(tree))]
    async with running(None, (120, 40), fake=engine(), settings=home(tmp_path), volumes=lambda: only) as app:
        await opened(app)
        await app.until(lambda: "DCIM/" in app.text)
        assert "b.jpg" not in app.text
        await app.press("slash", *"B.J", "enter")
        await app.until(lambda: "1 of 1 with B.J." in app.foot)
        assert " b.jpg " in chosen(app)
        await app.press("slash", *".jpg", "enter")
        await app.until(lambda: "1 of 3 with .jpg." in app.foot)
        await app.press("n", "n")
        assert " c.jpg " in chosen(app)
        await app.press("slash", *"nowhere", "enter")
        await app.until(lambda: "Nothing in it has nowhere." in app.foot)


async def test_inside_is_ordered_by_name_size_and_date(tmp_path: Path, tree: Path) -> None:
    for name, size, when in (("a.txt", 1, 300), ("b.txt", 3, 200), ("c.txt", 2, 400)):
        (tree / name).write_bytes(b"x" * size)
        os.utime(tree / name, (when, when))
    os.unlink(tree / "note [1].txt")
    only = [card("A001", mount=str(tree))]
    async with running(None, (120, 40), fake=engine(), settings=home(tmp_path), volumes=lambda: only) as app:

        def names() -> list[str]:
            found = (word for word in app.text.split() if word.endswith(".txt"))
            return [name.removesuffix(".txt") for name in found]

        await opened(app)
        await app.press("right")
        await app.until(lambda: names() == ["a", "b", "c"])
        await app.press("o")
        await app.until(lambda: names() == ["b", "c", "a"])
        assert "largest first" in app.text
        await app.press("o")
        await app.until(lambda: names() == ["c", "a", "b"])
        await app.press("o")
        await app.until(lambda: names() == ["a", "b", "c"])


def test_what_is_cut_off_depends_on_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.path_completion.ENTRIES_SHOWN", 1)
    for name, size, when in (("a", 1, 300), ("b", 3, 200), ("c", 2, 400)):
        (tmp_path / name).write_bytes(b"x" * size)
        os.utime(tmp_path / name, (when, when))
    first = {order: entries(os.fsencode(tmp_path), order)[0][0].name for order in ORDERS}
    assert first == {"name": b"a", "size": b"b", "date": b"c"}


async def test_the_cursor_stays_with_its_row_when_sizes_become_known(tmp_path: Path, tree: Path) -> None:
    inside = Inside(Glyphs(utf8=True), id="inside")
    inside.order = "size"
    inside.take(b"", ([PathEntry(name=name, folder=True) for name in (b"a", b"b")], 0))
    inside.count(b"b", Count(files=1, bytes=9))
    assert [node.path for node in inside.nodes] == [b"b", b"a"]
    assert inside.chosen is not None
    assert inside.chosen.path == b"a"


@pytest.mark.parametrize("size", [(60, 16), (40, 10)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_small_screen_shows_one_pane(tmp_path: Path, tree: Path, size: tuple[int, int]) -> None:
    only = [card("A001", mount=str(tree))]
    async with running(None, size, fake=engine(), settings=home(tmp_path), volumes=lambda: only) as app:
        await opened(app)
        titles = ("1 SOURCES", "2 INSIDE", "3 WHAT WILL", "4 WHERE")
        for key, title in zip("2341", (*titles[1:], titles[0]), strict=True):
            await app.press(key)
            assert [one for one in titles if one in app.text] == [title]
            assert app.text.splitlines()[1].startswith("▌")
        await app.press("right")
        await app.until(lambda: "DCIM/" in app.text)
        await app.press("G")
        assert "note [1].txt" in chosen(app), "the name is the last to be left out"
        await app.press("escape")
        assert [one for one in titles if one in app.text] == ["1 SOURCES"]


async def test_what_a_question_says_is_wrapped(tmp_path: Path, tree: Path) -> None:
    only = [card("A001", mount=str(tree))]
    async with running(None, (40, 16), fake=engine(), settings=home(tmp_path), volumes=lambda: only) as app:
        await opened(app)
        await app.press("t")
        words = " ".join(app.text.split())
        assert "tab completes; several, and patterns such as *.MP4" in words


async def test_what_all_of_a_folder_is_the_folder_is(tmp_path: Path, tree: Path) -> None:
    os.unlink(tree / "loop")
    os.unlink(tree / "note [1].txt")
    only = [card("A001", mount=str(tree))]
    async with running(None, (120, 40), fake=engine(), settings=home(tmp_path), volumes=lambda: only) as app:
        await opened(app)
        await app.press("right")
        await app.until(lambda: "DCIM/" in app.text)
        await app.press("enter")
        await app.until(lambda: "101/" in app.text)
        await app.press("j", "space")
        assert "1 of 1 picked" in app.text
        assert "[-] ▾ DCIM/" in app.text
        await app.press("j", "space")
        assert "0 of 1 picked" in app.text, "nothing of the card is left"
        assert "[ ] ▾ DCIM/" in app.text
        await app.press("space")
        assert "[-] ▾ DCIM/" in app.text
        await app.press("k", "space")
        assert "[x] ▾ DCIM/" in app.text
        await app.press("s")
        (request,) = requests(app)
        assert (request.source, request.label, request.exclude) == (str(tree), "A001", ())


async def test_a_folder_whose_counting_takes_too_long_has_no_size(
    tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file system may not answer any more; the other folders are counted."""
    hangs = threading.Event()

    def count(path: bytes, stopped: threading.Event) -> Count:
        if path.endswith(b"100"):
            hangs.wait()
        return Count(files=7, bytes=7)

    monkeypatch.setattr("tui.screens.source_contents.WALK_TIMEOUT", 0.05)
    monkeypatch.setattr("tui.path_completion.count_below", count)
    only = [card("A001", mount=str(tree / "DCIM"))]
    try:
        async with running(None, (120, 40), fake=engine(), settings=home(tmp_path), volumes=lambda: only) as app:
            await opened(app)
            await app.press("right")
            await app.until(lambda: "101/" in app.text and "7 files" in app.text)
            assert len([line for line in app.text.splitlines() if "7 files" in line]) == 1
    finally:
        hangs.set()
