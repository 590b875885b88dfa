"""What happened to a request, told as replies in the thread of its card."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from bot.views.blocks import Block, Confirm, Message, actions, button, section
from bot.views.request_card import ACTIONS, RequestFacts
from bot.views.wording import (
    ADMIN_CENTER,
    HOLDERS,
    REQUEST_STATES,
    escape,
    mention,
    mentions,
    minute,
    said,
)
from services.taking_out import TAKING_OUT
from storage.records import Request, Upload
from storage.states import Action, Evidence, RequestState, StoryEvent, TokenState, Verdict

NOT_OURS = "token.not_ours"
URGENT = {StoryEvent.HALF_DONE, StoryEvent.STILL_HALF_DONE}
"""Replies that the channel sees too: enrolment is down."""
BROUGHT = {
    Evidence.SERVER_TOKEN_FILE: "brought a file that was not taken.",
    Evidence.EXPIRY_DATE: "entered a date that was not taken.",
    Evidence.THEIR_WORD: "said that the steps are done, but Intune does not show it.",
}
"""What was brought in vain; a test proves that none is missing."""
ENDINGS = {
    RequestState.DECLINED: StoryEvent.DECLINED,
    RequestState.CANCELLED: StoryEvent.CANCELLED,
    RequestState.EXPIRED: StoryEvent.EXPIRED,
    RequestState.FAILED: StoryEvent.FAILED,
    RequestState.COMPLETED: StoryEvent.COMPLETED,
}


def story(
    shown: RequestFacts, told: Mapping[str, str], upload: Upload | None, zone: ZoneInfo
) -> Message:
    """One reply; `told` holds the event and the ids of the people in it."""
    event = StoryEvent(told["event"])
    text = _words(shown, event, told, upload, zone)
    title, name = ACTIONS[shown.request.action].title, escape(shown.token.name)
    strange = event is StoryEvent.NEW_ORGANISATION and shown.token.state is TokenState.ACTIVE
    return Message(
        text=f"{title} {name}: {_short(shown, event)}",
        blocks=[section(text), *([_not_ours(shown)] if strange else [])],
        urgent=event in URGENT and shown.request.ended_at is None,
    )


def _short(shown: RequestFacts, event: StoryEvent) -> str:
    """The event for a notification."""
    if event is StoryEvent.FILE_REFUSED and shown.request.evidence is Evidence.THEIR_WORD:
        return "not confirmed"
    return event.value.replace("_", " ")


def _words(
    shown: RequestFacts,
    event: StoryEvent,
    told: Mapping[str, str],
    upload: Upload | None,
    zone: ZoneInfo,
) -> str:
    match event:
        case StoryEvent.HALF_DONE | StoryEvent.STILL_HALF_DONE:
            return _down(shown, zone)
        case StoryEvent.NAG:
            return _nag(shown, told, zone)
        case StoryEvent.HANDED | StoryEvent.FILE_REFUSED | StoryEvent.FILE_KEPT:
            return _of_people(shown, event, told, upload)
        case StoryEvent.BY_HAND | StoryEvent.HOLDER_SILENT | StoryEvent.LEFT_OVER:
            return _at_holder(shown, event)
        case StoryEvent.NEW_ORGANISATION | StoryEvent.DISOWNED:
            return _strange(shown, told)
        case _:
            return _ending(shown, event)


def _of_people(
    shown: RequestFacts, event: StoryEvent, told: Mapping[str, str], upload: Upload | None
) -> str:
    if event is StoryEvent.FILE_KEPT:
        return _kept(shown, told)
    who = mention(told["person"])
    if event is StoryEvent.HANDED:
        return f"{who} handed the upload to {mention(told['to'])}."
    why = said(upload.answer or "") if upload else ""
    evidence = upload.evidence if upload else Evidence.SERVER_TOKEN_FILE
    return f"{who} {BROUGHT[evidence]} {why}"


def _strange(shown: RequestFacts, told: Mapping[str, str]) -> str:
    token = shown.token
    if told["event"] == StoryEvent.DISOWNED:
        return (
            f":no_entry: {mention(told['person'])} said that *{escape(token.name)}* is not ours. "
            "It is out of use, its secrets are overwritten and its devices forgotten here. Find "
            "out who asked for it and why."
        )
    return (
        f":mag: This is the first token of the organisation *{escape(token.org_name or '?')}* "
        f"(id {escape(token.org_id or '?')}) here: server *{escape(token.server_name)}*, "
        f"downloaded with *{escape(token.admin_id or token.apple_id)}*. Is it yours?"
    )


def _not_ours(shown: RequestFacts) -> Block:
    confirm = Confirm(
        title="Not ours?",
        text=f"{escape(shown.token.name)} goes out of use at once: its secrets are overwritten and "
        "its devices forgotten here.",
        yes="It is not ours",
    )
    stop = button("Not ours", NOT_OURS, shown.request.id, style="danger", confirm=confirm)
    return actions(stop, block_id="organisation")


def _ending(shown: RequestFacts, event: StoryEvent) -> str:
    request = shown.request
    match event:
        case StoryEvent.DECLINED:
            no = [one for one in shown.decisions if one.verdict is Verdict.DECLINE]
            by = ", ".join(mention(one.person) for one in no)
            why = " ".join(escape(one.reason) for one in no if one.reason)
            return f"Declined by {by}. {why}".strip()
        case StoryEvent.FAILED:
            return f":warning: It could not be done. {said(request.failure or '')}"
        case StoryEvent.UNAPPROVED:
            others = [one for one in request.approvers if one != request.requester]
            return (
                f":white_check_mark: {ACTIONS[request.action].done}, *without approval*: a newer "
                "token was downloaded already, and it is of the same server. For your knowledge, "
                f"{mentions(others)}."
            )
        case _:
            plain = {
                StoryEvent.CANCELLED: f"{mention(request.requester)} cancelled the request.",
                StoryEvent.EXPIRED: "Expired: nobody decided, or did their part, in time.",
                StoryEvent.CHANGED: "The facts on the card changed, so a click decided nothing. "
                "Look at it again.",
                StoryEvent.COMPLETED: f":white_check_mark: {ACTIONS[request.action].done}."
                + _left_to_do(request),
            }
            return plain[event]


def _left_to_do(request: Request) -> str:
    """What its holder did not take, though the token is in use."""
    if request.action in TAKING_OUT or not request.detour:
        return ""
    return f" :warning: {said(request.detour)}"


def _down(shown: RequestFacts, zone: ZoneInfo) -> str:
    request, name = shown.request, escape(shown.token.name)
    since = f" since {minute(request.down_since, zone)}" if request.down_since else ""
    if request.ended_at is not None:
        return f"The renewal of *{name}* was half done; it is over now."
    who = mention(request.handed_to or request.requester)
    pending = ""
    if request.state is RequestState.PENDING:
        pending = " That does not wait for the approval, if the token is of the same server."
    return (
        f":rotating_light: *{name} is half renewed: enrolment is down{since}.* A newer token was "
        f"downloaded, which ended the one in use. {who}, finish the steps in your direct message."
        f"{pending}"
    )


def _nag(shown: RequestFacts, told: Mapping[str, str], zone: ZoneInfo) -> str:
    left = [one for one in told.get("people", "").split(",") if one]
    until = minute(shown.request.expires_at, zone)
    if left:
        return f"{mentions(left)}: this waits for your decision, until {until}."
    return (
        ":warning: Nobody is left who could decide on this: those who were approvers when it was "
        f"asked for have left or lost the role. {mention(shown.request.requester)}, cancel it and "
        "ask anew."
    )


def _at_holder(shown: RequestFacts, event: StoryEvent) -> str:
    request, name = shown.request, escape(shown.token.name)
    why = f" {said(request.detour)}" if request.detour else ""
    match event:
        case StoryEvent.HOLDER_SILENT:
            if request.evidence is not None:
                return "Intune gave no usable answer for a while; it does again."
            return f"Intune gives no usable answer, so the steps wait; it is asked again.{why}"
        case StoryEvent.LEFT_OVER:
            return (
                f":warning: In Intune an entry *{name}* without a token is left over from this "
                f"request, and I could not delete it. Delete it in the {ADMIN_CENTER.link}, "
                f"{ADMIN_CENTER.menu}."
            )
        case _:
            who = mention(request.handed_to or request.requester)
            return f"*It goes on by hand, in the admin center.*{why} {who} has the steps."


def _kept(shown: RequestFacts, told: Mapping[str, str]) -> str:
    who, holder = mention(told["person"]), HOLDERS[shown.token.program]
    if told["why"] == "not_shown":
        return (
            f"{who} did their part. {holder} does not show the new token yet; it is asked again "
            "by itself."
        )
    if told["why"] == "date":
        return (
            f"{who} entered the expiry date. Nobody can look whether it is so, so it counts once "
            "this is approved."
        )
    if told["why"] == "approval":
        return (
            f"{who} brought a file of another server. It is whole and is kept under seal; it takes "
            "effect when this is approved, and is destroyed if it is not."
        )
    return (
        f"{who} did their part, but {holder} gives no answer. What they brought is kept and tried "
        "again for 24 hours."
    )


def news(shown: RequestFacts) -> Message:
    """What became of the request, for its requester alone."""
    request, name = shown.request, escape(shown.token.name)
    state = REQUEST_STATES[request.state].lower()
    event = ENDINGS.get(request.state)
    what = _ending(shown, event) if event else ""
    free = request.action is Action.CREATE and request.state is not RequestState.COMPLETED
    then = " Nothing was changed; the name is free again." if free else ""
    text = f"Your request for *{name}* is {state}. {what}{then}"
    return Message(text=f"Your request for {name} is {state}", blocks=[section(text)])
