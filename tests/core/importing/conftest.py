"""Fixtures of the import engine's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.engine import engine
from tests.core.importing.rig import Rig, Still


@pytest.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """A running engine with an empty card and no archive yet; at the end it holds nothing any more."""
    monkeypatch.setattr(engine, "Background", Still)
    rig = Rig(tmp_path)
    rig.source.mkdir()
    await rig.engine.start()
    try:
        yield rig
        for gate in rig.gates():
            assert not gate._claims
        assert rig.engine.under_way or not rig.staged()
    finally:
        await rig.engine.stop()
