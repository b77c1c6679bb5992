"""A state folder whose engine is gone when the test is over."""

from tests.core.engine.conftest import full_speed, home

__all__ = ["full_speed", "home"]
