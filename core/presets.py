"""The configuration's tables: presets, rules for cards, hooks, and the app's keys."""

from collections.abc import Mapping
from datetime import date
from fnmatch import fnmatchcase
from string import Formatter
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from core.errors import ConfigError
from core.import_choices import Acceptable, DuplicateScope, KnownFiles, Verification
from core.setting_values import Copies, Number, Text, absolute, unknown

S = TypeVar("S", bound=msgspec.Struct)

LOCATION_FIELDS = ("date", "year", "month", "day", "label", "camera")
"""The fields, in braces, that a preset's location may have: today's date and its parts, the card's name, its
camera."""

_EXAMPLE = "Write text and {date}, {year}, {month}, {day}, {label} or {camera}, such as 'Wedding {date}'."


class Preset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings for imports of one sort; None: as without the preset.

    location: a pattern with LOCATION_FIELDS. The others are as in `core.config.Config`.
    """

    archive: Text | None = None
    copies: Copies | None = None
    location: Text | None = None
    operator: Text | None = None
    verify: Verification | None = None
    known: KnownFiles | None = None
    duplicates: DuplicateScope | None = None
    exclude: tuple[Text, ...] | None = None
    accept: tuple[Acceptable, ...] | None = None

    def over(self, settings: S) -> S:
        """The configuration `settings` with the preset's values in place of its own; `location` is still a
        pattern."""
        # The preset's single archive replaces all configured ones.
        alone = {"archives": ()} if self.archive else {}
        return msgspec.structs.replace(settings, **alone, **self.given())

    def given(self) -> dict[str, Any]:
        """The preset's values that are not None, by name."""
        return {key: value for key, value in msgspec.structs.asdict(self).items() if value is not None}


class ArrivalRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which cards are imported by themselves: those that fit all given patterns.

    label, camera, identity: patterns as in fnmatch (`EOS_*`), regardless of case. identity: the volume's, as
    `lading doctor` shows it.
    """

    preset: Text
    label: Text | None = None
    camera: Text | None = None
    identity: Text | None = None

    def fits(self, label: str, camera: str, identity: str) -> bool:
        """Whether the rule applies to this card."""
        asked = ((self.label, label), (self.camera, camera), (self.identity, identity))
        return all(want is None or fnmatchcase(have.casefold(), want.casefold()) for want, have in asked)


class Mail(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"sender": "from"}):
    """A mail by SMTP. `sender` is called `from` in the file.

    security: STARTTLS (RFC 3207), TLS from the first byte on (RFC 8314), or none. port: by default 587, 465 or 25.
    user: empty for a server that asks for no password. The password comes from the engine's environment variable
    `password_env`, or is the first line that `password_command` prints.
    """

    host: Text
    sender: Text
    to: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]
    security: Literal["starttls", "tls", "none"] = "starttls"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    user: Text | None = None
    password_env: Text | None = None
    password_command: tuple[Text, ...] = ()

    @property
    def port_used(self) -> int:
        """The port that is connected to."""
        return self.port or {"starttls": 587, "tls": 465, "none": 25}[self.security]

    def fault(self) -> tuple[str, str]:
        """What contradicts itself, and the advice; empty texts: nothing."""
        ways = (self.password_env is not None) + bool(self.password_command)
        if ways != (self.user is not None):
            return "a user has one password", "Give user with password_env or password_command; or none of them."
        if self.user is not None and self.security == "none":
            return "a password would be sent in the clear", "Use security = 'starttls' or 'tls'."
        if self.password_env is not None and self.password_env.startswith("LADING_"):
            return f"{self.password_env} would be a setting", "Use a variable that does not begin with LADING_."
        return "", ""


class Hook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is told of each import's end: a command (on its standard input), an address (by POST), people (by
    mail), or services (by their Apprise URLs). Exactly one of the four is given."""

    command: tuple[Text, ...] = ()
    url: Text | None = None
    mail: Mail | None = None
    apprise: tuple[Text, ...] = ()
    timeout: Number = 30
    """Seconds that one attempt may take."""

    @property
    def key(self) -> str:
        """A digest that tells hooks apart; the time-out does not matter. What is secret cannot be read from it."""
        import hashlib

        return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(self, timeout=1))).hexdigest()

    @property
    def name(self) -> str:
        """What the log calls it. An address may hold a password, so only its scheme and host are in it."""
        if self.mail is not None:
            return f"mail to {', '.join(self.mail.to)}"
        if self.url is not None:
            from urllib.parse import urlsplit

            parts = urlsplit(self.url)
            return f"{parts.scheme}://{parts.hostname}"
        if self.apprise:
            return "apprise " + ", ".join(url.partition(":")[0] for url in self.apprise)
        return self.command[0]


