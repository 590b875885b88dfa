"""The Slack scopes that the app needs, each with what for; a test proves the manifest equal."""

SCOPES = {
    "chat:write": "to post requests, outcomes and alerts",
    "commands": "to take /enroll-token",
    "files:read": "to read the uploaded server token file",
    "files:write": "to send the .pem file and the picture of all tokens, and to delete the "
    "uploaded file after use",
    "im:write": "to send the .pem file as a direct message",
    "usergroups:read": "to give roles to user groups",
    "users:read": "to know who is a full member, and whether an owner's account is switched off",
}
GROUPS_ONLY = {"usergroups:read"}
"""Needed only where a role names a user group."""


def missing(granted: frozenset[str], *, groups: bool) -> list[str]:
    """The scopes that are needed here and not granted."""
    needed = set(SCOPES) if groups else set(SCOPES) - GROUPS_ONLY
    return sorted(needed - granted)
