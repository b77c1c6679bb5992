"""Changes of the configuration while an engine runs: they apply at once; an invalid one is ignored."""

import logging
from pathlib import Path
from typing import Any, cast

import pytest

from core import config
from core.config import Config
from core.server.config_watch import ConfigWatch


class Taken:
    """A fake engine that accepts any configuration, and counts how often."""

    def __init__(self, home: Path) -> None:
        self.config = config.load({}, {"LADING_HOME": str(home)})
        self.times = 0
        self.read_limit_from = ""

    def configure(self, settings: Config) -> None:
        self.config = settings
        self.times += 1


async def test_what_is_written_is_in_force_at_the_next_look(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, engine = tmp_path / "config.toml", Taken(tmp_path)
    watch = ConfigWatch(cast(Any, engine), {"LADING_VERIFY": "end"})
    await watch.look()
    assert engine.times == 0
    file.write_text('read_limit = 12\nverify = "none"\n')
    await watch.look()
    await watch.look()
    assert (engine.times, engine.config.read_limit, engine.config.verify) == (1, 12, "end")
    with caplog.at_level(logging.WARNING, "lading.config"):
        file.write_text("read_limit = 'fast'")
        await watch.look()
        await watch.look()
    assert (engine.times, engine.config.read_limit) == (1, 12)
    assert len(caplog.records) == 1
    assert "read_limit" in cast(Any, caplog.records[0]).reason
    caplog.clear()
    with caplog.at_level(logging.WARNING, "lading.config"):
        file.write_text(
            "[workers]\ncopy = 3\n[presets.wedding]\nverify = 'source'\n[[auto]]\nlabel='*'\npreset='wedding'"
        )
        await watch.look()
    assert [record.message for record in caplog.records] == [
        "workers are in force from the next start of the engine on"
    ]
    assert (engine.config.read_limit, engine.config.auto[0].preset) == (None, "wedding")
    file.unlink()
    await watch.look()
    assert engine.config.auto == ()


async def test_the_engine_says_where_its_limit_of_reading_comes_from(tmp_path: Path) -> None:
    file, engine = tmp_path / "config.toml", Taken(tmp_path)
    watch = ConfigWatch(cast(Any, engine), {})
    assert engine.read_limit_from == ""
    file.write_text("read_limit = 12")
    await watch.look()
    assert engine.read_limit_from == str(file)
    ConfigWatch(cast(Any, engine), {"LADING_READ_LIMIT": "3"})
    assert engine.read_limit_from == "LADING_READ_LIMIT"
