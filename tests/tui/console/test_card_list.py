"""What is advised below the lists of cards, volumes and imports."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rigs.engines import card, lading, swept
from tui.console import card_list
from tui.console.card_list import which_archive
from tui.console.exits import Exit


@pytest.mark.parametrize(
    ("archives", "configured", "option"),
    [
        (["/nas/a"], "/nas/a", ""),
        (["/nas/a"], None, " --archive /nas/a"),
        (["/nas/a", "/nas/a"], "/nas/other", " --archive /nas/a"),
        (["/nas/a b"], None, " --archive '/nas/a b'"),
        (["/nas/a", "/nas/b"], None, " --archive DIR"),
        (["/nas/a", "/nas/b"], "/nas/a", " --archive DIR"),
    ],
)
def test_the_archive_is_named_where_the_command_would_not_find_it(
    archives: list[str], configured: str | None, option: str
) -> None:
    assert which_archive(archives, configured) == option


def test_both_commands_name_it() -> None:
    assert card_list.damaged(" --archive /a").count("lading audit --archive /a") == 2
    assert card_list.still("").endswith("lading check SRC")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with swept(tmp_path / "home") as home:
        yield home


@pytest.mark.process
def test_what_cards_advises_can_be_done(home: Path, tmp_path: Path) -> None:
    source = card(tmp_path / "card")
    lading(home, "import", str(source), "--archive", str(tmp_path / "an archive"), "--location", "X")
    advice = lading(home, "cards").stdout.splitlines()[-1]
    _, _, command = advice.partition("? lading ")
    done = lading(home, *(str(source) if word == "SRC" else word for word in shlex.split(command)))
    assert done.returncode in (Exit.WELL, Exit.FAILED), done.stderr
    assert str(source) in done.stdout
