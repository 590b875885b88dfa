"""The Slack scopes: those the app asks for, each with what for, and those it can do more with.

A test proves the manifest equal to the first. What Slack granted is told by a header of its
answers; an answer without it means that we do not know, not that there is none.
"""

from collections.abc import Mapping

SCOPES = {
    "channels:read": "to see that a public channel is not shared with another organisation",
    "chat:write": "to post requests, outcomes and alerts",
    "commands": "to take /enroll-token",
    "files:read": "to read the uploaded server token file",
    "files:write": "to send the .pem file and the picture of all tokens, and to delete the "
    "uploaded file after use",
    "groups:read": "to see that a private channel is not shared with another organisation",
    "im:write": "to send the .pem file as a direct message",
    "usergroups:read": "to give roles to user groups",
    "users:read": "to know who is a full member, and whether an owner's account is switched off",
}
GROUPS_ONLY = {"usergroups:read"}
"""Needed only where a role names a user group."""
SHARING = {"channels:read", "groups:read"}
"""The start goes on without them; `check` names what is then not looked at."""
LOOKING = {
    "channels:history": "to look in public channels whether a message arrived",
    "groups:history": "the same in private channels",
    "im:history": "the same in the bot's direct messages",
}
"""Not in the manifest: with them a message whose answer was lost is looked for, not repeated."""
SCOPES_HEADER = "x-oauth-scopes"


def missing(granted: frozenset[str], *, groups: bool) -> list[str]:
    """The scopes that a start needs here and that are not granted."""
    needed = set(SCOPES) - SHARING
    return sorted((needed if groups else needed - GROUPS_ONLY) - granted)


def told(headers: Mapping[str, str]) -> frozenset[str] | None:
    """The scopes that an answer of Slack's tells of; None if it tells of none."""
    header = headers.get(SCOPES_HEADER) or headers.get(SCOPES_HEADER.title())
    return frozenset(part.strip() for part in header.split(",")) if header else None


class Granted:
    """The scopes as Slack last told them; a reinstalled app may have others."""

    def __init__(self, scopes: frozenset[str] | None = None) -> None:
        self._scopes = scopes

    def note(self, headers: Mapping[str, str]) -> None:
        """Take over what an answer tells, if it tells."""
        self._scopes = told(headers) or self._scopes

    def may(self, *scopes: str) -> bool:
        """Whether one of the scopes is there, or may be."""
        return self._scopes is None or not self._scopes.isdisjoint(scopes)
