"""The settings in force as they may be shown: what each is, and where it comes from."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot.settings import Settings
from services.policy import Approvals


class Source(StrEnum):
    """Where a setting's value comes from."""

    ENVIRONMENT = "environment"
    """The process's environment, which wins."""
    FILE = "file"
    """`.env` in the working folder."""
    DEFAULT = "default"
    """Nobody set it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingShown:
    """One setting; a secret is `hidden`, and whether it has any `values` is all that is told."""

    name: str
    values: tuple[str, ...]
    hidden: bool
    source: Source


def sources(settings: Settings) -> list[SettingShown]:
    """Every setting in the order of the table in README, as the environment is now."""
    given = {name.casefold() for name, value in os.environ.items() if value}
    return [
        SettingShown(
            name=name.upper(),
            values=tuple(_values(name, getattr(settings, name))),
            hidden="SecretStr" in str(field.annotation) and name != "encryption_keys",
            source=_source(settings, name, given),
        )
        for name, field in type(settings).model_fields.items()
    ]


def _source(settings: Settings, name: str, given: set[str]) -> Source:
    if name not in settings.model_fields_set:
        return Source.DEFAULT
    return Source.ENVIRONMENT if name in given else Source.FILE


def _values(name: str, value: object) -> Iterator[str]:
    match value:
        case None | "":
            return
        case SecretStr():
            yield "set"
        case bool():
            yield "on" if value else "off"
        case tuple() if name == "encryption_keys":
            # What stands before the colon is a key's name; without a colon all of it is secret.
            for key in value:
                key_name, colon, _ = key.get_secret_value().partition(":")
                yield key_name if colon else "unnamed"
        case tuple():
            yield from (str(one) for one in value)
        case Approvals():
            yield from (f"{action}={count}" for action, count in value.by_action.items())
            yield str(value.default)
        case _:
            yield _without_password(str(value))


def _without_password(text: str) -> str:
    if "://" not in text or "@" not in text:
        return text
    try:
        password = urlsplit(text).password
    except ValueError:
        return "an address that cannot be read"
    return text.replace(f":{password}@", ":…@") if password else text
