"""Fixtures of the import engine's tests."""

import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from zlib import crc32

import pytest

from core.engine import engine
from core.volumes import volume
from tests.core.importing.rig import Rig, Still, StillWatch


@pytest.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """A running engine with an empty card and no archive yet; at the end it holds nothing any more."""
    monkeypatch.setattr(engine, "JobService", Still)
    monkeypatch.setattr(engine, "EndedImports", StillWatch)
    rig = Rig(tmp_path)
    rig.source.mkdir()
    await rig.engine.start()
    try:
        yield rig
        for dedup in rig.dedups():
            assert not dedup.claims
        assert rig.engine.imports.under_way or not rig.staged()
    finally:
        await rig.engine.stop()


@pytest.fixture
def numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each volume has a number of its own, also where no udev tells it: a check by the record trusts it, and no
    archive is looked for on what other tests have mounted."""
    monkeypatch.setattr(volume, "identity", lambda mount, below: f"uuid:{crc32(os.fsencode(mount.mount)):08x}")


@pytest.fixture
def bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers whom permissions bind, even when they are root's."""
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may read everything, and setpriv (util-linux) is not there to take that away")
        script = tmp_path / "python"
        drop = "--bounding-set -dac_override,-dac_read_search"
        script.write_text(f'#!/bin/sh\nexec setpriv {drop} "{sys.executable}" "$@"\n')
        script.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(script))
