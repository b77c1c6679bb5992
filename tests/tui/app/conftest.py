"""Every test of the app sees the same clock and the same terminal."""

import os
import time
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name in list(os.environ):
        if name.startswith("LADING_"):
            monkeypatch.delenv(name)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
