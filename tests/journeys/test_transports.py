"""The journeys that `make test` walks over HTTP, a choice of them over Socket Mode as well.

All of them can be walked over it: `TRANSPORT=socket make test`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
import pytest_asyncio

from tests.journeys import steps, test_history, test_home, test_people, test_wrong_files
from tests.sandbox.deployment import SIGNING_SECRET, Deployment, Transport, deployment
from tests.sandbox.slack.delivery import signature

pytestmark = pytest.mark.asyncio(loop_scope="module")

Journey = Callable[[Deployment], Awaitable[None]]

JOURNEYS: list[Journey] = [
    test_home.test_a_home_in_an_empty_workspace_leads_to_the_form,
    test_people.test_the_requester_cannot_approve_even_as_an_approver,
    test_people.test_the_second_of_two_approvers_is_told_who_was_first,
    test_people.test_a_declined_request_frees_the_name_and_tells_its_requester,
    test_people.test_a_guest_is_told_that_guests_cannot_use_the_app,
    test_people.test_a_mention_in_a_name_or_reason_is_shown_as_text,
    test_home.test_the_shortcut_opens_the_list_and_its_pages,
    test_home.test_settings_show_their_sources_and_no_secret,
    test_history.test_an_unknown_token_is_named,
    test_wrong_files.test_a_file_for_a_key_that_is_not_ours_is_an_incident,
    test_wrong_files.test_a_second_token_of_one_server_is_refused_naming_the_first,
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def connected(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    async with deployment(tmp_path_factory.mktemp("socket"), Transport.SOCKET) as running:
        await running.start()
        yield running
        assert not running.slack.violations


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.__name__)
async def test_over_socket_mode(connected: Deployment, journey: Journey) -> None:
    await journey(connected)


async def test_nothing_of_slacks_is_taken_at_the_port(connected: Deployment) -> None:
    body = b"command=%2Fenroll-token&text=help"
    async with httpx.AsyncClient(trust_env=False, base_url=connected.origin) as client:
        for secret in (SIGNING_SECRET, ""):
            headers = signature(secret, body)
            answer = await client.post("/slack/events", content=body, headers=headers)
            assert answer.status_code == 404


async def test_health_is_told_and_readiness_follows_the_connections(
    connected: Deployment,
) -> None:
    assert connected.sockets is not None
    async with httpx.AsyncClient(trust_env=False, base_url=connected.origin) as client:

        async def told(path: str) -> tuple[int, str]:
            answer = await client.get(path)
            return answer.status_code, answer.text

        async def until(found: tuple[int, str]) -> None:
            give_up_at = time.monotonic() + 20
            while (now := await told("/readyz")) != found:
                assert time.monotonic() < give_up_at, now
                await asyncio.sleep(0.05)

        await until((200, "ready"))
        await connected.sockets.disable()
        await until((503, "disconnected"))
        assert await told("/healthz") == (200, "ok")
        connected.sockets.enabled = True
        await until((200, "ready"))
    await steps.ask(connected, "After the break")
