"""Writes core/media/CARDS.md from the card rules and the layouts: `python -m tests.rigs.card_table`."""

from pathlib import Path

from core.media.camera import camera
from core.media.card_structures import belongs_to_card, structure
from core.media.makers import RULES, SAME_STEM
from core.media.makers.rule import Rule
from tests.rigs.layouts import LAYOUTS, Line, lines
from tests.rigs.linked import links

FILE = Path(__file__).parents[2] / "core/media/CARDS.md"

NOT_DOCUMENTED = """
## Not documented

Of these no description is published. They are archived like any file, and nothing is concluded from their names:
the reels of DJI's Inspire (its CinemaDNG folders are known), DJI's databases (`MISC/*.db`), the settings of
Zoom's recorders (`*.sys`), the contents of Canon's `INDEX.MIF`, ARRI's `*_BIN.bin`.

## Proven by what

The trees above are made after the sources that they name, with names only. What is told of RAW films that ffprobe
cannot open (size, frame rate, time code, duration, codec) was tested with:

- N-RAW (`.NEV`), Blackmagic RAW (`.braw`), Cinema RAW Light (`.CRM`): a film made by ffmpeg, its codec called like
  theirs, read by MediaInfo. No camera's own file.
- REDCODE (`.R3D`): a header of the second version, made as exiftool's `Red.pm` reads it. No camera's own file; the
  duration is not told.
- X-OCN (`.MXF`): a film made by ffmpeg, with the label of Sony's RAW that MediaInfo's library knows; it calls that
  "Sony RAW SQ". It has no name for X-OCN: the codec of a file with another label stays unknown. No camera's own
  file.
- `.braw2`, `.krw`, `.zraw`: no file; only their names are known.
"""

HEAD = """# What cards look like

Written by `python -m tests.rigs.card_table` from the rules in `core/media/makers`; a test compares it with them.
The files are those of take 1. "Camera" is what such a card is called, "structure" what `restore --by-date` never
takes apart.
"""


def table() -> str:
    """The whole file as text."""
    return HEAD + "".join(map(_layout, sorted(LAYOUTS))) + _rest() + NOT_DOCUMENTED


def _layout(name: str) -> str:
    files = lines(name, 1)
    card = [line.path.encode() for line in files]
    structures = sorted(filter(None, {structure(path) for path in card}))
    facts = f"Camera: {_camera(files) or '–'}. Structure: {', '.join(structures) or '–'}."
    rules = {path: rule for path, (rule, _) in links(card).items()}
    rows = "".join(_row(line, rules) for line in files)
    return f"\n## {name}\n\n{facts}\n\n| file | is | of | source |\n|---|---|---|---|\n{rows}"


def _row(line: Line, rules: dict[bytes, Rule]) -> str:
    path = line.path.encode()
    if line.role:
        source = rules[path].source if path in rules else ""
        return f"| `{line.path}` | {line.role} | `{line.owner.rpartition('/')[2]}` | {source} |\n"
    return f"| `{line.path}` | {'of the card' if belongs_to_card(path) else ''} | | |\n"


def _camera(files: list[Line]) -> str | None:
    tree: dict[str, list[str]] = {}
    for line in files:
        folder, _, rest = line.path.partition("/")
        tree.setdefault(folder, []).extend([rest.partition("/")[0]] if rest else [])
    return camera(tree, tree.__getitem__)


def _rest() -> str:
    """The part about rules that apply to any card."""
    seen: dict[int, Rule] = {id(rule): rule for rule in SAME_STEM.values()}
    rows = []
    for rule in seen.values():
        here = sorted(extension.decode() for extension, other in SAME_STEM.items() if other is rule)
        rows.append(f"| {' '.join(here)} | {rule.role} | {rule.source} |\n")
    return (
        "\n## Any maker: files of one name in one folder\n\n| extensions | are | source |\n|---|---|---|\n"
        + "".join(sorted(rows))
    )


def unused() -> list[Rule]:
    """Rules that no layout uses."""
    used: set[int] = set()
    for name in LAYOUTS:
        card = [line.path.encode() for line in lines(name, 1)]
        used.update(id(rule) for rule, _ in links(card).values())
    return [rule for rule in RULES if id(rule) not in used]


if __name__ == "__main__":
    FILE.write_text(table())
