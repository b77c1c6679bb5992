"""A person's own keys and theme, from the configuration: whether they fit the screens."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any

from textual.binding import Binding, BindingType, InvalidBinding
from textual.keys import Keys as Named
from textual.theme import BUILTIN_THEMES

import tui.screens
from core.config import Config
from core.errors import ConfigError
from core.setting_values import unknown
from tui.screens.base import Base
from tui.widgets.keys import FACES
from tui.widgets.pane import Pane
from tui.widgets.text import Text

FIXED = ("pane",)
"""Names of actions whose keys are numbers, and stay."""

KEY_ADVICE = "Give a character, or a name such as f5, ctrl+r or space; several with commas between them."

KEY_NAMES = {str(key.value) for key in Named} | FACES.keys()


def screens() -> Iterator[type[Base[Any]]]:
    """All screens with keys."""
    for module in pkgutil.iter_modules(tui.screens.__path__):
        importlib.import_module(f"tui.screens.{module.name}")
    waiting = Base.__subclasses__()
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.NAME:
            yield kind


def check(settings: Config, place: str) -> None:
    """Raises ConfigError, which names `place`, for an unknown theme or action, and for a key that would be two
    things on one screen."""
    if settings.theme is not None and settings.theme not in BUILTIN_THEMES:
        raise unknown(f"{place}: theme", settings.theme, BUILTIN_THEMES)
    if not settings.keys:
        return
    kinds = sorted(screens(), key=lambda kind: kind.NAME)
    actions = {key.does for kind in kinds for key in kind.KEYS if key.does not in FIXED}
    for does, keys in settings.keys.items():
        if does not in actions:
            raise unknown(f"{place}: keys", does, actions)
        _key_names(keys, f"{place}: keys.{does}")
    for kind in kinds:
        _check(kind, settings.keys, place)


def _key_names(keys: str, place: str) -> list[str]:
    """Textual's names of the keys in a text. Raises ConfigError."""
    try:
        names = [binding.key for binding in Binding.make_bindings([Binding(keys, "")])]
    except InvalidBinding as error:
        raise ConfigError(f"{place} is {keys!r}.", KEY_ADVICE) from error
    texts = [text.strip() for text in keys.split(",")]
    if wrong := [
        text for text, name in zip(texts, names, strict=True) if len(text) != 1 and name not in KEY_NAMES
    ]:
        raise ConfigError(f"{place} is {keys!r}: there is no key {wrong[0]}.", KEY_ADVICE)
    return names


def _check(kind: type[Base[Any]], chosen: Mapping[str, str], place: str) -> None:
    """Raises ConfigError if a chosen key would be two things on a screen."""
    taken = dict.fromkeys(_keys([*Pane.BINDINGS, *Text.BINDINGS]), "moving") | {
        "tab": "moving",
        "shift+tab": "moving",
        "ctrl+p": "the palette",
        "ctrl+z": "suspending",
        "ctrl+c": "leave",
        "ctrl+q": "leave",
    }
    own = {key.does for key in kind.KEYS}
    for binding in kind.BINDINGS:
        # What is no row of the help, such as the numbers of panes.
        if isinstance(binding, Binding) and binding.id not in own:
            taken |= dict.fromkeys(_keys([binding]), "moving")
    for key in kind.KEYS:
        if key.does not in chosen and key.does not in FIXED:
            taken |= dict.fromkeys(_keys([Binding(key.key, "")]), key.does)
    for does in sorted(own & chosen.keys()):
        for name in _key_names(chosen[does], place):
            if name in taken and taken[name] != does:
                raise ConfigError(
                    f"{place}: keys: {name} would be both {taken[name]} and {does} (screen: {kind.NAME}).",
                    f"Give one of them another key: [keys] {does} = …",
                )
            taken[name] = does


def _keys(bindings: list[BindingType]) -> list[str]:
    return [binding.key for binding in Binding.make_bindings(bindings)]
