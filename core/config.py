"""The configuration: command line over environment over TOML file, checked once and then frozen."""

import os
import reprlib
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_type_hints

import msgspec

from core import hardware, ownership, presets
from core.errors import ConfigError, UsageError
from core.import_choices import Acceptable, DuplicateScope, KnownFiles, Verification
from core.paths import is_remote
from core.presets import ArrivalRule, Hook, Preset
from core.setting_values import Copies, Number, Text, absolute, advice_for, encodable, unknown

ENVIRONMENT_PREFIX = "LADING_"
FILE_VARIABLE = "LADING_CONFIG"
FILE_NAME = "config.toml"


def default_home() -> str:
    """The default state folder: the platform's folder for user data (platformdirs)."""
    import platformdirs  # imported here: a state folder that is named does without it

    return os.path.abspath(platformdirs.user_data_dir("lading", appauthor=False))


def login_name() -> str:
    """The user's login name, or "uid" and the number when the system has no name."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        # Python before 3.13 raises KeyError or ImportError, later ones OSError.
        return f"uid {os.getuid()}"


class Workers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ceilings that replace those of the hardware profile (`hardware.OVERRIDABLE`); None: no replacement.

    The poll intervals are in milliseconds, everything else is a number of concurrent tasks.
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
    """All settings. Only `load` checks values; the paths it returns are absolute.

    home: the state folder, on a local disk.
    archive: the folder that imports go to.
    archives: several of them, each of which gets all; `archive` is then the first one, unless it is given, too.
    mirror: copies of the archive that are brought up to it after each import, folders or rclone:NAME:PATH;
        `lading mirror` begins one.
    copies: verified copies, each on a device of its own, that SAFE takes; None: each archive and each mirror that
        is a folder.
    location: the name of the location that imports belong to.
    operator: who imports, for the receipt.
    organization: whose archive it is, for bag-info.txt.
    contact_name: who answers questions about it.
    contact_email: where to ask them.
    share_access_note: put the access notes of a location into its bag, which may be handed on.
    verify: read the copy back; also read the source a second time; also read every copy once more at the end of
    the import; neither.
    known: whether previously imported files are read again, or taken from the catalog.
    duplicates: whether a file is a duplicate of any in the archive, or only of those in its location.
    exclude: patterns of names to skip.
    accept: what does not prevent SAFE once it is recorded: symbolic links; pipes, sockets and devices; what
    `exclude` leaves out; extended attributes that could not be kept.
    read_limit: the most megabytes per second to read from each source; None: no limit.
    resume_at_start: resume unfinished imports when the engine starts.
    notice: how an open terminal signals the end of an import: its bell, a notification (OSC 9), or not.
    theme: the app's colours, the name of one of its themes; None: its own.
    places: folders and files that the app offers wherever it asks for a path.
    workers: ceilings that replace those of the hardware profile.
    presets: answers for imports that are much alike, by name.
    auto: which cards are imported by themselves when they are put in, and with which preset.
    hooks: what is told of the end of an import.
    keys: the app's keys, by the name of what they do; several with commas between them.
    """

    home: Text = msgspec.field(default_factory=default_home)
    archive: Text | None = None
    archives: tuple[Text, ...] = ()
    mirror: tuple[Text, ...] = ()
    copies: Copies | None = None
    location: Text | None = None
    operator: Text = msgspec.field(default_factory=login_name)
    organization: Text | None = None
    contact_name: Text | None = None
    contact_email: Text | None = None
    share_access_note: bool = False
    verify: Verification = "readback"
    known: KnownFiles = "read"
    duplicates: DuplicateScope = "archive"
    exclude: tuple[Text, ...] = ()
    accept: tuple[Acceptable, ...] = ()
    read_limit: Number | None = None
    resume_at_start: bool = True
    notice: Literal["bell", "notification", "none"] = "bell"
    theme: Text | None = None
    places: tuple[Text, ...] = ()
    workers: Workers = Workers()
    presets: dict[str, Preset] = msgspec.field(default_factory=dict)
    auto: tuple[ArrivalRule, ...] = ()
    hooks: tuple[Hook, ...] = ()
    keys: dict[str, Text] = msgspec.field(default_factory=dict)


def needed_archive(settings: Config, purpose: str, *, by: str = "--archive DIR") -> str:
    """The archive of the configuration; `purpose`: what it is needed for, after "to"; `by`: how a command is given
    one. Raises UsageError when there is none."""
    if settings.archive is None:
        raise UsageError(f"There is no archive to {purpose}.", f"Give {by}, or set LADING_ARCHIVE.")
    return settings.archive


def all_archives(settings: Config) -> set[str]:
    """The archives that the configuration names."""
    return {*settings.archives, *([settings.archive] if settings.archive else ())}


def copies(settings: Config) -> int:
    """How many verified copies SAFE requires. Those on remotes do not count (core.archives.copy_count)."""
    mirrors = sum(not is_remote(path) for path in settings.mirror)
    return settings.copies or max(1, len(settings.archives)) + mirrors


PATH_KEYS = ("home", "archive", "archives", "mirror", "places")
LISTS = ("exclude", "accept", "archives", "mirror", "places")
"""In the environment they are separated by `os.pathsep`."""

NESTED = ("workers", *presets.TABLE_NAMES)
"""Tables of the TOML file. Those of `presets.TABLE_NAMES` can only be set there."""

KEY_TYPES: dict[str, Any] = {
    **{key: kind for key, kind in get_type_hints(Config, include_extras=True).items() if key not in NESTED},
    **{f"workers.{number}": Number for number in hardware.OVERRIDABLE},
}
"""The type of each key; keys of `Workers` have the table's name: `workers.copy`."""

