"""Watching the configuration file while an engine runs: changes apply at once, except for `workers`."""

import asyncio
import logging
import os
from collections.abc import Mapping
from contextlib import suppress

from core import config
from core.engine.engine import Engine
from core.errors import ConfigError

log = logging.getLogger("lading.config")

Stamp = tuple[int, int, int]
"""Inode, size in bytes and time of change (ns) of a file, of which one at least differs once it is changed."""


class ConfigWatch:
    """Checks whether the file has changed; `environ` is the engine's environment, which takes precedence."""

    def __init__(self, engine: Engine, environ: Mapping[str, str]) -> None:
        self._engine = engine
        self._environ = {**environ, "LADING_HOME": engine.config.home}
        self._path = config.file_of(self._environ)
        self._seen = _stamp(self._path)
        with suppress(ConfigError):
            self._set_limit_origin(config.origins(self._environ))

    async def look(self) -> None:
        """Apply changes. An invalid file is logged once, and the settings stay as they were."""
        found = await asyncio.to_thread(_stamp, self._path)
        if found == self._seen:
            return
        self._seen = found
        try:
            settings = await asyncio.to_thread(config.load, {}, self._environ)
            origins = await asyncio.to_thread(config.origins, self._environ)
        except ConfigError as error:
            log.warning("the configuration was changed and cannot be used", extra={"reason": str(error)})
            return
        if settings.workers != self._engine.config.workers:
            log.warning("workers are in force from the next start of the engine on")
        self._engine.configure(settings)
        self._set_limit_origin(origins)
        log.info("the configuration was changed and is in force")

    def _set_limit_origin(self, origins: Mapping[str, str]) -> None:
        """Record for snapshots which variable or file sets the limit of reading. A terminal must not look that up
        itself, because its environment may differ from the engine's."""
        self._engine.read_limit_from = origins.get("read_limit", "")


def _stamp(path: str) -> Stamp | None:
    with suppress(OSError):
        facts = os.stat(path)
        return facts.st_ino, facts.st_size, facts.st_mtime_ns
    return None
