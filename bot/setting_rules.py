"""How each kind of setting is written: a type for each, which reads it or says what it takes."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from services.policy import Approvals
from storage.states import Action, ProgramName

PERSON_OR_GROUP = re.compile(r"[UWS][A-Z0-9]{2,20}")
CHANNEL = re.compile(r"[CG][A-Z0-9]{2,20}")
ORGANISATION = re.compile(r"[A-Za-z0-9-]{1,128}")


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
    if set(names) != {ProgramName.APPLE}:
        raise ValueError("takes apple; this release has no other program")
    return (ProgramName.APPLE,)


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
Days = Annotated[tuple[int, ...], NoDecode, BeforeValidator(_days)]
TimeOfDay = Annotated[str, AfterValidator(_morning)]
Zone = Annotated[str, AfterValidator(_zone)]
LogLevel = Annotated[str, AfterValidator(_level)]
LogForm = Annotated[str, AfterValidator(_log_form)]
