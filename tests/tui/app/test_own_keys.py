"""A person's own keys and theme: they act, they are shown, and what does not fit is refused."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest
from textual.theme import BUILTIN_THEMES

import tui
from core.config import Config, load
from core.errors import ConfigError
from tests.tui.app import moments, pictures
from tests.tui.app.fake import Fake
from tests.tui.app.pilot import running
from tests.tui.app.records import engine
from tui import theme
from tui.own_keys import FIXED, check, screens
from tui.screens.dashboard import Dashboard
from tui.screens.help import MOVEMENT_KEYS
from tui.screens.imports import Imports
from tui.screens.tasks import Tasks
from tui.widgets.lines import STYLES

pytestmark = pytest.mark.terminal


def settings(**keys: str) -> Config:
    return Config(home="/nowhere", keys=keys)


async def test_an_own_key_acts_in_place_of_the_usual_one_and_is_shown() -> None:
    async with running(None, fake=engine(), settings=settings(imports="I,f6", pause="x", cancel="p")) as app:
        assert "I imports" in app.foot
        await app.press("i")
        assert isinstance(app.app.screen, Dashboard)
        await app.press("f6")
        assert isinstance(app.app.screen, Imports)
        await app.press("escape", "I")
        assert isinstance(app.app.screen, Imports)
        await app.press("escape", "question_mark")
        assert "I, f6" in app.text


async def test_two_keys_can_be_exchanged() -> None:
    chosen = settings(pause="x", cancel="p")
    check(chosen, "config.toml")
    async with running(moments.RUNNING, settings=chosen) as app:
        await app.press("j", "x")
        assert [asked[0] for asked in app.fake.asked] == ["pause"]


async def test_a_key_whose_name_depends_on_the_import_is_shown_as_it_is() -> None:
    async with running(None, (120, 40), fake=engine(), settings=settings(retry="f7")) as app:
        await app.press("i")
        await app.until(lambda: "IMPORTS, 6" in app.text)
        assert "f7 retry" in app.foot
        await app.press("j", "j", "j")
        assert "f7 resume" in app.foot


USUAL = re.compile(r"(?:^|[ (>])(?:[b-z/]|a(?=[.,:;)]|$)|enter|esc|space)(?=[ .,:;)]|$)", re.IGNORECASE)
"""A usual key that a text names, and no name of a file or number of a pane."""

NO_ACTIONS = (
    *("y", "esc", "enter takes it, esc leaves it as it was", ": correct it, or esc"),
    *("That place does not answer: another one, or esc.", "It is there already: another name, or esc."),
    *(keys for keys, _ in MOVEMENT_KEYS),
    "x",
)
"""Texts of questions and fields, whose keys are no actions and stay; keys that move; so many times a failure."""

NO_TEXTS = {"Key", "Binding"}
"""Calls whose strings are keys, and what is said of a key beside it."""


def named(source: str) -> list[str]:
    """The strings in a program's text that name a usual key, apart from what a docstring says of it."""
    found: list[str] = []

    def look(node: ast.AST) -> None:
        name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if name in NO_TEXTS or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            return
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            found.extend(filter(USUAL.search, [node.value]))
        if isinstance(node, ast.Tuple):
            # A key alone with its style is a piece of a line.
            words = [str(one.value) for one in node.elts if isinstance(one, ast.Constant)]
            found.extend(key for key, style in pairwise(words) if style in STYLES and USUAL.search(key))
        for below in ast.iter_child_nodes(node):
            look(below)

    look(ast.parse(source))
    return [text for text in found if text.strip() not in NO_ACTIONS]


@pytest.mark.parametrize("text", ["Enlarge it: 3, Enter.", "All cards: a.", "n starts it", "Search first: /."])
def test_a_usual_key_in_a_text_is_found(text: str) -> None:
    assert named(f"def f():\n    'press n'\n    return g({text!r}, f'{{x}}: {text}')") == [text, f": {text}"]
    assert named("line(('n', 'title'))") == ["n"]


def test_no_text_of_the_app_names_the_usual_key_of_an_action() -> None:
    """Texts take it from the keys of the screen, because a person may have another one."""
    app = Path(tui.__file__).parent
    sources = [app / "app.py", app / "import_form.py", *app.glob("screens/*.py"), *app.glob("widgets/*.py")]
    assert {path.name: told for path in sources if (told := named(path.read_text(encoding="utf-8")))} == {}


async def test_texts_name_own_keys() -> None:
    chosen = settings(new="N", zoom="Z", back="f8", pick="P", cards="C", search="f5")
    async with running(moments.EMPTY, settings=chosen) as app:
        assert "Put a card in and press N." in app.text
        assert " N starts a new import" in app.text
        await app.press("plus")
        assert "Enlarge the queues first: 3, Z." in app.foot
        await app.press("3", "Z")
        assert "f8 back" in app.text
        await app.press("N")
        await app.until(lambda: "Pick a source: P. All cards: C." in app.text)
        await app.press("s")
        assert "Pick a source first: P." in app.foot


