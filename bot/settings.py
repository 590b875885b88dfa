"""Every setting: its name in the environment, its default, what it means.

A `.env` in the working folder is read too; the environment wins. README's table is made from here.
"""

from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.setting_rules import (
    Address,
    ApprovalsRequired,
    CertificateFile,
    ChannelId,
    ClientId,
    CreateOrderName,
    Days,
    Keys,
    LogForm,
    LogLevel,
    OrganisationIds,
    Origin,
    PeopleIds,
    ProgramNames,
    PublicKeyForm,
    SecretAddress,
    SlackBase,
    Switch,
    TenantId,
    TimeOfDay,
    TokenEncodingName,
    Zone,
    entra_fault,
    on_loopback,
    origin,
)
from services.calendar import Calendar
from services.errors import ConfigurationError
from services.graph.strategy import CreateOrder, TokenEncoding
from services.policy import Approvals
from storage.states import ProgramName

ENV_FILE = Path(".env")
SLACK_API = "https://slack.com/api/"
APPLE = "https://mdmenrollment.apple.com"
GRAPH = "https://graph.microsoft.com"
ENTRA_LOGIN = "https://login.microsoftonline.com"
MICROSOFT = ("graph_url", "entra_login_url")
ADDRESSES = ("slack_api_url", "apple_enrollment_url", *MICROSOFT, "clock_url")
"""The settings that are addresses."""

NO_DELIVERY = (
    "Neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET is set, so Slack cannot deliver anything. "
    "Set SLACK_APP_TOKEN (Socket Mode): make it on the page *Basic Information* of the Slack app, "
    "under *App-Level Tokens*. Or set SLACK_SIGNING_SECRET (HTTP mode) from the same page."
)


