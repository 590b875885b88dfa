"""How a method says no, and which noes the app brought upon itself."""

from typing import Any

from tests.sandbox.slack.conversations import Channel
from tests.sandbox.slack.reading import Json
from tests.sandbox.slack.team import Team

BLAMED = frozenset(
    {
        "expired_trigger_id",
        "exchanged_trigger_id",
        "invalid_arguments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_json",
        "invalid_metadata_format",
        "invalid_post_type",
        "invalid_trigger_id",
        "json_not_object",
        "markdown_text_conflict",
        "msg_too_long",
        "no_text",
        "not_authed",
        "push_limit_reached",
        "unknown_method",
        "view_too_large",
    }
)
"""Errors that a well-made app never meets, whatever the workspace is like."""


class Refused(Exception):
    """The method answers with an error of Slack's."""

    def __init__(self, error: str, **more: Any) -> None:  # noqa: ANN401 - JSON
        super().__init__(error)
        self.error = error
        self.more = more

    @classmethod
    def for_reasons(cls, error: str, reasons: list[str]) -> "Refused":
        """Make the answer that carries an explanation in its response_metadata."""
        return cls(error, errors=reasons, response_metadata={"messages": reasons})

    def to_answer(self) -> Json:
        """Make the JSON body of the answer."""
        return {"ok": False, "error": self.error, **self.more}


def channel_for(team: Team, channel_id: str) -> Channel:
    """Find a conversation the app can know of."""
    channel = team.channels.get(channel_id)
    hidden = channel is not None and channel.is_private and not channel.is_im
    if channel is None or channel.is_deleted:
        raise Refused("channel_not_found")
    if hidden and team.bot_user_id not in channel.members:
        raise Refused("channel_not_found")
    return channel


def need(team: Team, scope: str) -> None:
    """Refuse unless the bot's token has the scope."""
    if scope not in team.token.scopes:
        provided = ",".join(sorted(team.token.scopes))
        raise Refused("missing_scope", needed=scope, provided=provided)
