"""Where a setting comes from, and which one wins."""

import os
import tempfile
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import (
    KEY_TYPES,
    NESTED,
    VARIABLES,
    Config,
    Workers,
    copies,
    default_home,
    load,
    login_name,
    profile,
)
from core.errors import ConfigError
from core.hardware import GIB, OVERRIDABLE, profile_for
from tests.rigs.configs import env, write


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def test_defaults(home: Path) -> None:
    config = load({}, env(home))
    assert config == Config(home=str(home))
    assert config.operator == login_name()
    assert (config.archive, config.location, config.exclude) == (None, None, ())
    assert (config.organization, config.contact_name, config.contact_email) == (None, None, None)
    assert (config.verify, config.known, config.duplicates) == ("readback", "read", "archive")
    assert config.resume_at_start is True
    assert config.workers == Workers()


def test_config_is_frozen(home: Path) -> None:
    with pytest.raises(AttributeError):
        load({}, env(home)).verify = "none"  # type: ignore[misc]


def test_workers_has_every_number_of_the_profile() -> None:
    assert Workers.__struct_fields__ == OVERRIDABLE
    assert set(get_type_hints(Config)) - set(NESTED) == {key for key in KEY_TYPES if "." not in key}


def test_every_key_from_the_file(home: Path) -> None:
    write(
        home,
        """
        archive = "/photos"
        location = "Dolomites"
        operator = "Ada"
        organization = "Alpine Club"
        contact_name = "Grace"
        contact_email = "grace@example.org"
        verify = "source"
        known = "record"
        duplicates = "location"
        exclude = ["*.tmp", "cache"]
        read_limit = 40
        resume_at_start = false
        [workers]
        copy = 3
        poll_idle_ms = 900
        """,
    )
    assert load({}, env(home)) == Config(
        home=str(home),
        archive="/photos",
        location="Dolomites",
        operator="Ada",
        organization="Alpine Club",
        contact_name="Grace",
        contact_email="grace@example.org",
        verify="source",
        known="record",
        duplicates="location",
        exclude=("*.tmp", "cache"),
        read_limit=40,
        resume_at_start=False,
        workers=Workers(copy=3, poll_idle_ms=900),
    )


def test_every_key_from_the_environment(home: Path) -> None:
    variables = {
        "LADING_ARCHIVE": "/photos",
        "LADING_LOCATION": "Dolomites",
        "LADING_OPERATOR": "Ada",
        "LADING_ORGANIZATION": "Alpine Club",
        "LADING_CONTACT_NAME": "Grace",
        "LADING_CONTACT_EMAIL": "grace@example.org",
        "LADING_VERIFY": "none",
        "LADING_KNOWN": "record",
        "LADING_DUPLICATES": "location",
        "LADING_EXCLUDE": os.pathsep.join(["*.tmp", "", "cache"]),
        "LADING_ARCHIVES": os.pathsep.join(["/photos", "", "nas"]),
        "LADING_MIRROR": os.pathsep.join(["/backup", "", "relative"]),
        "LADING_COPIES": "3",
        "LADING_ACCEPT": os.pathsep.join(["links", "special"]),
        "LADING_READ_LIMIT": "40",
        "LADING_SHARE_ACCESS_NOTE": "true",
        "LADING_RESUME_AT_START": "false",
        "LADING_NOTICE": "notification",
        "LADING_THEME": "nord",
        "LADING_PLACES": "/in",
        **{f"LADING_WORKERS_{name.upper()}": str(number) for number, name in enumerate(OVERRIDABLE, 1)},
    }
    assert {"LADING_HOME", *variables} == set(VARIABLES)
    assert load({}, env(home, **variables)) == Config(
        home=str(home),
        archive="/photos",
        location="Dolomites",
        operator="Ada",
        organization="Alpine Club",
        contact_name="Grace",
        contact_email="grace@example.org",
        verify="none",
        known="record",
        duplicates="location",
        exclude=("*.tmp", "cache"),
        archives=("/photos", os.path.abspath("nas")),
        mirror=("/backup", os.path.abspath("relative")),
        copies=3,
        accept=("links", "special"),
        read_limit=40,
        share_access_note=True,
        resume_at_start=False,
        notice="notification",
        theme="nord",
        places=("/in",),
        workers=Workers(**{name: number for number, name in enumerate(OVERRIDABLE, 1)}),
    )


def test_foreign_and_empty_variables_are_not_settings(home: Path) -> None:
    given = env(home, LADING_VERIFY="", LADING_EXCLUDE="", LADING_WORKERS_COPY="", PATH="/bin", lading_x="1")
    assert load({}, given) == Config(home=str(home))


layer = st.fixed_dictionaries(
    {},
    optional={
        "known": st.sampled_from(["read", "record"]),
        "location": st.sampled_from(["Alps", "Bergen", "Čierny Balog"]),
        "copy": st.integers(1, 99),
        "hash": st.integers(1, 99),
    },
)


def nested(settings: dict[str, Any]) -> dict[str, Any]:
    workers = {key: settings[key] for key in settings if key in OVERRIDABLE}
    return {key: settings[key] for key in settings if key not in OVERRIDABLE} | {"workers": workers}


