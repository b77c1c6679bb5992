"""The short form of tests/faults/test_killed.py."""

from pathlib import Path

import pytest

from tests.faults import killed

pytestmark = pytest.mark.process


@pytest.mark.parametrize("everything", [False, True], ids=["engine", "everything"])
def test_killed_it_is_taken_up(tmp_path: Path, everything: bool) -> None:
    card, contents = killed.make_source(tmp_path / "source")
    longest = killed.uninterrupted(tmp_path / "whole", card, contents)
    for moment in range(3):
        killed.killed_and_taken_up(
            tmp_path / f"{moment}", card, contents, longest, everything=everything, seed=100 * everything + moment
        )