async def test_leaving_has_an_own_key_and_what_interrupts_any_program() -> None:
    async with running(moments.EMPTY, settings=settings(leave="Q")) as app:
        left: list[str] = []
        app.app.leave = lambda: left.append("left")  # type: ignore[method-assign]
        await app.press("q")
        assert not left
        await app.press("Q", "ctrl+c")
        assert len(left) == 2


@pytest.mark.parametrize(
    ("keys", "parts"),
    [
        ({"pasue": "z"}, ["keys", "'pasue'", "pause"]),
        ({"pause": "x"}, ["x would be both cancel and pause", "dashboard"]),
        ({"pause": "z", "cancel": "z"}, ["z would be both", "cancel", "pause"]),
        ({"restore": "j"}, ["j would be both moving and restore"]),
        ({"pause": "4"}, ["4 would be both moving and pause"]),
        ({"find": "ctrl+p"}, ["both the palette and find"]),
        ({"find": "hyper"}, ["keys.find is 'hyper': there is no key hyper", "f5"]),
        ({"find": "z,"}, ["keys.find is 'z,'"]),
    ],
)
def test_what_does_not_fit_is_refused(keys: dict[str, str], parts: list[str]) -> None:
    with pytest.raises(ConfigError) as refused:
        check(settings(**keys), "config.toml")
    told = f"{refused.value.cause} {refused.value.advice}"
    assert all(part in told for part in ["config.toml", *parts]), told


def test_every_action_can_have_each_of_its_usual_keys() -> None:
    """What is refused is only what differs: the keys as they are fit."""
    for kind in screens():
        usual = {key.does: key.key for key in kind.KEYS if key.does not in (*FIXED, "leave", "grid", "inside")}
        only = {does: keys for does, keys in usual.items() if not any(one in "ghjklG" for one in keys.split(","))}
        for does, keys in only.items():
            others = {key.key for other in screens() for key in other.KEYS if key.does == does}
            if others == {keys}:
                check(settings(**{does: keys}), "config.toml")


def test_the_documentation_names_every_action() -> None:
    text = (Path(__file__).parents[3] / "tui" / "SETTINGS.md").read_text(encoding="utf-8")
    named = set(text.partition("The actions:")[2].replace(",", " ").replace("`", " ").split())
    actions = {key.does for kind in screens() for key in kind.KEYS if key.does not in FIXED}
    assert actions <= named, actions - named


def test_the_file_has_keys_and_a_theme(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('theme = "nord"\nplaces = ["in"]\n[keys]\npause = "z"\n')
    found = load({}, {"LADING_HOME": str(tmp_path)})
    assert (found.theme, found.keys, found.places) == ("nord", {"pause": "z"}, (str(tmp_path / "in"),))
    check(found, "config.toml")
    (tmp_path / "config.toml").write_text("[keys]\npause = 1\n")
    with pytest.raises(ConfigError, match="keys"):
        load({}, {"LADING_HOME": str(tmp_path)})


def test_an_unknown_theme_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'grovbox' is not known") as refused:
        check(Config(home="/nowhere", theme="grovbox"), "config.toml")
    assert "gruvbox" in refused.value.advice


@pytest.mark.parametrize("name", BUILTIN_THEMES)
def test_text_can_be_read_in_every_theme(name: str) -> None:
    from textual.color import Color

    of_theme = BUILTIN_THEMES[name]
    variables = {**of_theme.to_color_system().generate(), **of_theme.variables}
    back = Color.parse(variables["background"])
    for ink in theme.inks(variables).values():
        colour = Color.parse(ink)
        assert colour.ansi is not None or theme.contrast(colour, back) >= theme.CONTRAST


@pytest.mark.parametrize("name", ["nord", "textual-light", "ansi-dark"])
async def test_the_app_has_the_theme(name: str) -> None:
    async with running(moments.FAILING, settings=Config(home="/nowhere", theme=name)) as app:
        assert app.app.theme == name
        assert pictures.same(app.app, f"theme-{name}-80x24")


async def test_the_palette_has_themes() -> None:
    async with running(moments.RUNNING, fake=Fake(moments.RUNNING)) as app:
        await app.press("t")
        assert isinstance(app.app.screen, Tasks)
        await app.press("ctrl+p")
        await app.type("theme")
        await app.until(lambda: "other colours" in app.text)
        await app.press("enter")
        await app.type("dracula")
        await app.until(lambda: app.text.count("dracula") > 1)
        await app.press("enter")
        await app.until(lambda: app.app.theme == "dracula")
