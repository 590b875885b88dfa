"""Every setting: its name in the environment, its default, what it means.

A `.env` in the working folder is read too; the environment wins. README's table is made from here.
"""

import ipaddress
import re
from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.calendar import Calendar
from services.errors import ConfigurationError
from services.policy import Approvals
from storage.states import Action, ProgramName

ENV_FILE = Path(".env")
PERSON_OR_GROUP = re.compile(r"[UWS][A-Z0-9]{2,20}")
CHANNEL = re.compile(r"[CG][A-Z0-9]{2,20}")
ORGANISATION = re.compile(r"[A-Za-z0-9-]{1,128}")
SLACK_API = "https://slack.com/api/"
APPLE = "https://mdmenrollment.apple.com"
ADDRESSES = ("slack_api_url", "apple_enrollment_url", "clock_url")
"""The settings that are addresses."""

NO_DELIVERY = (
    "Neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET is set, so Slack cannot deliver anything. "
    "Set SLACK_APP_TOKEN (Socket Mode): make it on the page *Basic Information* of the Slack app, "
    "under *App-Level Tokens*. Or set SLACK_SIGNING_SECRET (HTTP mode) from the same page."
)

Words = Annotated[tuple[str, ...], NoDecode]
"""A comma-separated list."""


class Settings(BaseSettings):
    """The deployment's settings, checked."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE, extra="ignore", frozen=True, env_ignore_empty=True
    )

    slack_bot_token: SecretStr = Field(description="The bot token of the Slack app, `xoxb-…`.")
    slack_app_token: SecretStr | None = Field(
        None, description="The app token, `xapp-…`: Socket Mode, without a public address."
    )
    slack_signing_secret: SecretStr | None = Field(
        None,
        description="The signing secret of the Slack app: HTTP mode, where no app token is set.",
    )
    slack_api_url: str = Field(
        SLACK_API,
        description="Base of Slack's API, ends in `/api/`. When set, files come only from its "
        "origin, else from Slack's file host.",
    )
    operators: Words = Field(
        (), description="People and groups who start requests (ids, comma-separated)."
    )
    approvers: Words = Field((), description="People and groups who decide on requests.")
    admins: Words = Field((), description="People and groups who get incidents.")
    viewers: Words = Field((), description="People and groups who may look; empty: the operators.")
    approvals_required: Annotated[Approvals, NoDecode] = Field(
        Approvals(by_action={}),
        description="How many approvals a guarded action needs: a number, or pairs such as "
        "`create=2`. With 0 an action runs at once.",
        validate_default=False,
    )
    alert_channel: str = Field(description="The channel that gets alerts and outcomes (`C…`).")
    approval_channel: str = Field(
        "", description="The channel that gets requests; empty: the alert channel."
    )
    apple_organisations: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="The ids of the Apple organisations whose tokens are taken; empty: any, and a "
        "new one is announced.",
    )
    programs: Annotated[tuple[ProgramName, ...], NoDecode] = Field(
        (ProgramName.APPLE,), description="Which kinds of token are offered: `apple`."
    )
    database_url: str = Field(
        "sqlite+aiosqlite:///data/enroll-token.db",
        description="The database; a relative path is relative to the working folder.",
    )
    encryption_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        description="`name:base64 of 32 bytes`, comma-separated, or `file:PATH` with one such "
        "line per key. The first seals, all open. Make one with `enroll-token keys new`."
    )
    apple_enrollment_url: str = Field(
        APPLE, description="Origin of Apple's device-enrollment service."
    )
    reminder_days: Annotated[tuple[int, ...], NoDecode] = Field(
        (60, 30, 14, 7, 3, 1, 0),
        description="Days before a token's end on which people are reminded; after it, daily.",
        validate_default=False,
    )
    sync_every: int = Field(43200, ge=1, description="Seconds between syncs of a token.")
    health_every: int = Field(
        21600, ge=1, description="Seconds between looks at a token's health at its holder."
    )
    tick_every: int = Field(30, ge=1, description="Seconds between looks at what is due.")
    time_zone: str = Field("UTC", description="The zone in which dates are shown (IANA name).")
    clock_url: str | None = Field(
        None,
        description="A sandbox's clock, which the bot then goes by; refused unless every address "
        "is on loopback. Empty: the machine's time.",
    )
    day_starts: str = Field(
        "09:00", description="When reminders and the digest are due in that zone (`HH:MM`)."
    )
    host: str = Field("127.0.0.1", description="The address that `serve` listens on.")
    port: int = Field(3000, ge=1, le=65535, description="The port that `serve` listens on.")
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="The port on which `GET /metrics` answers, for Prometheus; empty: off.",
    )
    heartbeat_url: SecretStr | None = Field(
        None,
        description="An address that is called once per healthy minute, so that silence is seen; "
        "empty: off.",
    )
    log_level: str = Field("INFO", description="`DEBUG`, `INFO`, `WARNING` or `ERROR`.")
    log_format: str = Field("text", description="`text` or `json`.")

    @field_validator("operators", "approvers", "admins", "viewers", mode="before")
    @classmethod
    def _people(cls, value: object) -> tuple[str, ...]:
        return _each(value, PERSON_OR_GROUP, "ids of people (U… or W…) or groups (S…)")

    @field_validator("apple_organisations", mode="before")
    @classmethod
    def _organisations(cls, value: object) -> tuple[str, ...]:
        return _each(value, ORGANISATION, "ids of organisations, as Apple writes them")

    @field_validator("alert_channel", "approval_channel")
    @classmethod
    def _channel(cls, value: str) -> str:
        if value and not CHANNEL.fullmatch(value):
            raise ValueError("takes the id of a channel (C… or G…), not its name")
        return value

    @field_validator("approvals_required", mode="before")
    @classmethod
    def _approvals(cls, value: object) -> Approvals:
        return value if isinstance(value, Approvals) else _parse_approvals(str(value))

    @field_validator("programs", mode="before")
    @classmethod
    def _programs(cls, value: object) -> tuple[ProgramName, ...]:
        names = value if isinstance(value, tuple) else _words(str(value))
        if set(names) != {ProgramName.APPLE}:
            raise ValueError("takes apple; this release has no other program")
        return (ProgramName.APPLE,)

    @field_validator("encryption_keys", mode="before")
    @classmethod
    def _keys(cls, value: object) -> tuple[SecretStr, ...]:
        if isinstance(value, tuple):
            return value
        return tuple(SecretStr(entry) for word in _words(str(value)) for entry in _key_lines(word))

    @field_validator(*ADDRESSES)
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.username is not None or parts.password is not None:
            raise ValueError("takes an address without a user and password in it")
        if parts.scheme != "https" and not (parts.scheme == "http" and _loopback(parts.hostname)):
            raise ValueError("takes an https address, or http to a loopback address")
        return value

    @field_validator("heartbeat_url")
    @classmethod
    def _heartbeat(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            cls._address(value.get_secret_value())
            if not urlsplit(value.get_secret_value()).hostname:
                raise ValueError("takes an https address, or http to a loopback address")
        return value

    @field_validator("reminder_days", mode="before")
    @classmethod
    def _days(cls, value: object) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        words = _words(str(value))
        if not all(word.isdecimal() and len(word) <= 3 and int(word) <= 365 for word in words):  # noqa: PLR2004 - a year of three digits
            raise ValueError("takes numbers of days from 0 to 365, such as 30,7,1")
        return tuple(sorted({int(word) for word in words}, reverse=True))

    @field_validator("day_starts")
    @classmethod
    def _morning(cls, value: str) -> str:
        if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
            raise ValueError("takes a time of day such as 09:00")
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("takes an IANA name such as Europe/Berlin") from error
        return value

    @field_validator("log_level")
    @classmethod
    def _level(cls, value: str) -> str:
        if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise ValueError("takes DEBUG, INFO, WARNING or ERROR")
        return value.upper()

    @field_validator("log_format")
    @classmethod
    def _format(cls, value: str) -> str:
        if value not in {"text", "json"}:
            raise ValueError("takes text or json")
        return value

    @model_validator(mode="after")
    def _whole(self) -> "Settings":
        if not self.slack_api_url.endswith("/api/"):
            raise ValueError("SLACK_API_URL takes a base that ends in /api/")
        if urlsplit(self.apple_enrollment_url).path not in {"", "/"}:
            raise ValueError("APPLE_ENROLLMENT_URL takes an origin without a path")
        if self.clock_url is not None:
            self._all_on_loopback()
        return self

    def _all_on_loopback(self) -> None:
        # With a moved clock reminders and expiry are wrong: nothing real may hang on them.
        addresses = {name: getattr(self, name) for name in ADDRESSES}
        if self.heartbeat_url is not None:
            addresses["heartbeat_url"] = self.heartbeat_url.get_secret_value()
        for name, address in addresses.items():
            if not _loopback(urlsplit(address).hostname):
                raise ValueError(
                    "CLOCK_URL is for a sandbox alone: it is refused while "
                    f"{name.upper()} is not a loopback address"
                )

    @property
    def requests_channel(self) -> str:
        """Where requests are posted."""
        return self.approval_channel or self.alert_channel

    @property
    def file_origin(self) -> str:
        """Where uploaded files may be read from, and nowhere else."""
        if self.slack_api_url == SLACK_API:
            return "https://files.slack.com"
        return origin(self.slack_api_url)

    @property
    def sync_interval(self) -> timedelta:
        """How long a sync's result is good for."""
        return timedelta(seconds=self.sync_every)

    @property
    def calendar(self) -> Calendar:
        """The days as people count them here."""
        return Calendar(zone=ZoneInfo(self.time_zone), starts=time.fromisoformat(self.day_starts))

    def other_addresses(self) -> list[str]:
        """The addresses that are not the default, to be named at start."""
        fields = type(self).model_fields
        named = [
            f"{name.upper()}={getattr(self, name)}"
            for name in ADDRESSES
            if getattr(self, name) != fields[name].default
        ]
        if self.heartbeat_url is not None:
            # Whoever knows its path can call it, so the path is not shown.
            named.append(f"HEARTBEAT_URL={origin(self.heartbeat_url.get_secret_value())}")
        return named


