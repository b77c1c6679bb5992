"""Kill -9 of the engine, alone and with all its workers, at thirty random moments each."""

from pathlib import Path

import pytest

from tests.faults import killed
from tests.rigs import importing, sabotage

Source = tuple[Path, set[str], float]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A card, its contents, and the seconds that importing it takes here."""
    root = tmp_path_factory.mktemp("killed")
    card, contents = killed.make_source(root)
    return card, contents, killed.uninterrupted(root, card, contents)


@pytest.mark.promise(17)
@pytest.mark.parametrize("everything", [False, True], ids=["engine", "everything"])
@pytest.mark.parametrize("moment", range(30))
def test_killed_at_any_moment_it_is_taken_up(
    tmp_path: Path, source: Source, moment: int, everything: bool
) -> None:
    card, contents, longest = source
    killed.killed_and_taken_up(
        tmp_path, card, contents, longest, everything=everything, seed=1000 * everything + moment
    )


@pytest.mark.control(17)
def test_control_a_catalog_ahead_of_the_disk_is_seen(tmp_path: Path, source: Source) -> None:
    home, archive = str(tmp_path / "home"), str(tmp_path / "archive")
    with sabotage.broken(tmp_path / "broken", "publishes nothing"):
        importing.finish(home, archive, str(source[0]))
    with pytest.raises((AssertionError, FileNotFoundError)):
        killed.claims_hold(tmp_path, home)
