"""The stand-in's Web API is as strict as Slack's, seen through slack_sdk."""

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.sandbox.slack.manifest import read_manifest
from tests.sandbox.slack.members import Kind
from tests.sandbox.slack.workspace import Workspace

pytestmark = pytest.mark.timeout(20)

SCOPES = ["chat:write", "im:write", "users:read", "usergroups:read", "channels:read"]
BUTTON = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
ACTIONS = [{"type": "actions", "block_id": "a", "elements": [BUTTON]}]
MODAL: dict[str, Any] = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Tokens"},
    "blocks": ACTIONS,
}


@contextlib.asynccontextmanager
async def serving(
    scopes: list[str] = SCOPES,
) -> AsyncIterator[tuple[Workspace, AsyncWebClient]]:
    slack = Workspace(scopes=scopes, signing_secret="invented", bot_token="xoxb-invented")
    async with slack.serve() as origin:
        yield slack, client_of(origin, slack.bot_token)


def client_of(origin: str, token: str | None) -> AsyncWebClient:
    return AsyncWebClient(token, base_url=f"{origin}/api/", retry_handlers=[])


async def refused(call: Awaitable[Any]) -> str:
    with pytest.raises(SlackApiError) as failed:
        await call
    return str(failed.value.response["error"])


async def test_only_known_tokens_of_the_right_kind_are_taken() -> None:
    async with serving() as (slack, client):
        assert (await client.auth_test())["user_id"] == slack.bot_user_id
        assert await refused(client_of(slack.origin, "xoxb-other").auth_test()) == "invalid_auth"
        assert await refused(client_of(slack.origin, None).auth_test()) == "not_authed"
        wrong_kind = client.apps_connections_open(app_token=slack.bot_token)
        assert await refused(wrong_kind) == "not_allowed_token_type"
        slack.token.error = "token_revoked"
        assert await refused(client.auth_test()) == "token_revoked"


async def test_scopes_are_told_in_a_header_and_missed_by_name() -> None:
    async with serving(["chat:write"]) as (slack, client):
        answer = await client.auth_test()
        assert answer.headers["x-oauth-scopes"] == "chat:write"
        with pytest.raises(SlackApiError) as failed:
            await client.users_info(user=slack.bot_user_id)
        assert failed.value.response["error"] == "missing_scope"
        assert failed.value.response["needed"] == "users:read"
        assert failed.value.response["provided"] == "chat:write"
        slack.shows_scopes = False
        assert "x-oauth-scopes" not in (await client.auth_test()).headers


async def test_arguments_are_read_from_query_form_and_json_and_unknown_ones_refused() -> None:
    async with serving() as (slack, _client):
        channel = slack.add_channel("it")
        given = {"channel": channel.id, "text": "Hello"}
        headers = {"Authorization": f"Bearer {slack.bot_token}"}
        url = f"{slack.origin}/api/chat.postMessage"
        async with aiohttp.ClientSession(headers=headers) as session:
            for how in ("params", "data", "json"):
                ways: dict[str, Any] = {how: given}
                async with session.post(url, **ways) as response:
                    assert (await response.json())["ok"], how
            async with session.post(url, json=given | {"txet": "Hello"}) as response:
                assert (await response.json())["error"] == "invalid_arguments"
        assert [message.text for message in channel.messages] == ["Hello"] * 3
        assert slack.violations == [
            "chat.postMessage: invalid_arguments [ERROR] unknown field: txet"
        ]


async def test_messages_go_only_where_the_app_may_post() -> None:
    async with serving() as (slack, client):
        alice = slack.add_person("Alice Admin")
        away = slack.add_channel("away", bot_is_member=False)
        hidden = slack.add_channel("hidden", bot_is_member=False, is_private=True)
        old = slack.add_channel("old")
        old.is_archived = True

        async def post(channel: str) -> str:
            return await refused(client.chat_postMessage(channel=channel, text="Hello"))

        assert await post(away.id) == "not_in_channel"
        assert await post(hidden.id) == "channel_not_found"
        assert await post("C0NOWHERE") == "channel_not_found"
        assert await post(old.id) == "is_archived"
        answer = await client.chat_postMessage(channel=alice.id, text="Hello")
        assert answer["channel"] == slack.dm(alice).id
        assert [message.text for message in slack.dm(alice).messages] == ["Hello"]
        opened = await client.conversations_open(users=alice.id)
        assert opened["channel"]["id"] == slack.dm(alice).id
        assert not slack.violations


async def test_a_thread_hangs_below_its_message() -> None:
    async with serving() as (slack, client):
        channel = slack.add_channel("it")
        parent = await client.chat_postMessage(channel=channel.id, text="Asked")
        await client.chat_postMessage(channel=channel.id, text="Done", thread_ts=parent["ts"])
        (message,) = channel.messages
        assert [reply.text for reply in message.thread] == ["Done"]
        orphan = client.chat_postMessage(channel=channel.id, text="Lost", thread_ts="1.1")
        assert await refused(orphan) == "cannot_reply_to_message"


