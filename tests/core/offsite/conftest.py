"""An engine that imports, without its background."""

from tests.core.importing.conftest import bound, numbered, rig

__all__ = ["bound", "numbered", "rig"]
