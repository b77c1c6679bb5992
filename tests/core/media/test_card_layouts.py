"""Every layout of a maker: who belongs to whom on a whole card, whatever is missing, in any order, in any case."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rigs import card_table
from tests.rigs.layouts import LAYOUTS, lines
from tests.rigs.linked import linked

TAKES = (1, 2, 11, 12)

UNLINKED = {"ARRI", "Panasonic PANA_GRP"}
"""Layouts whose files are only held together by their tree."""


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_link_and_no_other(layout: str) -> None:
    files = {line for take in TAKES for line in lines(layout, take)}
    expected = {line.path.encode(): (line.role, line.owner.encode()) for line in files if line.role}
    assert expected or layout in UNLINKED
    assert linked([line.path.encode() for line in files]) == expected


@pytest.mark.parametrize("layout", ["Apple", "Canon", "DJI", "GoPro", "Insta360", "Sony", "Zoom", "editors"])
def test_copies_beside_the_originals_are_linked_among_themselves(layout: str) -> None:
    def copied(path: str) -> bytes:
        stem, dot, extension = path.rpartition(".")
        return f"{stem} (1){dot}{extension}".encode()

    files = lines(layout, 1)
    expected = {line.path.encode(): (line.role, line.owner.encode()) for line in files if line.role}
    expected |= {copied(line.path): (line.role, copied(line.owner)) for line in files if line.role}
    both = [line.path.encode() for line in files] + [copied(line.path) for line in files]
    assert linked(both) == expected


@st.composite
def cards(draw: st.DrawFn) -> dict[bytes, tuple[str, int]]:
    """The layout and take of each file of a card that some makers have written to, with files missing."""
    card: dict[bytes, tuple[str, int]] = {}
    for layout in draw(st.lists(st.sampled_from(sorted(LAYOUTS)), min_size=1, max_size=3, unique=True)):
        for take in TAKES:
            for line in lines(layout, take):
                card[line.path.encode()] = layout, take
    paths = sorted(card)
    gone = draw(st.sets(st.sampled_from(paths), max_size=len(paths) - 1))
    return {path: card[path] for path in draw(st.permutations([path for path in paths if path not in gone]))}


@given(cards())
def test_no_link_crosses_takes(card: dict[bytes, tuple[str, int]]) -> None:
    for path, (_, owner) in linked(card).items():
        assert card[owner] == card[path], (path, owner)


@given(cards(), st.randoms())
def test_the_order_of_a_listing_does_not_matter(card: dict[bytes, tuple[str, int]], order: random.Random) -> None:
    shuffled = list(card)
    order.shuffle(shuffled)
    assert linked(shuffled) == linked(card)


@given(cards(), st.sampled_from([bytes.upper, bytes.lower]))
def test_the_case_of_a_card_does_not_matter(
    card: dict[bytes, tuple[str, int]], spell: Callable[[bytes], bytes]
) -> None:
    found = linked(card)
    assert linked([spell(path) for path in card]) == {
        spell(path): (role, spell(owner)) for path, (role, owner) in found.items()
    }


@given(cards())
def test_every_file_leads_to_one_that_owns_itself(card: dict[bytes, tuple[str, int]]) -> None:
    found = linked(card)
    for path in found:
        seen = {path}
        while path in found:
            path = found[path][1]
            assert path not in seen
            seen.add(path)


def test_the_table_of_cards_is_that_of_the_rules() -> None:
    assert card_table.FILE.read_text() == card_table.table()


def test_a_layout_shows_each_rule_at_work() -> None:
    assert card_table.unused() == []
