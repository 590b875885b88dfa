"""What channels and admins are told: a token in use, a channel that is closed."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from bot.views.blocks import Message, context, section
from bot.views.request_card import RequestFacts
from bot.views.steps import account
from bot.views.wording import PORTALS, day, escape, mention, owner
from services.posting import SHARED
from storage.states import Action, ProgramName, Verdict

REMOVED = {
    ProgramName.APPLE: "*The devices of {name} are removed here.* Their profiles were taken off at "
    "Apple as far as it let us, and its syncs have stopped. Devices already enrolled stay with "
    "their MDM.",
    ProgramName.INTUNE: "*The devices of {name} are removed here* and deleted in Intune, and its "
    "syncs from here have stopped. Those that are still assigned to its server at {portal} come "
    "back at Intune's next full sync.",
}
DELETED = {
    ProgramName.APPLE: "*{name} is deleted.* Its keys and credentials are overwritten; copies in "
    "backups can be read with the key-encryption key until those are gone. The audit log stays.\n"
    "The server *{server}* still stands at {portal}: open {menu}, choose it, and delete it there.",
    ProgramName.INTUNE: "*{name} is deleted.* Intune does not have it any more. The audit log "
    "stays.\nThe server *{server}* still stands at {portal}: open {menu}, choose it, and delete it "
    "there.",
}
"""What is true after it, by who held the token; a test proves that none is missing."""
BY_WORD = {
    Action.DELETE: "*{name} is deleted*, by the word of who did it in Intune: this app cannot "
    "look. The audit log stays.\nThe server *{server}* still stands at {portal}: open {menu}, "
    "choose it, and delete it there.",
    Action.REMOVE: "*The devices of {name} are removed here*, by the word of who deleted them in "
    "Intune: this app cannot look. Those that are still assigned to its server at {portal} come "
    "back at Intune's next full sync.",
}
"""The same where nobody can ask Intune."""


def token_active(shown: RequestFacts, zone: ZoneInfo) -> Message:
    """A token came into use: what it is, who asked, who approved."""
    token, request = shown.token, shown.request
    name = escape(token.name)
    expiry = day(token.expires_at, zone) if token.expires_at else "a date that is not told"
    by = [mention(one.person) for one in shown.decisions if one.verdict is Verdict.APPROVE]
    unasked = "it was downloaded already" if request.approvals_required else "none is needed here"
    approved = f"approved by {', '.join(by)}" if by else f"without approval ({unasked})"
    verb = {Action.RENEW: "is renewed:", Action.REPLACE: "has another server now:"}
    now = f"{name} {verb.get(request.action, 'is')} in use until {expiry}"
    blocks = [
        section(f":white_check_mark: *{now}.*"),
        *account(token),
        context(
            f"Asked for by {mention(request.requester)}, {approved}. Owner: {owner(token.owner)}."
        ),
    ]
    return Message(text=now, blocks=blocks)


def token_gone(shown: RequestFacts) -> Message:
    """A token was deleted, or its devices removed here."""
    request, token = shown.request, shown.token
    name, portal = escape(token.name), PORTALS[token.portal]
    by = [mention(one.person) for one in shown.decisions if one.verdict is Verdict.APPROVE]
    approved = f"approved by {', '.join(by)}" if by else "without approval (none is needed here)"
    who = context(f"Asked for by {mention(request.requester)}, {approved}.")
    removes = request.action is Action.REMOVE
    words = (REMOVED if removes else DELETED)[token.program]
    if token.program is ProgramName.INTUNE and token.holder_id is None:
        words = BY_WORD[request.action]
    text = words.format(
        name=name,
        server=escape(token.server_name),
        portal=f"<{portal.url}|{portal.name}>",
        menu=portal.menu,
    )
    title = f"The devices of {name} are removed here" if removes else f"{name} is deleted"
    return Message(text=title, blocks=[section(text), who])


def channel_closed(channel: str, error: str) -> Message:
    """Messages wait because a channel does not take them, or may not have them; for the admins."""
    if error == SHARED:
        why = (
            f"I do not post in <#{channel}>, because people of another organisation see it or are "
            "invited to it. Stop sharing it"
        )
    else:
        why = (
            f"I cannot post in <#{channel}> (Slack says `{escape(error)}`). Invite me there with "
            "`/invite`"
        )
    text = (
        f":warning: {why}, or set ALERT_CHANNEL or APPROVAL_CHANNEL to another channel and start "
        "me again. My messages for it wait, and are tried again every ten minutes."
    )
    return Message(text="I cannot post in a channel", blocks=[section(text)])


def message_refused(facts: Mapping[str, str]) -> Message:
    """A message was given up because Slack will never take it; for the admins."""
    destination = facts["destination"]
    place = f"<#{destination}>" if destination.startswith(("C", "G")) else mention(destination)
    kind = escape(facts["kind"].replace("_", " "))
    text = (
        f":warning: A message of mine for {place} ({kind}) could not be posted and is given up: "
        f"`{escape(facts['error'])}`. What it told of has happened all the same: look at "
        "`/enroll-token list` and `history`. In the log it is number "
        f"{escape(facts['number'])} of the outbox; more of the same today are only there."
    )
    return Message(text="A message of mine could not be posted", blocks=[section(text)])