class Tables(msgspec.Struct, frozen=True, kw_only=True):
    """All these tables, as in the TOML file."""

    presets: dict[str, Preset] = msgspec.field(default_factory=dict)
    auto: tuple[ArrivalRule, ...] = ()
    hooks: tuple[Hook, ...] = ()
    keys: dict[str, Text] = msgspec.field(default_factory=dict)


TABLE_NAMES = Tables.__struct_fields__


def tables(table: Mapping[str, object], file: str, folder: str) -> dict[str, Any]:
    """Convert and check `table`, which has members of TABLE_NAMES only. Its paths are relative to `folder`; `file`
    is named in errors.

    Raises ConfigError.
    """
    try:
        found = msgspec.convert(table, Tables)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$.")
        told = f"{file}: {place.rstrip('`').replace('[...]', '') or 'presets, auto, hooks or keys'}: {what}."
        raise ConfigError(told, "Correct it there; tui/SETTINGS.md shows each table.") from error
    for name, preset in found.presets.items():
        _check_location(preset, f"{file}: presets.{name}.location")
        if preset.archive is not None:
            path = absolute(preset.archive, f"{file}: presets.{name}.archive", folder)
            found.presets[name] = msgspec.structs.replace(preset, archive=path)
    for rule in found.auto:
        named(rule.preset, found.presets, f"{file}: auto")
        if (rule.label, rule.camera, rule.identity) == (None, None, None):
            raise ConfigError(
                f"{file}: auto: a rule for {rule.preset} would fit every card.",
                "Give a label, a camera or an identity; label = '*' is all of them.",
            )
    for hook in found.hooks:
        _check_hook(hook, f"{file}: hooks")
    return {key: getattr(found, key) for key in table}


def named(name: str, presets: Mapping[str, Preset], place: str) -> Preset:
    """The preset of this name. Raises ConfigError, which names `place`."""
    if name in presets:
        return presets[name]
    if not presets:
        raise ConfigError(f"{place}: there is no preset {name}.", f"Write one: [presets.{name}].")
    raise unknown(place, name, presets)


def location(pattern: str, *, label: str, camera: str, today: date) -> str:
    """The name of a location: `pattern` with its LOCATION_FIELDS filled in. If that is blank, the label or today's
    date."""
    values = {
        "date": today.isoformat(),
        "year": f"{today:%Y}",
        "month": f"{today:%m}",
        "day": f"{today:%d}",
        "label": label,
        "camera": camera,
    }
    made = "".join(text + (values[field] if field else "") for text, field, _, _ in Formatter().parse(pattern))
    # An empty field may leave two blanks in a row.
    return " ".join(made.split()) or label or today.isoformat()


def _check_hook(hook: Hook, place: str) -> None:
    ways = (hook.command, hook.url, hook.mail, hook.apprise)
    if sum(map(bool, ways)) != 1:
        raise ConfigError(
            f"{place}: one has none or several of command, url, mail, apprise.",
            "Give one; write [[hooks]] for each.",
        )
    if hook.url is not None and not hook.url.startswith(("http://", "https://")):
        raise ConfigError(f"{place}: {hook.url} is no address.", "Begin it with https:// or http://.")
    if hook.mail is not None and (fault := hook.mail.fault()) != ("", ""):
        raise ConfigError(f"{place}: mail: {fault[0]}.", fault[1])
    if bad := next((url for url in hook.apprise if "://" not in url), None):
        raise ConfigError(
            f"{place}: apprise: {bad} is no URL.", "Write one as Apprise has it, such as ntfy://room."
        )


def _check_location(preset: Preset, place: str) -> None:
    try:
        parts = list(Formatter().parse(preset.location or ""))
    except ValueError as error:
        raise ConfigError(f"{place} is no pattern: {error}.", _EXAMPLE) from error
    for _, field, form, conversion in parts:
        if field is not None and (field not in LOCATION_FIELDS or form or conversion):
            raise ConfigError(f"{place} is no pattern: {{{field}}} is not known.", _EXAMPLE)