def load_settings(kind: type[Settings] = Settings) -> Settings:
    """The settings in force. Raises ConfigurationError: one sentence for each that is wrong."""
    try:
        return kind()  # type: ignore[call-arg]  # the environment gives the required ones
    except ValidationError as error:
        said = " ".join(_said(dict(one)) for one in error.errors(include_input=False))
        raise ConfigurationError(f"settings: {said}", user_message=said) from None


def unknown_names() -> list[str]:
    """Names in `.env` that no setting has: most often a slip of the finger."""
    if not ENV_FILE.is_file():
        return []
    known = {name.upper() for name in Settings.model_fields}
    return sorted(name for name in dotenv_values(ENV_FILE) if name.upper() not in known)


def origin(url: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _said(error: Mapping[str, object]) -> str:
    place = error["loc"]
    name = str(place[0]).upper() if isinstance(place, tuple) and place else ""
    if error["type"] == "missing":
        return f"{name} is not set: see the table of settings in README."
    text = str(error["msg"]).removeprefix("Value error, ")
    return f"{name} {text}.".strip()


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _each(value: object, form: re.Pattern[str], what: str) -> tuple[str, ...]:
    words = value if isinstance(value, tuple) else _words(str(value))
    for word in words:
        if not form.fullmatch(word):
            raise ValueError(f"takes {what}; {_shown(word)} is none")
    return words


def _shown(word: str) -> str:
    # A secret that was pasted into the wrong place is not repeated.
    return "a Slack token" if word.startswith(("xox", "xapp")) else repr(word[:40])


def _parse_approvals(text: str) -> Approvals:
    default, by_action = 1, {}
    for word in _words(text):
        action, equals, number = word.rpartition("=")
        if not number.isdecimal() or (equals and action not in set(Action)):
            raise ValueError(
                f"takes a number, or pairs such as create=2; {_shown(word)} is neither"
            )
        if equals:
            by_action[action] = int(number)
        else:
            default = int(number)
    return Approvals(default=default, by_action=by_action)


def _key_lines(word: str) -> tuple[str, ...]:
    if not word.startswith("file:"):
        return (word,)
    try:
        text = Path(word.removeprefix("file:")).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"names a file that cannot be read: {type(error).__name__}") from None
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
