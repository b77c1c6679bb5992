"""A state folder whose engine is gone when the test is over."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rigs.engines import swept


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """No folder yet: an engine makes it."""
    with swept(tmp_path / "home") as home:
        yield home
