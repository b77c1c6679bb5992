"""Finding files, what is told of them, and opening them in a viewer."""

import os
from pathlib import Path

import pytest

from core.errors import UsageError
from core.models import Outcome
from core.protocol.import_requests import FilePosition
from tests.tui.app import pictures
from tests.tui.app.pilot import SIZES, running
from tests.tui.app.records import RECORDS, engine, file
from tui.screens.dashboard import Dashboard
from tui.screens.find import Find
from tui.screens.import_ import Import

pytestmark = pytest.mark.terminal


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_found_files_tell_whose_date_it_is_and_how_many_imports_had_them(size: tuple[int, int]) -> None:
    fake = engine()
    fake.all_files = [file(770, captured="", imports=5), file(771, imports=1)]
    async with running(None, size, fake=fake) as app:
        await app.press("slash")
        await app.until(lambda: "FILES, 2" in app.text)
        changed_at, captured = (row for row in app.text.splitlines() if "IMG_" in row)
        assert "2025-12-05 13:13*" in changed_at
        assert f"{RECORDS[0].id[-8:] if size[0] >= 100 else ''} +4" in changed_at
        assert "2025-12-05 09:10 " in captured
        assert "+" not in captured
        assert "Mill Cr" in captured
        assert "Mill Cr" in changed_at
        # What follows stands below each other.
        assert captured.index("Mill" if size[0] < 100 else "Canon") == changed_at.index(
            "+4" if size[0] < 100 else "Canon"
        )


async def test_why_a_search_cannot_be_made_stays_where_files_would_be() -> None:
    fake = engine()
    async with running(None, fake=fake) as app:
        await app.press("slash")
        await app.until(lambda: "FILES, 1,000" in app.text)
        fake.fault = UsageError("x is no size.", "Write 'size>2GB'.")
        await app.press(*"size>x", "enter")
        await app.until(lambda: "FILES, " not in app.text)
        await app.until(lambda: "x is no size. Write 'size>2GB'." in " ".join(app.text.split()))
        app.app.screen.keys._unsay(app.app.screen.keys._said)  # type: ignore[attr-defined]
        await app.settled()
        assert "x is no size. Write 'size>2GB'." in " ".join(app.text.split())
        assert "Reading." not in app.text
        fake.fault = None
        await app.press("slash", "backspace", "1", "enter")
        await app.until(lambda: "FILES, " in app.text)
        assert "no size" not in " ".join(app.text.split())


VIEWING = [("slash", "down"), ("slash", "down", "g"), ("slash", "down", "enter"), ("i", "enter")]
"""The keys that lead to each screen on which a file is chosen."""


@pytest.mark.parametrize("way", VIEWING)
async def test_a_copy_of_the_chosen_file_is_opened(
    way: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("xdg-open", "open"):
        (tmp_path / name).write_text(f'#!/bin/sh\nprintf %s "$*" >{tmp_path}/told\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    fake = engine()
    fake.all_files = [file(770, sha256="ab" * 32)]
    async with running(None, fake=fake) as app:
        for key in way:
            await app.press(key)
            await app.until(lambda: "Reading." not in app.text)
        await app.until(lambda: "IMG_00770" in app.text)
        await app.press("V")
        await app.until(lambda: "Opened: /home/views/DCIM/100CANON/IMG_00770.CR3" in app.foot)
        assert (tmp_path / "told").read_text() == "/home/views/DCIM/100CANON/IMG_00770.CR3"
        assert ("view", "ab" * 32, "DCIM/100CANON/IMG_00770.CR3") in fake.asked
        # Nothing is copied where nothing would show it.
        monkeypatch.delenv("DISPLAY")
        monkeypatch.setenv("SSH_CONNECTION", "1 2 3 4")
        before = len([asked for asked in fake.asked if asked[0] == "view"])
        await app.press("V")
        await app.until(lambda: "no display here. Use its path (y), lading serve or the picture" in app.foot)
        assert len([asked for asked in fake.asked if asked[0] == "view"]) == before


async def test_what_is_not_opened_says_why() -> None:
    fake = engine()
    fake.all_files = [file(1, Outcome.FAILED, payload=""), file(2, sha256="ab" * 32, kind="documents")]
    async with running(None, fake=fake) as app:
        await app.press("slash", "down")
        await app.until(lambda: "FILES, 2" in app.text)
        await app.press("V")
        assert "That file is not in the archive." in app.foot
        await app.press("down", "V")
        assert "Only photos, films and sound are opened in a viewer." in app.foot
        assert not [asked for asked in fake.asked if asked[0] == "view"]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_finding(size: tuple[int, int]) -> None:
    fake = engine()
    async with running(None, size, fake=fake) as app:
        await app.press("slash")
        assert isinstance(app.app.screen, Find)
        await app.type("IMG_0077q")
        await app.until(lambda: "Nothing fits." in app.text)
        await app.press("backspace")
        await app.until(lambda: "FILES, 10" in app.text)
        await app.press("enter")
        assert pictures.same(app.app, f"find-{size[0]}x{size[1]}")
        await app.press("j", "o")
        assert isinstance(app.app.screen, Import)
        await app.press("escape", "slash", "escape")
        assert isinstance(app.app.screen, Dashboard)


async def test_what_belongs_to_a_file_is_followed_and_a_found_file_chosen() -> None:
    fake = engine()
    pair, other = file(1001, path="DCIM/IMG_9.CR3"), file(1002, path="DCIM/IMG_9.JPG")
    fake.all_files += [pair, other]
    fake.facts = {pair.id: [("original", pair.path), ("raw pair", f"card/{other.path}")]}
    fake.answers[FilePosition] = len(fake.all_files) - 2
    async with running(None, fake=fake) as app:
        await app.press("slash")
        await app.type("IMG_9.")
        await app.press("enter")
        await app.until(lambda: "FILES, 2" in app.text)
        await app.press("o")
        await app.until(lambda: f">archived  {pair.path}" in app.text)
        await app.press("enter")
        await app.until(lambda: "raw pair" in app.text)
        await app.press("enter")
        assert "names no other file" in app.foot
        await app.press("G", "enter")
        await app.until(lambda: app.text.splitlines()[1].strip() == f">{other.path}")
