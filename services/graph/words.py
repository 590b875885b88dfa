"""What Intune shows and refuses, in words for those who did the steps there."""

from collections.abc import Collection, Sequence
from datetime import datetime

from services.errors import Refused
from services.graph.errors import GraphError, GraphTrouble
from services.graph.messages import Setting
from services.phrases import quoted
from storage.records import Token

MOST_NAMED = 5


def refusal_words(error: GraphError) -> str:
    """Why Microsoft refused, with the number by which Microsoft finds it."""
    plain = error.trouble is GraphTrouble.REFUSED and error.message
    said = f"Microsoft says: {quoted(error.message)}." if plain else error.user_message
    return f"{said} (request-id {error.request_id})" if error.request_id else said


def deleted_there(token: Token) -> Refused:
    """The token that is to be renewed is not in Intune any more."""
    return Refused(
        f"setting {token.holder_id} is gone",
        user_message=f"Intune does not have {quoted(token.name)} any more: somebody deleted it in "
        "the admin center, so there is nothing to renew. Nothing of yours is lost. Cancel this "
        "request, and ask for a new token with `/enroll-token create`.",
    )


NO_CERTIFICATE = (
    "Intune shows no certificate for this token, so I cannot tell whether a file is for it."
)


def entry_gone(token: Token) -> str:
    """The entry that we made for a new token is not in Intune any more."""
    return (
        f"The entry that I made in Intune for {quoted(token.name)} was deleted there, and its key "
        "with it: the file that was made for it is of no use any more."
    )


def still(setting: Setting, since: datetime | None) -> str:
    """That Intune shows the old end."""
    name, ends = quoted(setting.name or "without a name"), _day(setting.expires_at)
    moved = setting.modified_at and since and setting.modified_at > since
    changed = " Something of it was changed since, but not its end." if moved else ""
    return (
        f"Intune still shows {name} with its expiry date {ends}.{changed} Look in the admin center "
        "whether the renewal went to its end there, on this very token."
    )


def other_tags(setting: Setting, wanted: Collection[str]) -> str:
    """That the scope tags are not those that were asked for."""
    there, asked = (
        quoted(", ".join(sorted(tags)) or "none") for tags in (setting.scope_tags, wanted)
    )
    return (
        f"In Intune it has the scope tags {there}, but {asked} were asked for: set them in the "
        "admin center if they matter."
    )


def no_entry() -> str:
    """That Intune shows no new entry."""
    return (
        "Intune shows no new token since you got the steps. Look in the admin center whether it is "
        "in the list: if the tab was closed before *Create*, begin again with the first step."
    )


def several(token: Token, found: Sequence[Setting]) -> Refused:
    """More than one entry might be the new token."""
    return Refused(
        f"{len(found)} entries may be token {token.id}",
        user_message=f"Intune shows {len(found)} new tokens that may be {quoted(token.name)}: "
        f"{_named(found)}. Nobody can tell which one is meant. Give the right one this very name "
        "in the admin center and the others another one, or delete them, then press *Done* again.",
    )


def other_names(token: Token, found: Sequence[Setting]) -> Refused:
    """The new entries have other names, and several tokens are being made."""
    return Refused(
        f"no new entry is called like token {token.id}",
        user_message=f"Intune shows new tokens, but none is called {quoted(token.name)}: "
        f"{_named(found)}. Give the right one this very name in the admin center, then press "
        "*Done* again.",
    )


def _named(found: Sequence[Setting]) -> str:
    names = [
        f"{quoted(one.name or 'without a name')} until {_day(one.expires_at)}"
        for one in found[:MOST_NAMED]
    ]
    more = len(found) - MOST_NAMED
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def _day(at: datetime | None) -> str:
    return f"{at.day} {at:%B} {at.year}" if at else "not told"
