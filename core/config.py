"""The configuration: command line over environment over TOML file, checked once and then frozen."""

import os
import reprlib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import platformdirs

from core import hardware
from core.errors import ConfigError

ENVIRONMENT_PREFIX = "LADING_"
FILE_VARIABLE = "LADING_CONFIG"
FILE_NAME = "config.toml"

Text = Annotated[str, msgspec.Meta(pattern=r"\S")]
# The upper bound keeps every number inside what messages, SQLite and semaphores can hold.
Number = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


def default_home() -> str:
    """The state folder when none is configured: the platform's folder for user data (platformdirs)."""
    return os.path.abspath(platformdirs.user_data_dir("lading", appauthor=False))


def login_name() -> str:
    """The name the user logged in with, or their number when the system knows no name."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        # Python before 3.13 raises KeyError or ImportError, later ones OSError.
        return f"uid {os.getuid()}"


class Workers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ceilings that replace those of the hardware profile (`hardware.NUMBERS`); None leaves one alone.

    The polls are in milliseconds, everything else is a number of tasks at once.
    """

    hash: Number | None = None
    copy: Number | None = None
    verify: Number | None = None
    exiftool: Number | None = None
    ffprobe: Number | None = None
    thumbnail: Number | None = None
    video_proxy: Number | None = None
    live_photo: Number | None = None
    bagit: Number | None = None
    location_stats: Number | None = None
    poll_busy_ms: Number | None = None
    poll_idle_ms: Number | None = None


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a person can choose. Only `load` checks values; the paths it gives are absolute.

    home: the state folder, on a local disk.
    archive: the folder that imports go to.
    location: the name of the location that imports belong to.
    operator: who imports, as the receipt says it.
    organization: whose archive it is, as bag-info.txt says it.
    contact_name: who answers questions about it.
    contact_email: where to ask them.
    share_access_note: the notes on how to get into a location go into its bag, which may be handed on.
    verify: read the copy back; read back and read the source a second time; neither.
    known: whether files imported before are read again, or taken from the record.
    duplicates: whether a file is a duplicate of any in the archive, or only of those in its location.
    exclude: patterns of names to skip.
    read_limit: megabytes a second that are read of each source at most; None: as many as it gives.
    resume_at_start: take up unfinished imports when the engine starts.
    notice: how an open terminal tells the end of an import: its bell, a notification (OSC 9), or not.
    workers: ceilings that replace those of the hardware profile.
    """

    home: Text = msgspec.field(default_factory=default_home)
    archive: Text | None = None
    location: Text | None = None
    operator: Text = msgspec.field(default_factory=login_name)
    organization: Text | None = None
    contact_name: Text | None = None
    contact_email: Text | None = None
    share_access_note: bool = False
    verify: Literal["readback", "source", "none"] = "readback"
    known: Literal["read", "record"] = "read"
    duplicates: Literal["archive", "location"] = "archive"
    exclude: tuple[Text, ...] = ()
    read_limit: Number | None = None
    resume_at_start: bool = True
    notice: Literal["bell", "notification", "none"] = "bell"
    workers: Workers = Workers()


PATHS = ("home", "archive")

KINDS: dict[str, Any] = {
    **{key: kind for key, kind in get_type_hints(Config, include_extras=True).items() if key != "workers"},
    **{f"workers.{number}": Number for number in hardware.NUMBERS},
}
"""The type of each key, those of `Workers` with their table's name: `workers.copy`."""

VARIABLES = {ENVIRONMENT_PREFIX + key.upper().replace(".", "_"): key for key in KINDS}
"""The key that each environment variable sets: `LADING_WORKERS_COPY` sets `workers.copy`."""


def load(command_line: Mapping[str, object], environ: Mapping[str, str], path: str | None = None) -> Config:
    """The configuration from the command line, else the environment, else the TOML file.

    `command_line` has the keys of `Config`; None means not given. In `environ` an empty variable means
    not given, and `LADING_EXCLUDE` is a list separated by `os.pathsep`. The file is `path`, else
    `LADING_CONFIG`, else `config.toml` in the state folder; only that last one may be missing.
    Relative paths start at the working directory, in the file at the file's own folder.

    Raises `ConfigError`, naming the place, for a key that is not known, a value that does not fit,
    and a file that cannot be read as UTF-8 TOML.
    """
    typed = _command_line(command_line)
    exported = _environment(environ)
    chosen = path or environ.get(FILE_VARIABLE)
    if chosen:
        file = _absolute(chosen, "command line: config" if path else FILE_VARIABLE)
    else:
        file = os.path.join(typed.get("home") or exported.get("home") or default_home(), FILE_NAME)
    settings = {**_file(file, may_be_missing=not chosen), **exported, **typed}
    workers = {key.partition(".")[2]: settings.pop(key) for key in list(settings) if "." in key}
    return msgspec.convert({**settings, "workers": workers}, Config)


