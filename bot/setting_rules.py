"""How each kind of setting is written: a type for each, which reads it or says what it takes."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from services.graph.strategy import CreateOrder, KeyText, TokenEncoding
from services.policy import Approvals
from storage.states import Action, ProgramName

PERSON_OR_GROUP = re.compile(r"[UWS][A-Z0-9]{2,20}")
CHANNEL = re.compile(r"[CG][A-Z0-9]{2,20}")
ORGANISATION = re.compile(r"[A-Za-z0-9-]{1,128}")
GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
DOMAIN = re.compile(r"([A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")
ON = frozenset({"on", "true", "yes", "1"})
FROM_OVERVIEW = "copy it from the page *Overview* of the app registration (docs/intune.md)"
OFF = frozenset({"off", "false", "no", "0"})
CERTIFICATE = "-----BEGIN CERTIFICATE-----"
PRIVATE_KEY = re.compile(r"-----BEGIN (RSA )?PRIVATE KEY-----")


def origin(url: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def on_loopback(url: str) -> bool:
    """Whether an address leads nowhere but to this machine."""
    host = urlsplit(url).hostname
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _people(value: object) -> tuple[str, ...]:
    return _each(value, PERSON_OR_GROUP, "ids of people (U… or W…) or groups (S…)")


def _organisations(value: object) -> tuple[str, ...]:
    return _each(value, ORGANISATION, "ids of organisations, as Apple writes them")


def _channel(value: str) -> str:
    if value and not CHANNEL.fullmatch(value):
        raise ValueError("takes the id of a channel (C… or G…), not its name")
    return value


def _programs(value: object) -> tuple[ProgramName, ...]:
    names = value if isinstance(value, tuple) else _words(str(value))
    if not names or not set(names) <= set(ProgramName):
        raise ValueError("takes apple, intune, or both")
    return tuple(ProgramName(name) for name in dict.fromkeys(names))


def _approvals(value: object) -> Approvals:
    if isinstance(value, Approvals):
        return value
    default, by_action = 1, {}
    for word in _words(str(value)):
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


def _keys(value: object) -> tuple[SecretStr, ...]:
    if isinstance(value, tuple):
        return value
    return tuple(SecretStr(entry) for word in _words(str(value)) for entry in _key_lines(word))


def _key_lines(word: str) -> tuple[str, ...]:
    if not word.startswith("file:"):
        return (word,)
    try:
        text = Path(word.removeprefix("file:")).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"names a file that cannot be read: {type(error).__name__}") from None
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _tenant(value: str) -> str:
    if not GUID.fullmatch(value) and not DOMAIN.fullmatch(value):
        raise ValueError("takes the tenant's id (a GUID) or a domain of it such as contoso.com")
    return value


def _client(value: str) -> str:
    if not GUID.fullmatch(value):
        raise ValueError(
            "takes the Application (client) ID, a GUID: it stands on the page *Overview* of the "
            "app registration"
        )
    return value


def _certificate_file(value: str) -> str:
    """The path of a PEM with both parts; whether they fit is seen when they are used."""
    try:
        text = Path(value).read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise ValueError(f"names a file that cannot be read: {type(error).__name__}") from None
    if CERTIFICATE not in text or not PRIVATE_KEY.search(text):
        raise ValueError(
            "names a file without a private key and a certificate: it takes a PEM with both, the "
            "key without a passphrase"
        )
    return value


def _switch(value: object) -> bool:
    word = str(value).strip().casefold()
    if word not in ON | OFF:
        raise ValueError("takes on or off")
    return word in ON


def _one_of(*words: str) -> BeforeValidator:
    """One of these words, in any case."""

    def read(value: object) -> str:
        word = str(value).strip().casefold()
        if word not in words:
            raise ValueError(f"takes {' or '.join(words)}")
        return word

    return BeforeValidator(read)


def entra_fault(
    *,
    tenant: str | None,
    client: str | None,
    secret: SecretStr | None,
    certificate: str | None,
    watch: bool,
) -> str | None:
    """What is wrong with the settings for Microsoft taken together; None where nothing is."""
    part = {
        "ENTRA_TENANT_ID": tenant,
        "ENTRA_CLIENT_SECRET": secret,
        "ENTRA_CLIENT_CERTIFICATE": certificate,
        "ENTRA_WATCH": watch or None,
    }
    given = [name for name, value in part.items() if value is not None]
    if client is None:
        return f"{given[0]} is set, but ENTRA_CLIENT_ID is not: {FROM_OVERVIEW}" if given else None
    if tenant is None:
        return f"ENTRA_CLIENT_ID is set, but ENTRA_TENANT_ID is not: {FROM_OVERVIEW}"
    if secret is not None and certificate is not None:
        return (
            "ENTRA_CLIENT_SECRET and ENTRA_CLIENT_CERTIFICATE are both set: remove the secret, or "
            "the certificate"
        )
    if secret is None and certificate is None:
        return (
            "ENTRA_CLIENT_ID is set, but neither ENTRA_CLIENT_SECRET nor ENTRA_CLIENT_CERTIFICATE "
            "is: make one on the page *Certificates & secrets* of the app registration"
        )
    return None


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.username is not None or parts.password is not None:
        raise ValueError("takes an address without a user and password in it")
    if parts.scheme != "https" and not (parts.scheme == "http" and on_loopback(value)):
        raise ValueError("takes an https address, or http to a loopback address")
    return value


def _slack_base(value: str) -> str:
    if not value.endswith("/api/"):
        raise ValueError("takes a base that ends in /api/")
    return value


def _without_path(value: str) -> str:
    if urlsplit(value).path not in {"", "/"}:
        raise ValueError("takes an origin without a path")
    return value


def _secret_address(value: SecretStr) -> SecretStr:
    _address(value.get_secret_value())
    if not urlsplit(value.get_secret_value()).hostname:
        raise ValueError("takes an https address, or http to a loopback address")
    return value


def _days(value: object) -> tuple[int, ...]:
    if isinstance(value, tuple):
        return value
    words = _words(str(value))
    if not all(word.isdecimal() and len(word) <= 3 and int(word) <= 365 for word in words):  # noqa: PLR2004 - a year of three digits
        raise ValueError("takes numbers of days from 0 to 365, such as 30,7,1")
    return tuple(sorted({int(word) for word in words}, reverse=True))


def _morning(value: str) -> str:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise ValueError("takes a time of day such as 09:00")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("takes an IANA name such as Europe/Berlin") from error
    return value


def _level(value: str) -> str:
    if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise ValueError("takes DEBUG, INFO, WARNING or ERROR")
    return value.upper()


def _log_form(value: str) -> str:
    if value not in {"text", "json"}:
        raise ValueError("takes text or json")
    return value


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


PeopleIds = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_people)]
OrganisationIds = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_organisations)]
ChannelId = Annotated[str, AfterValidator(_channel)]
ProgramNames = Annotated[tuple[ProgramName, ...], NoDecode, BeforeValidator(_programs)]
ApprovalsRequired = Annotated[Approvals, NoDecode, BeforeValidator(_approvals)]
Keys = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_keys)]
Address = Annotated[str, AfterValidator(_address)]
"""https, or http to a loopback address."""
SlackBase = Annotated[Address, AfterValidator(_slack_base)]
Origin = Annotated[Address, AfterValidator(_without_path)]
SecretAddress = Annotated[SecretStr, AfterValidator(_secret_address)]
"""An address whose path is a password."""
TenantId = Annotated[str, AfterValidator(_tenant)]
ClientId = Annotated[str, AfterValidator(_client)]
CertificateFile = Annotated[str, AfterValidator(_certificate_file)]
Switch = Annotated[bool, BeforeValidator(_switch)]
CreateOrderName = Annotated[CreateOrder, _one_of(*CreateOrder)]
TokenEncodingName = Annotated[TokenEncoding, _one_of(*TokenEncoding)]
PublicKeyForm = Annotated[str, _one_of("any", *KeyText)]
Days = Annotated[tuple[int, ...], NoDecode, BeforeValidator(_days)]
TimeOfDay = Annotated[str, AfterValidator(_morning)]
Zone = Annotated[str, AfterValidator(_zone)]
LogLevel = Annotated[str, AfterValidator(_level)]
LogForm = Annotated[str, AfterValidator(_log_form)]
