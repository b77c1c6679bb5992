"""An engine that imports, without its background."""

from tests.core.importing.conftest import rig

__all__ = ["rig"]
