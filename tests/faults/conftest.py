"""A state folder whose engine is gone at the end of a test, and an engine that imports, without its background."""

from tests.core.engine.conftest import full_speed, home
from tests.core.importing.conftest import bound, numbered, rig

__all__ = ["bound", "full_speed", "home", "numbered", "rig"]