def _usual_programs(settings: dict[str, object]) -> tuple[ProgramName, ...]:
    """Apple's, and Intune's where Microsoft can be asked."""
    asked = settings.get("entra_client_id") is not None
    return (ProgramName.APPLE, ProgramName.INTUNE) if asked else (ProgramName.APPLE,)


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
    slack_api_url: SlackBase = Field(
        SLACK_API,
        description="Base of Slack's API, ends in `/api/`. When set, files come only from its "
        "origin, else from Slack's file host.",
    )
    operators: PeopleIds = Field(
        (), description="People and groups who start requests (ids, comma-separated)."
    )
    approvers: PeopleIds = Field((), description="People and groups who decide on requests.")
    admins: PeopleIds = Field((), description="People and groups who get incidents.")
    viewers: PeopleIds = Field(
        (), description="People and groups who may look; empty: the operators."
    )
    approvals_required: ApprovalsRequired = Field(
        Approvals(by_action={}),
        description="How many approvals a guarded action needs: a number, or pairs such as "
        "`create=2`. With 0 an action runs at once.",
        validate_default=False,
    )
    alert_channel: ChannelId = Field(
        description="The channel that gets alerts and outcomes (`C…`)."
    )
    approval_channel: ChannelId = Field(
        "", description="The channel that gets requests; empty: the alert channel."
    )
    apple_organisations: OrganisationIds = Field(
        (),
        description="The ids of the Apple organisations whose tokens are taken; empty: any, and a "
        "new one is announced.",
    )
    database_url: str = Field(
        "sqlite+aiosqlite:///data/enroll-token.db",
        description="The database; a relative path is relative to the working folder.",
    )
    encryption_keys: Keys = Field(
        description="`name:base64 of 32 bytes`, comma-separated, or `file:PATH` with one such "
        "line per key. The first seals, all open. Make one with `enroll-token keys new`."
    )
    apple_enrollment_url: Origin = Field(
        APPLE, description="Origin of Apple's device-enrollment service."
    )
    graph_url: Origin = Field(GRAPH, description="Origin of Microsoft Graph.")
    entra_login_url: Origin = Field(
        ENTRA_LOGIN, description="Origin at which Microsoft Entra gives access tokens."
    )
    entra_tenant_id: TenantId | None = Field(
        None, description="The tenant: its id, or a domain of it. See docs/intune.md."
    )
    entra_client_id: ClientId | None = Field(
        None,
        description="The application (client) id of the app registration through which Microsoft "
        "is asked; empty: it is not asked.",
    )
    entra_client_secret: SecretStr | None = Field(
        None, description="A client secret of that app registration. A certificate is safer."
    )
    entra_client_certificate: CertificateFile | None = Field(
        None,
        description="Instead of a secret: the path of a PEM file with the private key and the "
        "certificate that the app registration has.",
    )
    entra_watch: Switch = Field(
        default=False,
        description="`on`: look every hour whether a token's Apple ID is the account of somebody "
        "in Entra who was disabled, was deleted, or has a newer password than the token.",
    )
    intune_create_order: CreateOrderName = Field(
        CreateOrder.ENTRY_FIRST,
        description="Full mode: `entry_first`, or `key_first` where Intune wants the key before "
        "the entry. What no document settles; see docs/intune.md.",
    )
    intune_token_encoding: TokenEncodingName = Field(
        TokenEncoding.SMIME,
        description="Full mode: how Intune is given the file, as its text (`smime`) or `base64`.",
    )
    intune_public_key: PublicKeyForm = Field(
        "any", description="In which form Intune gives its public key: `any`, `pem` or `base64`."
    )
    programs: ProgramNames = Field(
        default_factory=_usual_programs,
        description="Which kinds of token are offered: `apple`, `intune` or both. `intune` without "
        "`ENTRA_CLIENT_ID`: people enter what the admin center shows.",
    )
    reminder_days: Days = Field(
        (60, 30, 14, 7, 3, 1, 0),
        description="Days before a token's end on which people are reminded; after it, daily.",
        validate_default=False,
    )
    sync_every: int = Field(43200, ge=1, description="Seconds between syncs of a token.")
    health_every: int = Field(
        21600, ge=1, description="Seconds between looks at a token's health at its holder."
    )
    tick_every: int = Field(30, ge=1, description="Seconds between looks at what is due.")
    time_zone: Zone = Field("UTC", description="The zone in which dates are shown (IANA name).")
    clock_url: Address | None = Field(
        None,
        description="A sandbox's clock, which the bot then goes by; refused unless every address "
        "is on loopback. Empty: the machine's time.",
    )
    day_starts: TimeOfDay = Field(
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
    heartbeat_url: SecretAddress | None = Field(
        None,
        description="An address that is called once per healthy minute, so that silence is seen; "
        "empty: off.",
    )
    log_level: LogLevel = Field("INFO", description="`DEBUG`, `INFO`, `WARNING` or `ERROR`.")
    log_format: LogForm = Field("text", description="`text` or `json`.")

    @model_validator(mode="after")
    def _whole(self) -> "Settings":
        self._entra_whole()
        if self.clock_url is not None:
            self._all_on_loopback()
        return self

    def _entra_whole(self) -> None:
        said = entra_fault(
            tenant=self.entra_tenant_id,
            client=self.entra_client_id,
            secret=self.entra_client_secret,
            certificate=self.entra_client_certificate,
            watch=self.entra_watch,
        )
        if said is not None:
            raise ValueError(said)

    def _all_on_loopback(self) -> None:
        # With a moved clock reminders and expiry are wrong: nothing real may hang on them.
        # Without an app registration nobody calls Microsoft, unless somebody set its addresses.
        unused = set() if self.entra_client_id else set(MICROSOFT) - self.model_fields_set
        addresses = {name: getattr(self, name) for name in ADDRESSES if name not in unused}
        if self.heartbeat_url is not None:
            addresses["heartbeat_url"] = self.heartbeat_url.get_secret_value()
        for name, address in addresses.items():
            if not on_loopback(address):
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
        said = " ".join(
            _said(dict(one))
            for one in error.errors(include_input=False)
            # A default that follows from other settings is no fault of its own.
            if one["type"] != "default_factory_not_called"
        )
        raise ConfigurationError(f"settings: {said}", user_message=said) from None


def unknown_names() -> list[str]:
    """Names in `.env` that no setting has: most often a slip of the finger."""
    if not ENV_FILE.is_file():
        return []
    known = {name.upper() for name in Settings.model_fields}
    return sorted(name for name in dotenv_values(ENV_FILE) if name.upper() not in known)


def _said(error: Mapping[str, object]) -> str:
    place = error["loc"]
    name = str(place[0]).upper() if isinstance(place, tuple) and place else ""
    if error["type"] == "missing":
        return f"{name} is not set: see the table of settings in README."
    text = str(error["msg"]).removeprefix("Value error, ")
    return f"{name} {text}.".strip()
