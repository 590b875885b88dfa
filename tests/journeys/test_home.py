"""The Home tab, the shortcut and the settings, as people meet them."""

from collections.abc import Callable

import pytest

from tests.journeys.steps import ask, steps_message
from tests.sandbox.deployment import Deployment
from tests.sandbox.slack.person import Person
from tests.sandbox.slack.views import View

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def home(shared: Deployment, person: Person, holds: Callable[[View], bool]) -> View:
    """Their Home, once it is so; nobody opens it anew."""
    return await shared.slack.wait_for(
        lambda: person.home if person.home and holds(person.home) else None, what="the Home"
    )


async def opened(shared: Deployment, person: Person) -> View:
    """Their Home after they open it."""
    answer = await person.open_home()
    assert answer.ok
    before = person.home.hash if person.home else ""
    return await home(shared, person, lambda view: view.hash != before or view.says("program"))


async def test_a_home_in_an_empty_workspace_leads_to_the_form(shared: Deployment) -> None:
    olivia = shared.cast.operator
    view = await opened(shared, olivia)
    assert view.says("There are no tokens yet")
    await olivia.click("New token")
    form = await shared.slack.wait_for(
        lambda: olivia.view if olivia.view and olivia.view.submit else None, what="the form"
    )
    assert form.title == "New token"
    await olivia.close()


async def test_a_request_is_approved_from_home_and_every_home_follows(
    shared: Deployment,
) -> None:
    olivia, amir = shared.cast.operator, shared.cast.approver
    assert (await opened(shared, amir)).says("Nothing.")
    await opened(shared, olivia)
    card = await ask(shared, "By Home")
    await olivia.close()
    await home(shared, olivia, lambda view: view.says("*Waiting for others*"))
    await home(shared, amir, lambda view: view.says("asks to create the token *By Home*"))
    answer = await amir.click("Approve")
    assert answer.ok
    await steps_message(shared, "By Home")
    await home(shared, amir, lambda view: view.says("Nothing."))
    mine = await home(shared, olivia, lambda view: view.says("*By Home*: download the server"))
    assert not mine.says("*Waiting for others*")
    await shared.slack.wait_for(lambda: not card.buttons, what="the card's edit")
    await olivia.click("Upload server token")
    form = await shared.slack.wait_for(
        lambda: olivia.view if olivia.view and olivia.view.submit else None, what="the form"
    )
    assert form.says("By Home")
    await olivia.close()


async def test_a_refused_click_on_home_is_answered_as_a_direct_message(shared: Deployment) -> None:
    bea, amir = shared.cast.second_approver, shared.cast.approver
    await opened(shared, bea)
    await ask(shared, "Too late")
    view = await home(shared, bea, lambda view: view.says("*Too late*"))
    button = next(one for one in view.buttons if one.text == "Approve")
    late = {"type": "button", "block_id": button.block_id, **_ids(button.element)}
    await opened(shared, amir)
    await home(shared, amir, lambda view: view.says("*Too late*"))
    await amir.click("Approve")
    await steps_message(shared, "Too late")
    await bea.click(late)
    told = await shared.slack.wait_for(lambda: bea.dm.messages[-1], what="the refusal")
    assert told.says(f"<@{amir.id}> was first")
    assert not bea.ephemerals


def _ids(element: dict[str, object]) -> dict[str, object]:
    return {name: element[name] for name in ("action_id", "value")}


async def test_a_click_on_a_request_that_is_not_known_is_answered_too(shared: Deployment) -> None:
    bea = shared.cast.second_approver
    await opened(shared, bea)
    gone = {"type": "button", "block_id": "b", "action_id": "request.approve", "value": "gone"}
    await bea.click(gone)
    told = await shared.slack.wait_for(
        lambda: [m for m in bea.dm.messages if m.says("not known here")][-1], what="the answer"
    )
    assert told.says("/enroll-token list")


async def test_a_button_of_an_older_release_on_home_is_told_to_be_stale(
    shared: Deployment,
) -> None:
    bea = shared.cast.second_approver
    await opened(shared, bea)
    await bea.click({"type": "button", "block_id": "b", "action_id": "home.gone", "value": "x"})
    told = await shared.slack.wait_for(
        lambda: [m for m in bea.dm.messages if m.says("older release")][-1], what="the answer"
    )
    assert told.text


@pytest.mark.parametrize(("who", "sentence"), [("guest", "Guests"), ("bystander", "ask <@")])
async def test_whoever_has_no_role_sees_nothing_of_tokens(
    shared: Deployment, who: str, sentence: str
) -> None:
    await ask(shared, f"Hidden from {who}")
    person = getattr(shared.cast, who)
    await person.open_home()
    view = await home(shared, person, lambda view: view.says(sentence))
    assert not view.buttons
    assert not view.says("Hidden")
    assert len(view.blocks) == 2


async def test_the_shortcut_opens_the_list_and_its_pages(shared: Deployment) -> None:
    olivia, slack = shared.cast.operator, shared.slack
    await ask(shared, "Listed")
    answer = await olivia.shortcut("tokens.open")
    assert answer.ok
    view = await slack.wait_for(
        lambda: olivia.view if olivia.view and olivia.view.says("*Listed*") else None,
        what="the list",
    )
    assert view.title == "Tokens"
    await olivia.close()


async def test_somebody_without_a_role_gets_no_list_from_the_shortcut(shared: Deployment) -> None:
    boris = shared.cast.bystander
    await boris.shortcut("tokens.open")
    view = await shared.slack.wait_for(
        lambda: boris.view if boris.view and boris.view.says("no role") else None, what="the words"
    )
    assert not view.says("waits for")


async def test_settings_show_their_sources_and_no_secret(shared: Deployment) -> None:
    adele, environment = shared.cast.admin, shared.environment
    await adele.command("/enroll-token", "settings")
    told = await shared.slack.wait_for(lambda: adele.ephemerals[-1], what="the settings")
    assert told.says(f"`{shared.delivery_setting}` (from the environment): set")
    assert told.says("`SYNC_EVERY` (default): `43200`")
    assert told.says("`ENCRYPTION_KEYS` (from the environment): `k1`")
    secrets = [
        environment["SLACK_BOT_TOKEN"],
        environment[shared.delivery_setting],
        environment["ENCRYPTION_KEYS"].partition(":")[2],
    ]
    assert not [text for text in told.texts() if any(secret in text for secret in secrets)]


@pytest.mark.parametrize("who", ["approver", "bystander", "guest"])
async def test_settings_are_for_admins_and_operators(shared: Deployment, who: str) -> None:
    person = getattr(shared.cast, who)
    await person.command("/enroll-token", "settings")
    told = await shared.slack.wait_for(lambda: person.ephemerals[-1], what="the refusal")
    assert told.says("Guests" if who == "guest" else "*admin* or *operator*")
    assert not told.says("SLACK_")
