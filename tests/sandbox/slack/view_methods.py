"""The views methods: modals that need a trigger, and Home tabs that do not."""

import time
from typing import Literal

from tests.sandbox.slack.linter import VIEW_BYTES, lint_view, view_bytes
from tests.sandbox.slack.reading import Json
from tests.sandbox.slack.refusals import Refused
from tests.sandbox.slack.team import Team
from tests.sandbox.slack.views import DEEPEST, View


def open_view(team: Team, arguments: Json) -> Json:
    """Show a first modal, in place of any that is open."""
    content = checked_view(team, arguments["view"], "views.open")
    user_id = _exchanged(team, str(arguments["trigger_id"]))
    team.views.clear(user_id)
    return {"view": team.view_object(_kept(team, user_id, content))}


def push(team: Team, arguments: Json) -> Json:
    """Show a modal on top of one that is open."""
    content = checked_view(team, arguments["view"], "views.push")
    user_id = _exchanged(team, str(arguments["trigger_id"]))
    if team.views.top(user_id) is None:
        raise Refused("not_found")
    return {"view": team.view_object(pushed(team, user_id, content))}


def update(team: Team, arguments: Json) -> Json:
    """Change a view in place, unless the app knows only an older version of it."""
    if arguments.get("view_id"):
        view = team.views.by_id.get(str(arguments["view_id"]))
    else:
        view = team.views.external(str(arguments["external_id"]))
    if view is None or view.closed:
        raise Refused("not_found")
    surface: Literal["modal", "home"] = "home" if view.content["type"] == "home" else "modal"
    content = checked_view(team, arguments["view"], "views.update", surface, replaced=view)
    if arguments.get("hash") not in (None, view.hash):
        raise Refused("hash_conflict")
    team.show(view, content)
    return {"view": team.view_object(view)}


def publish(team: Team, arguments: Json) -> Json:
    """Set the Home tab that one person sees."""
    user_id = str(arguments["user_id"])
    if not team.has_home_tab:
        raise Refused("not_enabled")
    if user_id not in team.people:
        raise Refused("user_not_found")
    home = team.views.homes.get(user_id)
    content = checked_view(team, arguments["view"], "views.publish", "home", replaced=home)
    if home is not None and arguments.get("hash") not in (None, home.hash):
        raise Refused("hash_conflict")
    if home is None:
        home = team.views.homes[user_id] = team.new_view(user_id, content)
        team.views.by_id[home.id] = home
    else:
        team.show(home, content)
    return {"view": team.view_object(home)}


def checked_view(
    team: Team,
    view: object,
    what: str,
    surface: Literal["modal", "home"] = "modal",
    *,
    replaced: View | None = None,
) -> Json:
    """Take a view out of the arguments, or refuse it as Slack does."""
    reasons = team.hold_against(lint_view(view, surface), what)
    if reasons or not isinstance(view, dict):
        raise Refused.for_reasons("invalid_arguments", reasons)
    if view_bytes(view) > VIEW_BYTES:
        raise Refused("view_too_large")
    name = view.get("external_id")
    if name and team.views.external(name) not in (None, replaced):
        raise Refused("duplicate_external_id")
    return view


def pushed(team: Team, user_id: str, content: Json) -> View:
    """Put a modal on top of somebody's, three deep at most."""
    if len(team.views.stack(user_id)) >= DEEPEST:
        raise Refused("push_limit_reached")
    return _kept(team, user_id, content)


def _kept(team: Team, user_id: str, content: Json) -> View:
    view = team.new_view(user_id, content)
    team.views.keep(view)
    return view


def _exchanged(team: Team, trigger_id: str) -> str:
    """Use a trigger up and say for whom it was."""
    trigger = team.triggers.get(trigger_id)
    if trigger is None:
        raise Refused("invalid_trigger_id")
    if trigger.used:
        raise Refused("exchanged_trigger_id")
    if time.monotonic() > trigger.expires:
        raise Refused("expired_trigger_id")
    trigger.used = True
    return trigger.user_id