def profile(config: Config, detected: hardware.Profile) -> hardware.Profile:
    """`detected` with the numbers that `config.workers` gives."""
    given = {name: number for name, number in msgspec.structs.asdict(config.workers).items() if number}
    return hardware.with_overrides(detected, given)


def _command_line(options: Mapping[str, object]) -> dict[str, Any]:
    return {
        key: _checked(key, value, f"command line: {key}", strict=False)
        for key, value in _flat(options, "command line")
        if value is not None
    }


def _environment(environ: Mapping[str, str]) -> dict[str, Any]:
    settings = {}
    for variable, text in environ.items():
        if not variable.startswith(ENVIRONMENT_PREFIX) or variable == FILE_VARIABLE:
            continue
        key = VARIABLES.get(variable)
        if key is None:
            raise _unknown("environment", variable, [*VARIABLES, FILE_VARIABLE])
        value: object = text
        if key == "exclude":
            value = [pattern for pattern in text.split(os.pathsep) if pattern]
        if value:
            settings[key] = _checked(key, value, variable, strict=False)
    return settings


def _file(file: str, *, may_be_missing: bool) -> dict[str, Any]:
    try:
        with open(file, "rb") as stream:
            import tomllib

            table = tomllib.loads(stream.read().decode("utf-8"))
    except FileNotFoundError as error:
        if may_be_missing:
            return {}
        raise ConfigError(f"{file} does not exist.", "Correct its name, or leave it out.") from error
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.", "Correct its name or rights.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 at byte {error.start}.", "Save it as UTF-8.") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{file} is not TOML: {error}.", "Correct it there.") from error
    return {
        key: _checked(key, value, f"{file}: {key}", strict=True, folder=os.path.dirname(file))
        for key, value in _flat(table, file)
    }


def _flat(table: Mapping[str, object], place: str) -> Iterable[tuple[str, object]]:
    """Each key and value, those of the table `workers` as `workers.copy`; refuses unknown keys."""
    for key, value in table.items():
        if key != "workers":
            if key not in Config.__struct_fields__:
                raise _unknown(place, key, KINDS)
            yield key, value
        elif isinstance(value, Mapping):
            for name, number in value.items():
                if name not in hardware.NUMBERS:
                    raise _unknown(place, f"workers.{name}", KINDS)
                yield f"workers.{name}", number
        elif value is not None:
            raise ConfigError(f"{place}: workers is {reprlib.repr(value)}.", "Give a table: copy = 8, …")


def _checked(key: str, value: object, place: str, *, strict: bool, folder: str = "") -> Any:
    """`value` as the type of `key`; `strict` refuses a number or a yes-or-no written as text."""
    kind = KINDS[key]
    try:
        checked = msgspec.convert(value, kind, strict=strict)
        for text in checked if isinstance(checked, tuple) else (checked,):
            # Names of files may hold any bytes; what people call things goes into UTF-8 documents.
            _encodable(text, names_files=key in PATHS or key == "exclude")
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigError(f"{place} is {reprlib.repr(value)}.", _wanted(kind)) from error
    return _absolute(str(checked), place, folder) if key in PATHS else checked


def _encodable(value: object, *, names_files: bool) -> None:
    if isinstance(value, str):
        encoded = os.fsencode(value) if names_files else value.encode()
        if b"\0" in encoded:
            raise ValueError("embedded null byte")


def _absolute(path: str, place: str, folder: str = "") -> str:
    """`path` without `~`, made absolute from `folder` (empty: the working directory)."""
    try:
        _encodable(path, names_files=True)
        expanded = os.path.expanduser(path)
        absolute = os.path.abspath(os.path.join(folder, expanded))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{place} is {reprlib.repr(path)}: {error}.", "Give an absolute path.") from error
    if expanded.startswith("~"):
        raise ConfigError(f"{place} is {path!r}: no such user.", "Write ./~… for a folder of that name.")
    return absolute


def _unknown(place: str, name: str, known: Iterable[str]) -> ConfigError:
    import difflib

    by_case = {candidate.lower(): candidate for candidate in known}
    nearest = by_case[difflib.get_close_matches(name.lower(), by_case, n=1, cutoff=0)[0]]
    return ConfigError(f"{place}: {name!r} is not known.", f"The nearest known name is {nearest}.")


def _wanted(kind: Any) -> str:
    """What a value of the type should look like, as advice."""
    if get_origin(kind) is Literal:
        return f"Give one of: {', '.join(get_args(kind))}."
    if get_origin(kind) is tuple:
        return "Give a list of patterns, none of them blank."
    if kind is bool:
        return "Give true or false."
    if kind in (Number, Number | None):
        return "Give an integer from 1 to 1000000."
    return "Give a text in UTF-8 that is not blank."
