"""What is refused of settings, and how it is told: with the place where it stands."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import KEY_TYPES, VARIABLES, Config, load
from core.errors import ConfigError
from tests.rigs.configs import env, write


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@contextmanager
def refused(*parts: str) -> Iterator[None]:
    """The block raises a `ConfigError` that holds every one of `parts`."""
    with pytest.raises(ConfigError) as caught:
        yield
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("text", ["0", "fast", "-1"])
def test_a_read_limit_is_a_number(home: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="Give an integer from 1 to 1000000"):
        load({}, env(home, LADING_READ_LIMIT=text))


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(list(VARIABLES)), st.text(st.characters(blacklist_characters="\0")), max_size=4
    ),
    st.dictionaries(st.sampled_from([*KEY_TYPES, "workers", "nothing"]), st.none() | st.text() | st.integers()),
)
def test_any_value_is_taken_or_refused_with_its_place(exported: dict[str, str], typed: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            config = load(typed, {**env(folder), **exported})
        except ConfigError as error:
            assert any(place in error.cause for place in [*exported, *typed])  # noqa: PT017
            assert error.advice  # noqa: PT017
        else:
            assert msgspec.convert(msgspec.to_builtins(config), Config) == config


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet='[]="\n. workersexclude8').map(str.encode))
def test_any_file_is_taken_or_refused_with_its_name(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.toml"
        file.write_bytes(content)
        try:
            assert load({}, env(folder)).home == folder
        except ConfigError as error:
            assert str(file) in error.cause  # noqa: PT017


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('archiv = "/a"', ["'archiv'", "archive"]),
        ('Verify = "none"', ["'Verify'", "is verify."]),
        ("[workers]\ncpoy = 1", ["'workers.cpoy'", "workers.copy"]),
        ("[worker]\ncopy = 1", ["'worker'"]),
        ("workers = 3", ["workers is 3"]),
        ('verify = "readbak"', ["verify is 'readbak'", "readback, source, end, none"]),
        ("archive = 3", ["archive is 3"]),
        ('archive = ""', ["archive is ''"]),
        ('location = "  "', ["location is"]),
        ('location = "a\\u0000b"', ["location is"]),
        ("location = 2024-01-01", ["location is"]),
        ('exclude = "*.tmp"', ["exclude is '*.tmp'", "list"]),
        ('exclude = ["ok", ""]', ["exclude is"]),
        ("resume_at_start = 1", ["resume_at_start is 1", "true or false"]),
        ("[workers]\ncopy = 0", ["workers.copy is 0", "integer from 1"]),
        ('[workers]\ncopy = "8"', ["workers.copy is '8'"]),
        ("[workers]\ncopy = true", ["workers.copy is True"]),
        ("[workers]\ncopy = 1_000_000_000_000_000_000_000", ["workers.copy is"]),
        ("verify = ?", ["not TOML", "line 1"]),
        ("a = " + "[" * 100_000, ["not TOML"]),
    ],
)
def test_wrong_file_is_refused_naming_file_and_key(home: Path, text: str, parts: list[str]) -> None:
    write(home, text)
    with refused(str(home / "config.toml"), *parts):
        load({}, env(home))


@pytest.mark.parametrize(
    ("variable", "value", "part"),
    [
        ("LADING_ARCHIV", "/a", "LADING_ARCHIVE"),
        ("LADING_WORKERS_CPOY", "8", "LADING_WORKERS_COPY"),
        ("LADING_WORKERS", "8", "LADING_WORKERS_"),
        ("LADING_CONFI", "x", "LADING_CONFIG"),
        ("LADING_WORKERS_COPY", "0", "integer from 1"),
        ("LADING_WORKERS_COPY", "many", "'many'"),
        ("LADING_VERIFY", "all", "readback, source, end, none"),
        ("LADING_VERIFY", "\udcff", "readback, source, end, none"),
        ("LADING_RESUME_AT_START", "maybe", "true or false"),
        ("LADING_OPERATOR", "Ad\udcff", "UTF-8"),
        ("LADING_ARCHIVE", "~nobody-of-this-name/x", "no such user"),
    ],
)
def test_wrong_variable_is_refused_by_name(home: Path, variable: str, value: str, part: str) -> None:
    with refused(variable, part):
        load({}, env(home, **{variable: value}))


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"verfy": "none"}, ["command line", "'verfy'", "verify"]),
        ({"verify": "x"}, ["command line: verify is 'x'"]),
        ({"workers": {"cpoy": 1}}, ["command line", "workers.copy"]),
        ({"workers": {"copy": 0}}, ["command line: workers.copy is 0"]),
        ({"workers": "copy=8"}, ["command line", "workers is"]),
    ],
)
def test_wrong_option_is_refused(home: Path, options: dict[str, object], parts: list[str]) -> None:
    with refused(*parts):
        load(options, env(home))


def test_a_named_file_must_exist(home: Path) -> None:
    missing = str(home / "missing.toml")
    with refused(missing, "does not exist"):
        load({}, env(home, LADING_CONFIG=missing))
    with refused(missing, "does not exist"):
        load({}, env(home), missing)


def test_a_file_that_cannot_be_read(home: Path) -> None:
    (home / "config.toml").mkdir()
    with refused(str(home / "config.toml"), "cannot be read"):
        load({}, env(home))


def test_a_file_that_is_not_utf8(home: Path) -> None:
    (home / "config.toml").write_bytes(b'location = "caf\xe9"')
    with refused(str(home / "config.toml"), "not UTF-8 at byte 15"):
        load({}, env(home))
