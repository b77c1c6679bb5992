"""Lines of the engine's log for a person."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.console.output import Output


def shown(line: str, out: "Output") -> str:
    """A line for a person: time, level if it is not the usual one, message, then the other members with their
    names."""
    import json
    from datetime import datetime

    try:
        noted = json.loads(line)
        moment = datetime.fromisoformat(noted.pop("time")).astimezone()
        level, _, message = noted.pop("level"), noted.pop("from"), noted.pop("message")
    except (ValueError, LookupError, TypeError, AttributeError):
        return out.text(line)
    rest = [f"{name}={value}" for name, value in noted.items() if name != "traceback"]
    text = out.text("  ".join([str(message), *rest]))
    if level in ("warning", "error", "critical"):
        text = f"{out.styled(level, 'warn' if level == 'warning' else 'bad')} {text}"
    lines = [f"{moment:%Y-%m-%d %H:%M:%S}  {text}"]
    lines += [f"    {out.text(one)}" for one in str(noted.get("traceback", "")).splitlines()]
    return "\n".join(lines)