@settings(deadline=None)
@given(layer, layer, layer)
def test_command_line_over_environment_over_file(
    typed: dict[str, Any], exported: dict[str, Any], written: dict[str, Any]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        top = [f'{key} = "{value}"' for key, value in written.items() if key not in OVERRIDABLE]
        table = [f"{key} = {value}" for key, value in written.items() if key in OVERRIDABLE]
        write(Path(folder), "\n".join([*top, "[workers]", *table]))
        variables = {
            f"LADING_{'WORKERS_' if key in OVERRIDABLE else ''}{key.upper()}": str(value)
            for key, value in exported.items()
        }
        config = load(nested(typed), env(folder, **variables))
    expected = nested({**written, **exported, **typed})
    assert config == msgspec.convert({"home": folder, "operator": config.operator, **expected}, Config)


def test_none_on_the_command_line_means_not_given(home: Path) -> None:
    options: dict[str, object] = dict.fromkeys(Config.__struct_fields__)
    assert load(options, env(home, LADING_VERIFY="none")).verify == "none"
    assert load({"workers": {"copy": None}}, env(home, LADING_WORKERS_COPY="8")).workers.copy == 8


def test_paths_become_absolute(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "here").mkdir()
    monkeypatch.chdir(home / "here")
    monkeypatch.setenv("HOME", str(home))
    assert load({}, env("~/state")).home == str(home / "state")
    assert load({}, env("state")).home == str(home / "here/state")
    assert load({"archive": "../nas"}, env(home)).archive == str(home / "nas")
    write(home, 'archive = "nas/photos"')
    assert load({}, env(home)).archive == str(home / "nas/photos")


def test_archive_name_may_hold_any_bytes(home: Path) -> None:
    assert load({}, env(home, LADING_ARCHIVE="/nas/\udcff")).archive == "/nas/\udcff"


@pytest.mark.parametrize("environ", [{}, {"LADING_HOME": ""}])
def test_home_without_a_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    home = load({}, environ).home
    assert home == default_home()
    assert home.startswith(str(tmp_path))
    assert os.path.basename(home) == "lading"


def test_home_on_the_command_line_wins_and_leads_to_its_file(home: Path) -> None:
    write(home, 'verify = "none"')
    config = load({"home": str(home)}, env("/elsewhere"))
    assert (config.home, config.verify) == (str(home), "none")


def test_a_file_as_an_editor_of_windows_saves_it(home: Path) -> None:
    """A byte order mark before the first key, which nobody sees, and line ends of two characters."""
    (home / "config.toml").write_bytes(b'\xef\xbb\xbfoperator = "Ada"\r\nexclude = ["a"]\r\n')
    found = load({"home": str(home)}, {})
    assert (found.operator, found.exclude) == ("Ada", ("a",))


def test_another_file_can_be_named(home: Path) -> None:
    write(home, 'verify = "none"')
    other = home / "other.toml"
    other.write_text('verify = "source"\nhome = "state"')
    assert load({}, {"LADING_CONFIG": str(other)}).home == str(home / "state")
    assert load({}, env(home, LADING_CONFIG=str(other))).verify == "source"
    assert load({}, env(home, LADING_CONFIG="/nowhere"), str(other)).verify == "source"
    assert load({}, env(home, LADING_CONFIG="")).verify == "none"


def test_profile_applies_the_workers() -> None:
    detected = profile_for(8, 16 * GIB)
    assert profile(Config(home="/h"), detected) == detected
    changed = profile(Config(home="/h", workers=Workers(copy=2, poll_busy_ms=5)), detected)
    assert changed == msgspec.structs.replace(detected, copy=2, poll_busy_ms=5)


@pytest.mark.parametrize("error", [KeyError("uid"), OSError("No username")])
def test_login_name_without_a_name(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail() -> str:
        raise error

    monkeypatch.setattr("getpass.getuser", fail)
    assert login_name() == f"uid {os.getuid()}"


def test_mirrors_of_a_file_begin_at_its_folder_and_make_copies(home: Path) -> None:
    (home / "config.toml").write_text('mirror = ["~/backup", "beside", "/mnt/b"]\n')
    made = load({}, env(home))
    assert made.mirror == (os.path.expanduser("~/backup"), str(home / "beside"), "/mnt/b")
    assert copies(made) == 4
    assert copies(load({"copies": 2}, env(home))) == 2
    # A remote is no path, and does not count.
    (home / "config.toml").write_text('mirror = ["rclone:b2:photos", "/mnt/b"]\n')
    made = load({}, env(home))
    assert (made.mirror, copies(made)) == (("rclone:b2:photos", "/mnt/b"), 2)
    for wrong in ('mirror = [""]', "mirror = 1", "copies = 0", "copies = 1000"):
        (home / "config.toml").write_text(wrong)
        with pytest.raises(ConfigError):
            load({}, env(home))


def test_several_archives(home: Path) -> None:
    """The first one is the archive of all commands; what is given nearer takes the place of one and of several."""
    file = home / "config.toml"
    file.write_text('archives = ["/a", "/b"]\n')
    made = load({}, env(home))
    assert (made.archive, made.archives, copies(made)) == ("/a", ("/a", "/b"), 2)
    made = load({"archives": ["/c"]}, env(home))
    assert (made.archive, made.archives, copies(made)) == ("/c", ("/c",), 1)
    made = load({"archive": "/c", "archives": None}, env(home))
    assert (made.archive, made.archives) == ("/c", ())
    made = load({}, env(home, LADING_ARCHIVE="/d"))
    assert (made.archive, made.archives) == ("/d", ())
    file.write_text('archive = "/old"\narchives = ["/a", "/b", "/c"]\nmirror = ["/m"]\n')
    made = load({}, env(home))
    assert (made.archive, made.archives, copies(made)) == ("/old", ("/a", "/b", "/c"), 4)
