"""Uses of Textual's private parts, where there is no public way. Each was checked in 8.2.0 to 8.2.8."""

from typing import Any

from textual._styles_cache import StylesCache
from textual.app import App


def forget_what_was_drawn() -> None:
    """Free what Textual caches of drawn edges: the cache, for a thousand widgets, holds references to closed
    screens."""
    StylesCache.get_inner_outer.cache_clear()


def write_to_terminal(app: App[Any], sequence: str) -> None:
    """Send an escape sequence that Textual does not know directly to the terminal; does nothing where there is
    none."""
    if app._driver is not None:
        app._driver.write(sequence)
