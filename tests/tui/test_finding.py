"""lading find, restore and check through a real engine."""

import json
from pathlib import Path

import pytest

from tests.rigs.cards import card_tree
from tests.rigs.engines import lading, swept
from tui.commands import find


def test_a_card_is_found_by_name_card_location_and_kind(tmp_path: Path) -> None:
    with swept(tmp_path / "home") as home:
        nothing = lading(home, "find", "C0001", "--json")
        assert (nothing.returncode, json.loads(nothing.stdout)) == (0, [])
        card = tmp_path / "card"
        card_tree(str(card).encode(), "sony")
        into = ["--archive", str(tmp_path / "archive"), "--location", "Mill Creek"]
        assert lading(home, "import", str(card), *into, "--label", "B002").returncode == 0
        for words, names in (
            (["C0001.MP4"], ["PRIVATE/M4ROOT/CLIP/C0001.MP4"]),
            (["*.arw"], ["DCIM/100MSDCF/DSC00001.ARW"]),
            (
                ["location:Mill Creek", "card:b002", "kind:images", "THMBNL/C0002"],
                ["PRIVATE/M4ROOT/THMBNL/C0002T01.JPG"],
            ),
        ):
            found = lading(home, "find", *words, "--json")
            assert found.returncode == 0
            assert [file["path"] for file in json.loads(found.stdout)] == names
        (file,) = json.loads(lading(home, "find", "C0001.MP4", "--json").stdout)
        by_hash = lading(home, "find", f"hash:{file['sha256'][:12]}")
        assert "PRIVATE/M4ROOT/CLIP/C0001.MP4" in by_hash.stdout
        assert str(tmp_path / "archive" / file["payload"]) in by_hash.stdout
        wrong = lading(home, "find", "kind:paintings")
        assert wrong.returncode == 2
        assert "videos" in wrong.stderr


@pytest.mark.parametrize(
    ("word", "expected"),
    [("C0007", "C0007"), ("a b", '"a b"'), ("location:Mill Creek", 'location:"Mill Creek"'), ('x"y z', '"xy z"')],
)
def test_an_argument_is_one_word(word: str, expected: str) -> None:
    assert find._quoted(word) == expected