VARIABLES = {ENVIRONMENT_PREFIX + key.upper().replace(".", "_"): key for key in KEY_TYPES}
"""The key that each environment variable sets: `LADING_WORKERS_COPY` sets `workers.copy`."""


def load(
    command_line: Mapping[str, object], environ: Mapping[str, str], path: str | None = None, preset: str = ""
) -> Config:
    """The configuration from the command line, else the preset, else the environment, else the TOML file.

    `command_line` has the keys of `Config`; None means not given. In `environ` an empty variable means not given,
    and the LISTS are separated by `os.pathsep`. The file is `path`, else `LADING_CONFIG`, else `config.toml` in
    the state folder; only that last one may be missing. Relative paths start at the working directory, in the file
    at the file's own folder.

    Raises `ConfigError`, naming the place, for an unknown key, an invalid value, a file that cannot be read as
    UTF-8 TOML, and a state folder that is another user's.
    """
    typed = _command_line(command_line)
    exported = _environment(environ)
    chosen = path or environ.get(FILE_VARIABLE)
    home = typed.get("home") or exported.get("home") or default_home()
    if chosen:
        file = absolute(chosen, "command line: config" if path else FILE_VARIABLE)
    else:
        ownership.check(home)
        file = os.path.join(home, FILE_NAME)
    written = _file(file, may_be_missing=not chosen)
    chosen_preset = presets.named(preset, written.get("presets", {}), file).given() if preset else {}
    settings: dict[str, Any] = {}
    for given in (written, exported, chosen_preset, typed):
        # `archive` or `archives` from one source replaces both from the sources before it.
        named = [key for key in ("archive", "archives") if given.get(key)]
        settings |= {"archive": None, "archives": ()} if named else {}
        settings |= given
    settings["archive"] = settings.get("archive") or next(iter(settings.get("archives", ())), None)
    workers = {key.partition(".")[2]: settings.pop(key) for key in list(settings) if "." in key}
    made = msgspec.convert({**settings, "workers": workers}, Config)
    if chosen or made.home != home:
        ownership.check(made.home)
    return made


def file_of(environ: Mapping[str, str]) -> str:
    """The path of the TOML file, which may not exist. Raises ConfigError."""
    if chosen := environ.get(FILE_VARIABLE):
        return absolute(chosen, FILE_VARIABLE)
    return os.path.join(_environment(environ).get("home") or default_home(), FILE_NAME)


def origins(environ: Mapping[str, str]) -> dict[str, str]:
    """The origin of each value that is not the default: a variable's name, or the file. Raises ConfigError."""
    file = file_of(environ)
    found = dict.fromkeys(_file(file, may_be_missing=not environ.get(FILE_VARIABLE)), file)
    variables = {key: variable for variable, key in VARIABLES.items()}
    return found | {key: variables[key] for key in _environment(environ)}


def profile(config: Config, detected: hardware.Profile) -> hardware.Profile:
    """`detected` with the ceilings in `config.workers`."""
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
            raise unknown("environment", variable, [*VARIABLES, FILE_VARIABLE])
        value: object = text
        if key in LISTS:
            value = [pattern for pattern in text.split(os.pathsep) if pattern]
        if value:
            settings[key] = _checked(key, value, variable, strict=False)
    return settings


def _file(file: str, *, may_be_missing: bool) -> dict[str, Any]:
    try:
        with open(file, "rb") as stream:
            import tomllib

            # Editors of Windows save a byte order mark, which nobody sees.
            table = tomllib.loads(stream.read().decode("utf-8-sig"))
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
    folder = os.path.dirname(file)
    found = presets.tables({key: table.pop(key) for key in presets.TABLE_NAMES if key in table}, file, folder)
    for key, value in _flat(table, file):
        found[key] = _checked(key, value, f"{file}: {key}", strict=True, folder=folder)
    return found


def _flat(table: Mapping[str, object], place: str) -> Iterable[tuple[str, object]]:
    """Each key and value, those of the table `workers` as `workers.copy`. Raises ConfigError for an unknown
    key."""
    for key, value in table.items():
        if key != "workers":
            if key in KEY_TYPES:
                yield key, value
            elif value is not None or key not in presets.TABLE_NAMES:
                raise unknown(place, key, KEY_TYPES)
        elif isinstance(value, Mapping):
            for name, number in value.items():
                if name not in hardware.OVERRIDABLE:
                    raise unknown(place, f"workers.{name}", KEY_TYPES)
                yield f"workers.{name}", number
        elif value is not None:
            raise ConfigError(f"{place}: workers is {reprlib.repr(value)}.", "Give a table: copy = 8, …")


def _checked(key: str, value: object, place: str, *, strict: bool, folder: str = "") -> Any:
    """`value` converted to the type of `key`; `strict` refuses a number or a boolean written as text."""
    kind = KEY_TYPES[key]
    try:
        checked = msgspec.convert(value, kind, strict=strict)
        for text in checked if isinstance(checked, tuple) else (checked,):
            # Names of files may hold any bytes; what people call things goes into UTF-8 documents.
            encodable(text, names_files=key in PATH_KEYS or key == "exclude")
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigError(f"{place} is {reprlib.repr(value)}.", advice_for(kind)) from error
    if key not in PATH_KEYS:
        return checked
    if isinstance(checked, tuple):
        return tuple(_path(str(path), place, folder) for path in checked)
    return _path(str(checked), place, folder)


def _path(path: str, place: str, folder: str) -> str:
    return path if is_remote(path) else absolute(path, place, folder)
