"""What channels and admins are told: a token in use, a channel that is closed."""

from zoneinfo import ZoneInfo

from bot.views.blocks import Message, context, section
from bot.views.request_card import RequestFacts
from bot.views.steps import account
from bot.views.wording import day, escape, mention
from storage.states import Verdict


def token_active(shown: RequestFacts, zone: ZoneInfo) -> Message:
    """A token came into use: what it is, who asked, who approved."""
    token, request = shown.token, shown.request
    name = escape(token.name)
    expiry = day(token.expires_at, zone) if token.expires_at else "a date that is not told"
    by = [mention(one.person) for one in shown.decisions if one.verdict is Verdict.APPROVE]
    approved = f"approved by {', '.join(by)}" if by else "without approval (none is needed here)"
    blocks = [
        section(f":white_check_mark: *{name} is in use until {expiry}.*"),
        *account(token),
        context(
            f"Asked for by {mention(request.requester)}, {approved}. Owner: {mention(token.owner)}."
        ),
    ]
    return Message(text=f"{name} is in use until {expiry}", blocks=blocks)


def channel_closed(channel: str, error: str) -> Message:
    """Messages wait because a channel does not take them; for the admins."""
    text = (
        f":warning: I cannot post in <#{channel}> (Slack says `{escape(error)}`). My messages for "
        "it wait and are tried again every ten minutes. Invite me there with `/invite`, or set "
        "ALERT_CHANNEL or APPROVAL_CHANNEL to another channel and start me again."
    )
    return Message(text="I cannot post in a channel", blocks=[section(text)])
