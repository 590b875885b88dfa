"""The payloads that tell the app what somebody did."""

import time

from tests.sandbox.slack.conversations import Channel, Message
from tests.sandbox.slack.members import Member
from tests.sandbox.slack.reading import Button, Json
from tests.sandbox.slack.team import Team
from tests.sandbox.slack.views import View


def action_ts() -> str:
    """Make the time stamp of a click."""
    return f"{time.time():.6f}"


def action(block_id: str, element: Json) -> Json:
    """Make what a click or a change says of its element."""
    named = {"type": element["type"], "action_id": element["action_id"]}
    return named | {"block_id": block_id, "action_ts": action_ts()}


def pressed(button: Button) -> Json:
    """Make what a click says of a button, or of an entry of an overflow menu."""
    made = action(button.block_id, button.element)
    if button.option is not None:
        return made | {"selected_option": button.option}
    made["text"] = button.element["text"]
    return made | {key: button.element[key] for key in ("value", "style") if key in button.element}


def command(team: Team, person: Member, channel: Channel, name: str, text: str) -> Json:
    """Make the form of a slash command."""
    return {
        "token": team.verification_token,
        "team_id": person.team_id,
        "team_domain": team.domain,
        "channel_id": channel.id,
        "channel_name": channel.shown_name,
        "user_id": person.id,
        "user_name": person.name,
        "command": name,
        "text": text,
        "api_app_id": team.app_id,
        "is_enterprise_install": "false",
        "response_url": team.new_response_url(person.id, channel.id),
        "trigger_id": team.new_trigger(person.id).id,
    }


def interaction(team: Team, person: Member, kind: str) -> Json:
    """Make what all interactions have in common."""
    return {
        "type": kind,
        "team": {"id": person.team_id, "domain": team.domain},
        "user": {
            "id": person.id,
            "username": person.name,
            "name": person.name,
            "team_id": person.team_id,
        },
        "api_app_id": team.app_id,
        "token": team.verification_token,
        "enterprise": None,
        "is_enterprise_install": False,
    }


def triggered(team: Team, person: Member, kind: str) -> Json:
    """Make an interaction that may open a modal."""
    return interaction(team, person, kind) | {"trigger_id": team.new_trigger(person.id).id}


def message_actions(team: Team, person: Member, message: Message, actions: list[Json]) -> Json:
    """Make the payload of a click under a message."""
    channel = team.channels[message.channel_id]
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": message.is_ephemeral,
    }
    payload = triggered(team, person, "block_actions") | {
        "container": container,
        "channel": {"id": channel.id, "name": channel.shown_name},
        "response_url": team.new_response_url(person.id, channel.id, message),
        "state": {"values": {}},
        "actions": actions,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    if not message.is_ephemeral:
        # Of what one person alone sees, Slack keeps no copy to send along.
        payload["message"] = message.to_message() | {"team": team.team_id}
    return payload


def view_actions(team: Team, person: Member, view: View, actions: list[Json]) -> Json:
    """Make the payload of a click, or a change, in a view."""
    return triggered(team, person, "block_actions") | {
        "container": {"type": "view", "view_id": view.id},
        "view": team.view_object(view),
        "actions": actions,
    }


def block_suggestion(
    team: Team, person: Member, place: View | Message, named: Json, typed: str
) -> Json:
    """Make the payload that asks the app for the options of a menu; `named` as in `action`."""
    asked = {key: named[key] for key in ("action_id", "block_id")} | {"value": typed}
    payload = interaction(team, person, "block_suggestion") | asked
    if isinstance(place, View):
        return payload | {
            "container": {"type": "view", "view_id": place.id},
            "view": team.view_object(place),
        }
    channel = team.channels[place.channel_id]
    return payload | {
        "container": {"type": "message", "message_ts": place.ts, "channel_id": channel.id},
        "channel": {"id": channel.id, "name": channel.shown_name},
        "message": place.to_message() | {"team": team.team_id},
    }


def view_submission(team: Team, person: Member, view: View) -> Json:
    """Make the payload of a press on Submit."""
    return triggered(team, person, "view_submission") | {
        "view": team.view_object(view),
        "response_urls": [],
    }


def view_closed(team: Team, person: Member, view: View, *, is_cleared: bool) -> Json:
    """Make the payload of a press on Close, or on the x that closes all."""
    return interaction(team, person, "view_closed") | {
        "view": team.view_object(view),
        "is_cleared": is_cleared,
    }


def shortcut(team: Team, person: Member, callback_id: str) -> Json:
    """Make the payload of a global shortcut."""
    return triggered(team, person, "shortcut") | {
        "callback_id": callback_id,
        "action_ts": action_ts(),
    }


def event(team: Team, happened: Json) -> Json:
    """Wrap an event as the Events API does."""
    return {
        "type": "event_callback",
        "token": team.verification_token,
        "team_id": team.team_id,
        "api_app_id": team.app_id,
        "event": {"event_ts": action_ts(), **happened},
        "event_id": team.new_id("Ev"),
        "event_time": int(time.time()),
        "event_context": team.new_id("4-"),
        "is_ext_shared_channel": False,
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": team.team_id,
                "user_id": team.bot_user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
    }
