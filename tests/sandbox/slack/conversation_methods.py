"""The conversations, users and usergroups methods, and auth.test."""

from base64 import b64decode, b64encode

from tests.sandbox.slack.conversations import Channel, Message
from tests.sandbox.slack.members import Kind
from tests.sandbox.slack.reading import Json
from tests.sandbox.slack.refusals import Refused, channel_for, need
from tests.sandbox.slack.team import Team


def auth_test(team: Team, _arguments: Json) -> Json:
    """Say whose token it is."""
    return {
        "url": f"https://{team.domain}.slack.com/",
        "team": team.domain,
        "user": team.people[team.bot_user_id].name,
        "team_id": team.team_id,
        "user_id": team.bot_user_id,
        "bot_id": team.bot_id,
        "is_enterprise_install": False,
    }


def connections_open(team: Team, _arguments: Json) -> Json:
    """Hand out the address of a Socket Mode connection, where that is served."""
    if team.open_socket is None:
        raise Refused("socket_mode_not_served")
    return {"url": team.open_socket()}


def open_conversation(team: Team, arguments: Json) -> Json:
    """Open the direct messages with one person."""
    if arguments.get("channel"):
        channel = channel_for(team, str(arguments["channel"]))
        if not channel.is_im:
            raise Refused("method_not_supported_for_channel_type")
        return {"channel": channel.to_channel()}
    users = [user for user in str(arguments["users"]).split(",") if user]
    if len(users) > 1:
        need(team, "mpim:write")
        raise Refused("too_many_users")
    person = team.people.get(users[0]) if users else None
    if person is None:
        raise Refused("user_not_found")
    if person.kind is Kind.DEACTIVATED:
        raise Refused("user_disabled")
    if person.kind is Kind.BOT:
        raise Refused("cannot_dm_bot")
    known = any(c.im_user == person.id for c in team.channels.values())
    channel = team.im_with(person.id)
    full = str(arguments.get("return_im", "")).lower() in ("1", "true")
    shown = channel.to_channel() if full else {"id": channel.id}
    return {"channel": shown, "no_op": known, "already_open": known}


def info(team: Team, arguments: Json) -> Json:
    """Describe a conversation."""
    channel = _readable(team, arguments, "read")
    described = channel.to_channel()
    if not channel.is_im:
        described["is_member"] = team.bot_user_id in channel.members
    if str(arguments.get("include_num_members", "")).lower() in ("1", "true"):
        described["num_members"] = len(channel.members)
    return {"channel": described}


def members(team: Team, arguments: Json) -> Json:
    """List who is in a conversation."""
    channel = _readable(team, arguments, "read")
    return {"members": sorted(channel.members), "response_metadata": {"next_cursor": ""}}


def history(team: Team, arguments: Json) -> Json:
    """Read back what stands in a conversation, newest first."""
    channel = _member_of(team, arguments)
    return _page(list(reversed(channel.messages)), arguments)


def replies(team: Team, arguments: Json) -> Json:
    """Read back a message and its thread, oldest first."""
    parent = _member_of(team, arguments).find(str(arguments["ts"]))
    if parent is None:
        raise Refused("thread_not_found")
    return _page([parent, *parent.thread], arguments)


def user_info(team: Team, arguments: Json) -> Json:
    """Describe a person."""
    person = team.people.get(str(arguments["user"]))
    if person is None:
        raise Refused("user_not_found")
    return {"user": person.to_user(with_email="users:read.email" in team.token.scopes)}


def group_members(team: Team, arguments: Json) -> Json:
    """List who is in a user group; Slack leaves out those who are deactivated."""
    if not team.has_user_groups:
        raise Refused("plan_upgrade_required")
    group = team.groups.get(str(arguments["usergroup"]))
    if group is None:
        raise Refused("no_such_subteam")
    gone = Kind.DEACTIVATED
    return {"users": [user for user in group.members if team.people[user].kind is not gone]}


def list_groups(team: Team, arguments: Json) -> Json:
    """List the user groups."""
    if not team.has_user_groups:
        raise Refused("plan_upgrade_required")
    with_users = str(arguments.get("include_users", "")).lower() in ("1", "true")
    groups = []
    for group in team.groups.values():
        described: Json = {"id": group.id, "team_id": team.team_id, "is_usergroup": True}
        described |= {"name": group.handle, "handle": group.handle, "date_delete": 0}
        groups.append(described | ({"users": list(group.members)} if with_users else {}))
    return {"usergroups": groups}


def _readable(team: Team, arguments: Json, what: str) -> Channel:
    channel = channel_for(team, str(arguments["channel"]))
    need(team, f"{channel.kind}:{what}")
    return channel


def _member_of(team: Team, arguments: Json) -> Channel:
    channel = _readable(team, arguments, "history")
    if team.bot_user_id not in channel.members:
        raise Refused("not_in_channel")
    return channel


def _page(found: list[Message], arguments: Json) -> Json:
    oldest, latest = str(arguments.get("oldest", "0")), str(arguments.get("latest", "9e12"))
    chosen = [m for m in found if float(oldest) <= float(m.ts) <= float(latest)]
    limit, start = int(arguments.get("limit", 100)), _start(arguments)
    full = str(arguments.get("include_all_metadata", "")).lower() in ("1", "true")
    shown = []
    for message in chosen[start : start + limit]:
        described = message.to_message()
        if full and message.metadata:
            described["metadata"] = message.metadata
        shown.append(described)
    more = len(chosen) > start + limit
    cursor = b64encode(str(start + limit).encode()).decode() if more else ""
    return {
        "messages": shown,
        "has_more": more,
        "response_metadata": {"next_cursor": cursor},
    }


def _start(arguments: Json) -> int:
    cursor = str(arguments.get("cursor") or "")
    try:
        return int(b64decode(cursor, validate=True)) if cursor else 0
    except ValueError as error:
        raise Refused("invalid_cursor") from error
