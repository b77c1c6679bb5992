"""Presets, rules and hooks of the configuration file: their effects, and which values are refused."""

from datetime import date
from pathlib import Path

import pytest

from core import presets
from core.config import load
from core.errors import ConfigError
from core.presets import ArrivalRule, Hook, Preset

WEDDING = """
archive = "/photos"
operator = "Ada"
exclude = ["*.tmp"]

[presets.wedding]
archive = "weddings"
copies = 2
location = "{date} {label} {camera}"
verify = "source"
exclude = ["*.THM"]

[[auto]]
camera = "eos*"
preset = "wedding"

[[hooks]]
command = ["notify", "--now"]
[[hooks]]
url = "https://example.org/lading"
timeout = 5
"""

DAY = date(2026, 5, 9)


def written(home: Path, text: str) -> dict[str, str]:
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(text)
    return {"LADING_HOME": str(home)}


def test_a_preset_lies_between_the_command_line_and_all_else(tmp_path: Path) -> None:
    environ = written(tmp_path, WEDDING) | {"LADING_VERIFY": "none", "LADING_OPERATOR": "Bo"}
    plain = load({}, environ)
    assert (plain.archive, plain.verify, plain.exclude) == ("/photos", "none", ("*.tmp",))
    chosen = load({"copies": 3}, environ, preset="wedding")
    assert (chosen.archive, chosen.verify, chosen.exclude) == (str(tmp_path / "weddings"), "source", ("*.THM",))
    assert (chosen.copies, chosen.operator) == (3, "Bo")
    assert chosen.auto == (ArrivalRule(camera="eos*", preset="wedding"),)
    assert chosen.hooks == (
        Hook(command=("notify", "--now")),
        Hook(url="https://example.org/lading", timeout=5),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[presets.a]\narchives = '/x'", "unknown field `archives`"),
        ("[presets.a]\ncopies = 0", "`int` >= 1"),
        ("[presets.a]\nlocation = '{city}'", "{city} is not known"),
        ("[presets.a]\nlocation = '{date'", "is no pattern"),
        ("[presets.a]\n[[auto]]\npreset = 'b'\nlabel = '*'", "'b' is not known"),
        ("[[auto]]\npreset = 'b'\nlabel = '*'", "there is no preset b"),
        ("[presets.a]\n[[auto]]\npreset = 'a'", "would fit every card"),
        ("[[hooks]]", "none or several of"),
        ("[[hooks]]\nurl = 'https://x'\napprise = ['ntfy://x']", "none or several of"),
        ("[[hooks]]\napprise = ['room']", "room is no URL"),
        ("[[hooks]]\nmail = {host = 'h', from = 'a@b'}", "missing required field `to`"),
        ("[[hooks]]\nmail = {host = 'h', from = 'a@b', to = []}", "length >= 1"),
        ("[[hooks]]\nmail = {host = 'h', from = 'a', to = ['b'], user = 'u'}", "a user has one password"),
        (
            "[[hooks]]\nmail = {host = 'h', from = 'a', to = ['b'], security = 'none', user = 'u', "
            "password_env = 'P'}",
            "in the clear",
        ),
        (
            "[[hooks]]\nmail = {host = 'h', from = 'a', to = ['b'], user = 'u', password_env = 'LADING_P'}",
            "would be a setting",
        ),
        ("[[hooks]]\nurl = 'ftp://x'", "no address"),
        ("[[hooks]]\ncommand = 'one text'", "Expected `array`"),
        ("auto = 1", "Expected `array`"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=r"config\.toml: ") as caught:
        load({}, written(tmp_path, text))
    assert told in caught.value.cause


def test_a_hook_has_a_name_and_a_key_without_secrets(tmp_path: Path) -> None:
    text = """
        [[hooks]]
        mail = {host = "mx", from = "a@b", to = ["c@d"], user = "u", password_command = ["pass", "mail"]}
        [[hooks]]
        url = "https://bot:hidden@example.org/hidden"
        [[hooks]]
        apprise = ["tgram://hidden/room", "ntfy://hidden"]
        timeout = 5
    """
    hooks = load({}, written(tmp_path, text)).hooks
    assert [hook.name for hook in hooks] == ["mail to c@d", "https://example.org", "apprise tgram, ntfy"]
    assert hooks[0].mail is not None
    assert (hooks[0].mail.port_used, hooks[0].mail.sender) == (587, "a@b")
    assert len({hook.key for hook in hooks}) == 3
    assert hooks[2].key == Hook(apprise=hooks[2].apprise, timeout=90).key


def test_a_preset_that_is_not_there_is_refused(tmp_path: Path) -> None:
    environ = written(tmp_path, WEDDING)
    with pytest.raises(ConfigError, match="nearest known name is wedding"):
        load({}, environ, preset="weding")
    with pytest.raises(ConfigError, match="is not known"):
        load({"presets": {}}, environ)


def test_a_location_is_made_of_the_day_and_the_card() -> None:
    def made(pattern: str, label: str = "A001", camera: str = "EOS R5") -> str:
        return presets.location(pattern, label=label, camera=camera, today=DAY)

    assert made("{date} {label} {camera}") == "2026-05-09 A001 EOS R5"
    assert made("{year}/{month} Wedding {{x}}") == "2026/05 Wedding {x}"
    assert made("{camera} {label}", camera="") == "A001"
    assert made("{camera}", label="", camera="") == "2026-05-09"


def test_a_rule_fits_when_all_that_it_gives_fits() -> None:
    card = ("EOS_DIGITAL", "EOS R5", "uuid:1234-5678")
    assert ArrivalRule(preset="p", label="eos_*").fits(*card)
    assert ArrivalRule(preset="p", camera="EOS*", identity="UUID:1234-5678").fits(*card)
    assert not ArrivalRule(preset="p", label="eos_*", camera="A7*").fits(*card)
    assert not ArrivalRule(preset="p", identity="uuid:1234").fits(*card)


def test_what_a_preset_does_not_say_stays() -> None:
    assert Preset(verify="none", exclude=()).given() == {"verify": "none", "exclude": ()}