async def test_an_update_is_for_own_messages_is_short_and_a_text_alone_removes_blocks() -> None:
    async with serving() as (slack, client):
        alice = slack.add_person("Alice Admin")
        channel = slack.add_channel("it", members=[alice])
        theirs = alice.say("Mine", channel=channel)
        ts = (await client.chat_postMessage(channel=channel.id, text="Asked", blocks=ACTIONS))["ts"]
        message = channel.messages[-1]
        assert [button.text for button in message.buttons] == ["Go"]

        async def update(ts: str, text: str) -> str:
            return await refused(client.chat_update(channel=channel.id, ts=ts, text=text))

        assert await update(theirs.ts, "Yours") == "cant_update_message"
        assert await update("1.1", "Gone") == "message_not_found"
        assert await update(ts, "x" * 4001) == "msg_too_long"
        await client.chat_update(channel=channel.id, ts=ts, text="Approved")
        assert (message.text, message.blocks) == ("Approved", [])
        assert message.edited


async def test_ephemeral_messages_are_seen_by_one_person_in_the_channel_and_kept_nowhere() -> None:
    async with serving() as (slack, client):
        alice, bob = slack.add_person("Alice Admin"), slack.add_person("Bob Builder")
        channel = slack.add_channel("it", members=[alice])
        await client.chat_postEphemeral(channel=channel.id, user=alice.id, text="Psst")
        outside = client.chat_postEphemeral(channel=channel.id, user=bob.id, text="Psst")
        assert await refused(outside) == "user_not_in_channel"
        assert [message.text for message in alice.ephemerals] == ["Psst"]
        assert channel.messages == bob.ephemerals == []


async def test_messages_need_words_and_complain_about_a_missing_fallback() -> None:
    async with serving() as (slack, client):
        channel = slack.add_channel("it")
        silent: dict[str, Any] = {"channel": channel.id, "text": ""}
        post = client.api_call("chat.postMessage", json=silent)
        assert await refused(post) == "no_text"
        await client.api_call("chat.postMessage", json=silent | {"blocks": ACTIONS})
        assert "no text for notifications" in slack.violations[-1]


async def test_people_groups_and_channels_are_looked_up() -> None:
    async with serving() as (slack, client):
        alice = slack.add_person("Alice Admin", tz="Asia/Tokyo")
        bob = slack.add_person("Bob Builder")
        slack.add_group("S0APPROVERS", [alice, bob])
        bob.member.kind = Kind.DEACTIVATED
        channel = slack.add_channel("it", is_shared=True)
        user = (await client.users_info(user=alice.id))["user"]
        assert (user["tz"], user["tz_offset"], user["deleted"]) == ("Asia/Tokyo", 32400, False)
        assert (await client.users_info(user=bob.id))["user"]["deleted"]
        assert (await client.usergroups_users_list(usergroup="S0APPROVERS"))["users"] == [alice.id]
        assert (await client.conversations_info(channel=channel.id))["channel"]["is_ext_shared"]
        assert await refused(client.users_info(user="U0NOBODY")) == "user_not_found"
        assert await refused(client.usergroups_users_list(usergroup="S0NONE")) == "no_such_subteam"
        slack.has_user_groups = False
        no_plan = client.usergroups_users_list(usergroup="S0APPROVERS")
        assert await refused(no_plan) == "plan_upgrade_required"


async def test_a_trigger_opens_one_modal_within_three_seconds() -> None:
    async with serving() as (slack, client):
        alice = slack.add_person("Alice Admin")
        trigger, late = slack.new_trigger(alice.id), slack.new_trigger(alice.id)
        late.expires = time.monotonic() - 0.1
        await client.views_open(trigger_id=trigger.id, view=MODAL)

        async def open_with(trigger_id: str) -> str:
            return await refused(client.views_open(trigger_id=trigger_id, view=MODAL))

        assert await open_with(trigger.id) == "exchanged_trigger_id"
        assert await open_with(late.id) == "expired_trigger_id"
        assert await open_with("1.2.3") == "invalid_trigger_id"
        assert len(slack.violations) == 3


async def test_a_person_has_three_modals_at_most_and_a_stale_hash_conflicts() -> None:
    async with serving() as (slack, client):
        alice = slack.add_person("Alice Admin")
        first = await client.views_open(trigger_id=slack.new_trigger(alice.id).id, view=MODAL)
        for _ in range(2):
            await client.views_push(trigger_id=slack.new_trigger(alice.id).id, view=MODAL)
        fourth = client.views_push(trigger_id=slack.new_trigger(alice.id).id, view=MODAL)
        assert await refused(fourth) == "push_limit_reached"
        view_id, old = first["view"]["id"], first["view"]["hash"]
        await client.views_update(view_id=view_id, hash=old, view=MODAL)
        stale = client.views_update(view_id=view_id, hash=old, view=MODAL)
        assert await refused(stale) == "hash_conflict"
        await alice.close(all_views=True)
        closed = client.views_update(view_id=view_id, view=MODAL)
        assert await refused(closed) == "not_found"


