"""All settings, and where each value comes from: collecting and printing them."""

import os
from typing import TYPE_CHECKING, Any

from tui.console.output import Output

if TYPE_CHECKING:
    from tui.console.json_answers import Setting


def settings_of(settings: Any, origins: dict[str, str]) -> "list[Setting]":
    """All settings, then presets, rules, hooks and keys. `origins`: as from `core.config.origins`."""
    import msgspec

    from core.config import KEY_TYPES
    from tui.console.json_answers import Setting

    values = msgspec.to_builtins(settings)
    workers = values.pop("workers")
    values |= {f"workers.{name}": value for name, value in workers.items()}
    found = [Setting(name=name, value=values[name], source=origins.get(name, "default")) for name in KEY_TYPES]
    for name, preset in settings.presets.items():
        found.append(Setting(name=f"presets.{name}", value=preset.given(), source=origins["presets"]))
    found += [Setting(name="auto", value=_values_given(rule), source=origins["auto"]) for rule in settings.auto]
    found += [Setting(name="hooks", value=_values_given(hook), source=origins["hooks"]) for hook in settings.hooks]
    found += [
        Setting(name=f"keys.{does}", value=keys, source=origins["keys"]) for does, keys in settings.keys.items()
    ]
    return found


def _values_given(table: Any) -> dict[str, Any]:
    import msgspec

    return {key: value for key, value in msgspec.to_builtins(table).items() if value}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ", ".join(f"{key} = {_text(told)}" for key, told in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)


def tell(found: "list[Setting]", out: Output) -> None:
    """Print a row for each; values are in the last column, because they can be long."""
    rows = [["NAME", "FROM", "VALUE"]]
    rows += [[one.name, out.text(os.path.basename(one.source)), out.text(_text(one.value))] for one in found]
    out.table(rows)
