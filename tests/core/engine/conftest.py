"""A state folder whose engine is gone when the test is over."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rigs.engines import swept


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """No folder yet: an engine makes it."""
    with swept(tmp_path / "home") as home:
        yield home


@pytest.fixture
def full_speed(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Engines that the test's own process starts read slowly, until this is called: else one may be through before
    it is met in the middle, or before a command has begun that is to find it at work."""
    monkeypatch.setenv("LADING_READ_LIMIT", "10")
    return lambda: monkeypatch.delenv("LADING_READ_LIMIT")
