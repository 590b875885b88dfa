"""What becomes of a modal after the app answered its submission."""

from tests.sandbox.slack.delivery import Answer
from tests.sandbox.slack.reading import Json
from tests.sandbox.slack.refusals import Refused
from tests.sandbox.slack.team import Team
from tests.sandbox.slack.view_methods import checked_view, pushed
from tests.sandbox.slack.views import View

UNUSABLE = "We had some trouble connecting. Try again?"


def follow(team: Team, view: View, answer: Answer) -> dict[str, str]:
    """Do what the answer says; return the complaints the person then sees."""
    body = answer.json() if answer.body.strip() else {}
    if body is None:
        team.violate(f"view_submission: the answer is no JSON object: {answer.body[:80]}")
        return {"": UNUSABLE}
    try:
        return _follow(team, view, body)
    except Refused as refused:
        team.violate(f"view_submission: the answer is refused: {refused.error}")
        return {"": UNUSABLE}


def _follow(team: Team, view: View, body: Json) -> dict[str, str]:
    action = body.get("response_action")
    if action is None:
        team.views.close(view)
    elif action == "clear":
        team.views.clear(view.user_id)
    elif action == "update":
        content = checked_view(team, body.get("view"), "response_action", replaced=view)
        team.show(view, content)
    elif action == "push":
        content = checked_view(team, body.get("view"), "response_action")
        pushed(team, view.user_id, content)
    elif action == "errors":
        return _complaints(view, body.get("errors"))
    else:
        raise Refused(f"response_action {action!r} is unknown")
    return {}


def _complaints(view: View, errors: object) -> dict[str, str]:
    labels = {block["block_id"]: label for label, block in view.inputs.items()}
    if not isinstance(errors, dict) or not errors:
        raise Refused("errors must be an object of block ids and texts")
    unknown = sorted(errors.keys() - labels.keys())
    if unknown:
        raise Refused(f"errors for {unknown}, which are no input blocks")
    return {labels[block_id]: str(words) for block_id, words in errors.items()}
