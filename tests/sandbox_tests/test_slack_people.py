"""People act in the stand-in's workspace, and a real Bolt app answers."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.sandbox.serving import serve
from tests.sandbox.slack.delivery import SignedHttp
from tests.sandbox.slack.members import Kind
from tests.sandbox.slack.person import Person
from tests.sandbox.slack.render import render_message, render_view
from tests.sandbox.slack.workspace import Workspace

pytestmark = pytest.mark.timeout(20)

SCOPES = ["commands", "chat:write", "files:read", "users:read", "im:write", "usergroups:read"]


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def option(text: str, value: str) -> dict[str, Any]:
    return {"text": plain(text), "value": value}


def field(label: str, element: dict[str, Any], **more: bool) -> dict[str, Any]:
    action = str(element.get("action_id", label.lower()))
    element = {"action_id": action, **element}
    return {
        "type": "input",
        "block_id": f"b_{action}",
        "label": plain(label),
        "element": element,
        **more,
    }


FORM: dict[str, Any] = {
    "type": "modal",
    "callback_id": "create",
    "title": plain("New token"),
    "submit": plain("Ask"),
    "close": plain("Cancel"),
    "private_metadata": "draft-7",
    "notify_on_close": True,
    "blocks": [
        {"type": "section", "text": {"type": "mrkdwn", "text": "For *HQ* &amp; <@U0SANDBOT01>"}},
        field("Name", {"type": "plain_text_input", "max_length": 80}),
        field("Reason", {"type": "plain_text_input", "multiline": True}, optional=True),
        field(
            "Program",
            {
                "type": "static_select",
                "options": [option("Apple", "apple"), option("Intune", "intune")],
            },
        ),
        field("Owner", {"type": "users_select"}),
        field("Kind", {"type": "radio_buttons", "options": [option("Yearly", "y")]}),
        field("Consent", {"type": "checkboxes", "options": [option("I agree", "yes")]}),
        field("Token file", {"type": "file_input", "filetypes": ["p7m"]}, optional=True),
    ],
}

REQUEST: list[dict[str, Any]] = [
    {"type": "header", "text": plain("HQ iPads")},
    {"type": "section", "text": {"type": "mrkdwn", "text": "*Create* asked for"}},
    {
        "type": "actions",
        "block_id": "decide",
        "elements": [
            {
                "type": "button",
                "action_id": "approve",
                "text": plain("Approve"),
                "value": "7",
                "confirm": {
                    "title": plain("Sure?"),
                    "text": plain("This cannot be undone."),
                    "confirm": plain("Yes"),
                    "deny": plain("No"),
                },
            }
        ],
    },
]


class BoltApp:
    """A small app that keeps what it was sent."""

    def __init__(self, slack: Workspace) -> None:
        self.heard: list[dict[str, Any]] = []
        self.reply: dict[str, Any] = {}
        client = AsyncWebClient(slack.bot_token, base_url=f"{slack.origin}/api/")
        self.app = AsyncApp(
            client=client, signing_secret=slack.signing_secret, process_before_response=True
        )
        self.app.command("/enroll-token")(self.command)
        self.app.action("approve")(self.action)
        self.app.view("create")(self.submission)
        self.app.view_closed("create")(self.closed)
        self.app.event("app_home_opened")(self.event)
        self.app.event("user_change")(self.event)

    async def command(self, ack: Any, body: Any, client: Any) -> None:  # noqa: ANN401 - Bolt
        self.heard.append(body)
        if body["text"] == "create":
            await ack()
            await client.views_open(trigger_id=body["trigger_id"], view=FORM)
        else:
            await ack(f"Usage: {body['command']} create")

    async def action(self, ack: Any, body: Any) -> None:  # noqa: ANN401 - Bolt
        self.heard.append(body)
        await ack()

    async def submission(self, ack: Any, body: Any) -> None:  # noqa: ANN401 - Bolt
        self.heard.append(body)
        await ack(**self.reply)

    async def closed(self, ack: Any, body: Any) -> None:  # noqa: ANN401 - Bolt
        self.heard.append(body)
        await ack()

    async def event(self, body: Any) -> None:  # noqa: ANN401 - Bolt
        self.heard.append(body)

    async def answer(self, request: Request) -> Response:
        return await AsyncSlackRequestHandler(self.app).handle(request)


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[tuple[Workspace, BoltApp, Person]]:
    slack = Workspace(scopes=SCOPES, signing_secret="invented", bot_token="xoxb-invented")
    alice = slack.add_person("Alice Admin")
    async with slack.serve():
        bolt = BoltApp(slack)
        web = Starlette(routes=[Route("/slack/events", bolt.answer, methods=["POST"])])
        async with serve(web) as origin:
            slack.request_url = f"{origin}/slack/events"
            yield slack, bolt, alice


def fill_in(alice: Person) -> None:
    alice.fill("Name", "HQ iPads")
    alice.fill("Program", "Apple")
    alice.fill("Owner", "Alice Admin")
    alice.fill("Kind", "Yearly")
    alice.fill("Consent", ["I agree"])


async def test_a_command_opens_a_modal_and_its_submission_has_slacks_shape() -> None:
    async with running() as (slack, bolt, alice):
        answer = await alice.command("/enroll-token", "create")
        assert (answer.status, answer.body) == (200, "")
        assert alice.view is not None
        assert alice.view.title == "New token"
        assert alice.view.private_metadata == "draft-7"
        fill_in(alice)
        alice.fill("Token file", ("hq_smime.p7m", b"bytes"))
        await alice.submit()
        assert alice.view is None
        submission = bolt.heard[-1]
        values = submission["view"]["state"]["values"]
        agreed = {"text": plain("I agree") | {"emoji": True}, "value": "yes"}
        assert values["b_name"]["name"] == {"type": "plain_text_input", "value": "HQ iPads"}
        assert values["b_reason"]["reason"] == {"type": "plain_text_input", "value": None}
        assert values["b_program"]["program"]["selected_option"]["value"] == "apple"
        assert values["b_owner"]["owner"] == {"type": "users_select", "selected_user": alice.id}
        assert values["b_kind"]["kind"]["selected_option"]["value"] == "y"
        assert values["b_consent"]["consent"]["selected_options"] == [agreed]
        (file,) = values["b_token file"]["token file"]["files"]
        assert file["name"] == "hq_smime.p7m"
        assert file["user"] == alice.id
        assert submission["view"]["root_view_id"] == submission["view"]["id"]
        assert not slack.violations
        assert max(ack.seconds for ack in slack.acks) < 3


async def test_plain_text_in_an_acknowledgement_becomes_an_ephemeral_message() -> None:
    async with running() as (slack, _bolt, alice):
        it = slack.add_channel("it-alerts", members=[alice], bot_is_member=False)
        await alice.command("/enroll-token", "help", channel=it)
        assert [message.text for message in alice.ephemerals] == ["Usage: /enroll-token create"]
        assert it.messages == []
        assert not slack.violations


async def test_errors_land_on_their_inputs_and_unknown_block_ids_are_violations() -> None:
    async with running() as (slack, bolt, alice):
        await alice.command("/enroll-token", "create")
        fill_in(alice)
        bolt.reply = {"response_action": "errors", "errors": {"b_name": "Taken."}}
        await alice.submit()
        assert alice.errors == {"Name": "Taken."}
        assert not slack.violations
        bolt.reply = {"response_action": "errors", "errors": {"nowhere": "Taken."}}
        await alice.submit()
        assert "" in alice.errors
        assert alice.view is not None
        assert "no input blocks" in slack.violations[0]


async def test_the_client_does_not_send_a_form_that_lacks_something_required() -> None:
    async with running() as (slack, bolt, alice):
        await alice.command("/enroll-token", "create")
        heard = len(bolt.heard)
        answer = await alice.submit()
        assert not answer.ok
        assert set(alice.errors) == {"Name", "Program", "Owner", "Kind", "Consent"}
        assert len(bolt.heard) == heard
        assert not slack.violations


async def test_an_update_keeps_typed_values_only_under_the_same_ids() -> None:
    async with running() as (slack, bolt, alice):
        await alice.command("/enroll-token", "create")
        fill_in(alice)
        name, other = FORM["blocks"][1], dict(FORM["blocks"][2], block_id="b_new")
        bolt.reply = {"response_action": "update", "view": FORM | {"blocks": [name, other]}}
        await alice.submit()
        assert alice.view is not None
        values = alice.view.state()["values"]
        assert values["b_name"]["name"]["value"] == "HQ iPads"
        assert values["b_new"]["reason"]["value"] is None
        assert not slack.violations


async def test_closing_tells_the_app_if_it_asked_for_it() -> None:
    async with running() as (slack, bolt, alice):
        await alice.command("/enroll-token", "create")
        await alice.close()
        assert alice.view is None
        assert bolt.heard[-1]["type"] == "view_closed"
        assert bolt.heard[-1]["is_cleared"] is False
        assert not slack.violations


async def test_a_click_carries_its_message_and_asks_first_where_the_button_says_so() -> None:
    async with running() as (slack, bolt, alice):
        it = slack.add_channel("it-alerts", members=[alice])
        await bolt.app.client.chat_postMessage(channel=it.id, text="Asked", blocks=REQUEST)
        (message,) = it.messages
        await alice.click("Approve", message=message, confirm=False)
        assert bolt.heard == []
        await alice.click("Approve", message=message)
        assert alice.confirms == ["This cannot be undone."] * 2
        click = bolt.heard[-1]
        assert click["actions"][0]["value"] == "7"
        assert click["actions"][0]["block_id"] == "decide"
        assert click["message"]["ts"] == click["container"]["message_ts"] == message.ts
        assert click["user"]["team_id"] == slack.team_id
        with pytest.raises(AssertionError, match="sees no button 'Decline'"):
            await alice.click("Decline", message=message)
        assert not slack.violations


async def test_a_forged_click_is_sent_as_it_is_and_an_unanswered_one_is_a_violation() -> None:
    async with running() as (slack, bolt, alice):
        it = slack.add_channel("it-alerts", members=[alice])
        await bolt.app.client.chat_postMessage(channel=it.id, text="Asked", blocks=REQUEST)
        forged = {"type": "button", "action_id": "approve", "block_id": "x", "value": "8"}
        await alice.click(forged, message=it.messages[0])
        assert bolt.heard[-1]["actions"][0]["value"] == "8"
        assert not slack.violations
        answer = await alice.click(forged | {"action_id": "unknown"}, message=it.messages[0])
        assert answer.status == 404
        assert slack.violations[0].startswith("click unknown: answered 404")


async def test_events_tell_of_home_tabs_and_of_people_who_left() -> None:
    async with running() as (slack, bolt, alice):
        await alice.open_home()
        assert bolt.heard[-1]["event"]["tab"] == "home"
        await alice.deactivate()
        assert bolt.heard[-1]["event"]["user"]["deleted"] is True
        assert not slack.violations


async def test_the_app_is_told_only_of_events_it_subscribed_to() -> None:
    async with running() as (slack, bolt, alice):
        slack.events = frozenset({"user_change"})
        await alice.open_home()
        assert bolt.heard == []
        await alice.changed()
        assert len(bolt.heard) == 1
        assert not slack.violations


async def test_an_event_that_is_not_taken_comes_once_more() -> None:
    async with running() as (slack, _bolt, _alice):
        answer = await slack.happen({"type": "subteam_members_changed", "subteam_id": "S1"})
        assert answer.status == 404
        assert [ack.kind for ack in slack.acks] == ["event subteam_members_changed"] * 2


async def test_a_late_acknowledgement_is_a_violation_and_the_person_is_told() -> None:
    async with running() as (slack, bolt, alice):
        slack.faults.delay("auth.test", 0.5)
        slack.courier.delivery = SignedHttp(
            url=slack.request_url, signing_secret=slack.signing_secret, patience=0.2
        )
        await alice.command("/enroll-token", "help")
        assert alice.notices == ["/enroll-token failed with the error 'operation_timeout'"]
        assert slack.violations == ["command /enroll-token: not acknowledged within 3 s"]
        assert bolt.heard == []


async def test_a_wrong_signature_reaches_no_listener() -> None:
    async with running() as (slack, bolt, alice):
        slack.courier.delivery = SignedHttp(url=slack.request_url, signing_secret="other")
        answer = await alice.command("/enroll-token", "help")
        assert answer.status == 401
        assert bolt.heard == []


async def test_names_in_a_command_become_ids_where_the_manifest_asks_for_it() -> None:
    async with running() as (slack, bolt, alice):
        slack.escapes_commands = True
        it = slack.add_channel("it-alerts", members=[alice])
        slack.add_group("S0APPROVERS", [alice], handle="approvers")
        await alice.command(
            "/enroll-token", "to @Alice Admin & @approvers in #it-alerts", channel=it
        )
        assert bolt.heard[-1]["text"] == (
            f"to <@{alice.id}|alice.admin> &amp; <!subteam^S0APPROVERS|@approvers>"
            f" in <#{it.id}|it-alerts>"
        )
        slack.commands = frozenset()
        await alice.command("/enroll-token", "help")
        assert alice.notices == ["/enroll-token is not a valid command"]


async def test_of_an_ephemeral_message_slack_sends_no_copy_and_others_do_not_see_it() -> None:
    async with running() as (slack, bolt, alice):
        bob = slack.add_person("Bob Builder")
        it = slack.add_channel("it-alerts", members=[alice, bob])
        await bolt.app.client.chat_postEphemeral(
            channel=it.id, user=alice.id, text="Asked", blocks=REQUEST
        )
        (message,) = alice.ephemerals
        await alice.click("Approve", message=message)
        assert bolt.heard[-1]["container"]["is_ephemeral"] is True
        assert "message" not in bolt.heard[-1]
        with pytest.raises(AssertionError, match="does not see this message"):
            await bob.click("Approve", message=message)
        assert not slack.violations


async def test_menus_send_what_was_picked() -> None:
    async with running() as (slack, bolt, alice):
        it = slack.add_channel("it-alerts", members=[alice])
        options = [option("Renew", "r"), option("Delete", "d")]
        menu = {"type": "overflow", "action_id": "approve", "options": options}
        pick = menu | {"type": "static_select", "placeholder": plain("What?")}
        text = {"type": "mrkdwn", "text": "HQ"}
        blocks: list[dict[str, Any]] = [
            {"type": "section", "text": text, "accessory": menu},
            {"type": "actions", "elements": [pick]},
        ]
        await bolt.app.client.chat_postMessage(channel=it.id, text="HQ", blocks=blocks)
        await alice.click("Delete", message=it.messages[0])
        assert bolt.heard[-1]["actions"][0]["selected_option"]["value"] == "d"
        await alice.choose("What?", "Renew", message=it.messages[0])
        assert bolt.heard[-1]["actions"][0]["selected_option"]["value"] == "r"
        assert not slack.violations


async def test_strangers_and_guests_look_as_they_do_at_slack() -> None:
    async with running() as (slack, bolt, _alice):
        sam = slack.add_person("Sam Stranger", kind=Kind.STRANGER)
        gina = slack.add_person("Gina Guest", kind=Kind.SINGLE_CHANNEL_GUEST)
        stranger = (await bolt.app.client.users_info(user=sam.id))["user"]
        guest = (await bolt.app.client.users_info(user=gina.id))["user"]
        assert stranger["team_id"] != slack.team_id
        assert stranger["is_stranger"]
        assert guest["is_restricted"]
        assert guest["is_ultra_restricted"]


async def test_messages_and_modals_are_drawn_as_a_reader_sees_them() -> None:
    async with running() as (slack, bolt, alice):
        it = slack.add_channel("it-alerts", members=[alice])
        await bolt.app.client.chat_postMessage(channel=it.id, text="Asked", blocks=REQUEST)
        assert render_message(it.messages[0]) == (
            "Enroll Token · APP\nHQ iPads\n════════\n*Create* asked for\n[ Approve ]"
        )
        await alice.command("/enroll-token", "create")
        fill_in(alice)
        assert alice.view is not None
        assert render_view(alice.view) == (
            "┌─ New token ─\n"
            "│ For *HQ* & @Enroll Token\n"
            "│ Name\n"
            "│   [ HQ iPads                 ]\n"
            "│ Reason (optional)\n"
            "│   [                          ]\n"
            "│ Program\n"
            "│   [ Apple ▾ ]\n"
            "│ Owner\n"
            "│   [ @Alice Admin ▾ ]\n"
            "│ Kind\n"
            "│   (•) Yearly\n"
            "│ Consent\n"
            "│   [x] I agree\n"
            "│ Token file (optional)\n"
            "│   [ Attach a file ]\n"
            "└─ [ Cancel ]  [ Ask ]"
        )


async def test_waiting_says_what_happened_instead() -> None:
    async with running() as (slack, _bolt, alice):
        await alice.command("/enroll-token", "create")
        view = await slack.wait_for(lambda: alice.view, what="a modal")
        assert view.title == "New token"
        with pytest.raises(AssertionError, match=r"Waited 0\.05 s for a result") as failed:
            await slack.wait_for(lambda: slack.dm(alice).messages[0], within=0.05, what="a result")
        assert "views.open -> ok" in str(failed.value)