async def test_views_have_bounds() -> None:
    async with serving() as (slack, client):
        alice = slack.add_person("Alice Admin")

        async def open_view(**changes: Any) -> str:  # noqa: ANN401 - parts of a view
            trigger = slack.new_trigger(alice.id).id
            return await refused(client.views_open(trigger_id=trigger, view=MODAL | changes))

        words = {"type": "mrkdwn", "text": "x" * 2900}
        heavy = [{"type": "section", "text": words}] * 90
        assert await open_view(blocks=heavy) == "view_too_large"
        assert await open_view(private_metadata="x" * 3001) == "invalid_arguments"
        assert await open_view(title={"type": "plain_text", "text": "x" * 25}) == (
            "invalid_arguments"
        )
        home = {"type": "home", "blocks": ACTIONS}
        published = await client.views_publish(user_id=alice.id, view=home)
        assert alice.home is not None
        assert published["view"]["id"] == alice.home.id
        stale = client.views_publish(user_id=alice.id, view=home, hash="1.old")
        assert await refused(stale) == "hash_conflict"


async def test_a_response_url_works_five_times_and_for_half_an_hour() -> None:
    async with serving() as (slack, _client):
        alice = slack.add_person("Alice Admin")
        channel = slack.add_channel("it", members=[alice], bot_is_member=False)
        url = slack.new_response_url(alice.id, channel.id)
        webhook = AsyncWebhookClient(url)
        for number in range(4):
            assert (await webhook.send(text=f"Answer {number}")).status_code == 200
        await webhook.send(text="For all", response_type="in_channel")
        assert len(alice.ephemerals) == 4
        assert [message.text for message in channel.messages] == ["For all"]
        assert not slack.violations
        assert (await webhook.send(text="Once more")).status_code == 404
        late = slack.new_response_url(alice.id, channel.id)
        slack.response_urls[late.rpartition("/")[2]].expires = time.monotonic() - 1
        assert (await AsyncWebhookClient(late).send(text="Late")).status_code == 404
        assert slack.violations == ["response_url: used_url", "response_url: expired_url"]


async def test_a_response_url_replaces_or_deletes_the_message_it_came_from() -> None:
    async with serving() as (slack, client):
        alice = slack.add_person("Alice Admin")
        channel = slack.add_channel("it", members=[alice])
        await client.chat_postEphemeral(channel=channel.id, user=alice.id, text="Which?")
        url = slack.new_response_url(alice.id, channel.id, alice.ephemerals[0])
        await AsyncWebhookClient(url).send(text="This one", replace_original=True)
        assert [message.text for message in alice.ephemerals] == ["This one"]
        await AsyncWebhookClient(url).send(delete_original=True)
        assert alice.ephemerals == []


async def test_trouble_comes_as_it_was_ordered() -> None:
    async with serving() as (slack, client):
        channel, other = slack.add_channel("it"), slack.add_channel("other")

        def post(channel_id: str) -> Awaitable[Any]:
            return client.chat_postMessage(channel=channel_id, text="Hello")

        slack.faults.rate_limit("chat.postMessage", retry_after=7, channel=channel.id)
        await post(other.id)
        with pytest.raises(SlackApiError) as failed:
            await post(channel.id)
        assert failed.value.response.status_code == 429
        assert failed.value.response.headers["Retry-After"] == "7"
        slack.faults.error("chat.postMessage", "fatal_error")
        assert await refused(post(channel.id)) == "fatal_error"
        slack.faults.status("chat.postMessage", 503)
        with pytest.raises(SlackApiError):
            await post(channel.id)
        assert channel.messages == []
        await post(channel.id)
        assert not slack.violations


@pytest.mark.parametrize("accepted", [True, False])
async def test_a_dropped_connection_may_or_may_not_have_posted(*, accepted: bool) -> None:
    async with serving() as (slack, client):
        channel = slack.add_channel("it")
        slack.faults.reset("chat.postMessage", accepted=accepted)
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.chat_postMessage(channel=channel.id, text="Hello")
        assert len(channel.messages) == accepted
        assert slack.requests[-1].error == "reset"


async def test_every_call_is_kept_with_its_arguments() -> None:
    async with serving() as (slack, client):
        channel = slack.add_channel("it")
        await client.chat_postMessage(channel=channel.id, text="Hello")
        assert slack.calls("chat.postMessage") == [{"channel": channel.id, "text": "Hello"}]
        assert slack.requests[-1].at == pytest.approx(time.time(), abs=5)


def test_scopes_come_from_a_manifest(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.yml"
    manifest.write_text(
        "features:\n"
        "  slash_commands:\n"
        "    - {command: /enroll-token, description: Tokens, should_escape: true}\n"
        "oauth_config: {scopes: {bot: [chat:write, commands]}}\n"
    )
    slack = Workspace.installing(
        read_manifest(manifest), signing_secret="invented", bot_token="xoxb-invented"
    )
    assert slack.token.scopes == {"chat:write", "commands"}
    assert slack.commands == frozenset({"/enroll-token"})
    assert slack.escapes_commands
