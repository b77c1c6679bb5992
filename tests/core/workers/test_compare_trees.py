"""The folders of two archives are compared by names."""

import os
from pathlib import Path

import pytest

from core.workers import archive_messages, compare_trees
from core.workers.archive_listing import what_is
from core.workers.messages import Place
from tests.core.importing.rig import write


def test_trees_are_compared_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In folders with names that sort before their neighbours only as bytes; also a folder where a file was."""
    one, other = tmp_path / "one", tmp_path / "other"
    names = ("a/1", "a/2", "a-b/3", "a/b/4", "z", "b", "same/5", ".DS_Store", "c/6")
    for name in names:
        write(one / "top" / name, b"1")
    for name in ("same/5", "b/is a folder", "only/here", "c"):
        write(other / "top" / name, b"1")
    here, there = (Place(bytes(root), root.stat().st_dev, root.stat().st_ino, "", "") for root in (one, other))
    asked: list[str] = []

    def noted(entry: os.DirEntry[str], folder: int) -> str:
        asked.append(entry.name)
        return what_is(entry, folder)

    monkeypatch.setattr(compare_trees, "what_is", noted)
    whole = compare_trees.compare_trees(archive_messages.CompareTrees(here, there, "top"))
    wanted = {f"top/{name}".encode() for name in names} - {b"top/same/5", b"top/.DS_Store"}
    assert (set(whole.lacking), whole.extra, whole.after) == (wanted, 3, b"")
    assert "5" not in asked, "what both have is not looked into"
    assert {"1", "here", ".DS_Store"} <= set(asked)
    monkeypatch.setattr(compare_trees, "FILES_PER_REPLY", 1)
    found: list[bytes] = []
    extra, pages, after = 0, 0, b""
    while after or not pages:
        page = compare_trees.compare_trees(archive_messages.CompareTrees(here, there, "top", after))
        found, extra, after, pages = found + page.lacking, extra + page.extra, page.after, pages + 1
    assert (sorted(found), extra) == (sorted(wanted), 3)
    assert pages > 3
    nothing = compare_trees.compare_trees(archive_messages.CompareTrees(here, there, "not there"))
    assert (nothing.lacking, nothing.extra) == ([], 0)
