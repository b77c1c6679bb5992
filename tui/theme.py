"""The colours of text in Textual's themes: some of them are for areas, and too faint for letters."""

from collections.abc import Mapping, Sequence

from textual.color import Color

DEFAULT_THEME = "gruvbox"
"""The theme without a choice."""

PLAIN = "ansi-dark"
"""The theme without colours: it has those of the terminal."""

COLOUR_NAMES = ("success", "error", "warning", "primary", "secondary", "accent")
"""Textual's names of the colours that text has here."""

CONTRAST = 3.0
"""Of text with its background at least: what WCAG 2.2 (1.4.3, 1.4.11) asks for large letters and for signs. The
4.5 that it asks for small ones would turn the red of some themes into grey."""

STEPS = 10


def inks(variables: Mapping[str, str]) -> dict[str, str]:
    """For each of COLOUR_NAMES the variable `ink-NAME`: the theme's colour, mixed with that of its text until it can be
    read. `variables` are those of the theme's style sheet."""
    back, text = Color.parse(variables["background"]), Color.parse(variables["foreground"])
    return {f"ink-{name}": _readable(variables[name], back, text) for name in COLOUR_NAMES}


def _readable(name: str, back: Color, text: Color) -> str:
    colour = Color.parse(name)
    if any(one.ansi is not None for one in (colour, back, text)):
        # The terminal decides what its own colours look like.
        return name
    mixed: Sequence[Color] = [colour.blend(text, step / STEPS) for step in range(STEPS + 1)]
    found = next((one for one in mixed if contrast(one, back) >= CONTRAST), text)
    return name if found == colour else found.hex


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Color) -> float:
    """The relative luminance, 0 to 1 (WCAG 2.2)."""
    parts = (one / 255 for one in colour.rgb)
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
