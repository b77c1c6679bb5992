#!/usr/bin/env bash
# With Textual's Widget.refresh(Region(...)) a part of a widget can be painted anew, as small as one character (its guide to the
# Line API). What is written to the terminal begins at the left edge of the widget all the same, and only ends with the region
# (ChopsUpdate.render_segments crops one side; issue 5625 there). A region that ends within a character of two columns writes half of it: a blank, where the character should be.
#
# Seen with Textual 8.2.8 on Python 3.11, one line of 40 columns:
#   region at column 30, 1 wide: 31 characters are written
#   region at column 0, 1 wide, of a character of two columns: ' '
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v; v/bin/pip -q install textual==8.2.8 2>/dev/null
v/bin/python - <<'P' | tee said
import asyncio
import re

from rich.console import Console
from rich.segment import Segment
from textual.app import App
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class Line(Widget):
    text = "a" * 40

    def render_line(self, y):
        return Strip([Segment(self.text)])


class Show(App):
    CSS = "Line { width: 40; height: 1; }"

    def compose(self):
        yield Line()


async def written(text, region):
    app, told = Show(), []
    Line.text = text
    async with app.run_test(size=(40, 1)) as pilot:
        await pilot.pause(0.5)
        line, compositor = app.query_one(Line), app.screen._compositor
        render = compositor.render_update

        def noted(**how):
            update = render(**how)
            told.append(update.render_segments(Console(color_system=None)))
            return update

        compositor.render_update = noted
        line.refresh(region)
        await pilot.pause(0.2)
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", "".join(told))


count = len(asyncio.run(written("a" * 40, Region(30, 0, 1, 1))))
print(f"region at column 30, 1 wide: {count} characters are written")
half = asyncio.run(written("\u4e16" * 20, Region(0, 0, 1, 1)))
print(f"region at column 0, 1 wide, of a character of two columns: {half!r}")
P
[ "$(sed -n 1p said)" = "region at column 30, 1 wide: 31 characters are written" ]
[ "$(sed -n 2p said)" = "region at column 0, 1 wide, of a character of two columns: ' '" ]
