"""An engine that imports and restores, without its background."""

from tests.core.importing.conftest import rig

__all__ = ["rig"]
