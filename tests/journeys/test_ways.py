"""Create and renew by the same steps, for our own program and for Intune in its three modes."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from storage.database import Database
from storage.records import Token
from tests.journeys.held import said
from tests.journeys.ways import DAY, TAG, Walk, Way, deployed_for
from tests.sandbox.deployment import Deployment
from tests.sandbox.slack.conversations import Message

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=list(Way))
async def going(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Deployment, Way]]:
    """A deployment for each way, with a token of its own for each test."""
    way = Way(request.param)
    async with deployed_for(way, tmp_path_factory.mktemp(way.value)) as deployed:
        yield deployed, way


async def stored(deployed: Deployment, name: str) -> Token:
    database = Database(f"sqlite+aiosqlite:///{deployed.database}")
    async with database.read() as tx:
        token = await tx.tokens.named(name)
    await database.close()
    assert token is not None
    return token


async def test_a_token_is_created_and_renewed(going: tuple[Deployment, Way]) -> None:
    deployed, way = going
    walk = Walk(deployed, way, "HQ iPads")
    card = await walk.ask()
    assert card.says("Microsoft Intune") is way.in_intune
    if way in {Way.FULL, Way.GUIDED}:
        assert card.says(f"1 {TAG}")
    steps = await walk.approve(card)
    await walk.bring_first(steps)
    await said(deployed, deployed.alerts, "*HQ iPads is in use until")
    await deployed.slack.wait_for(lambda: not card.buttons, what="the card's outcome")
    first = await stored(deployed, "HQ iPads")
    assert (first.holder_id is not None) is (way in {Way.FULL, Way.GUIDED})

    again = await walk.renew()
    await walk.bring_next(await walk.approve(again))
    await said(deployed, deployed.alerts, "*HQ iPads is renewed: in use until")
    second = await stored(deployed, "HQ iPads")
    assert first.expires_at is not None
    assert second.expires_at is not None
    assert second.expires_at > first.expires_at
    assert second.holder_id == first.holder_id
    await deployed.slack.wait_for(
        lambda: any(m.says("The new token is in use") for m in again.thread), what="the story"
    )


async def test_a_request_that_is_cancelled_leaves_nothing_behind(
    going: tuple[Deployment, Way],
) -> None:
    deployed, way = going
    walk = Walk(deployed, way, "Not now")
    steps = await walk.approve(await walk.ask())
    await deployed.cast.operator.click("Cancel", message=steps)
    await said(deployed, deployed.cast.operator.dm, "Not now", "There is nothing left")
    if deployed.intune is not None:
        tenant = deployed.intune
        await deployed.slack.wait_for(
            lambda: all(one.name != "Not now" for one in tenant.listed()), what="no entry"
        )


@pytest.fixture
def one_way(going: tuple[Deployment, Way]) -> Deployment:
    return going[0]


def told_of(way: Way) -> pytest.MarkDecorator:
    """A test that is told of one way alone."""
    return pytest.mark.parametrize("going", [way], indirect=True, ids=[way.value])


async def looked_at(deployed: Deployment, steps: Message, file: bytes, words: str) -> None:
    """Have a file checked; the answer, in the form's place and as a direct message."""
    olivia, slack = deployed.cast.operator, deployed.slack
    await olivia.click("Check the file first", message=steps)
    await slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the form")
    olivia.fill("Server token file", ("token.p7m", file))
    await olivia.submit()
    assert not olivia.errors, olivia.errors
    await slack.wait_for(lambda: olivia.view and olivia.view.says(words), what=words)
    await said(deployed, olivia.dm, words)


@told_of(Way.GUIDED)
async def test_a_file_is_checked_before_it_is_uploaded_by_hand(one_way: Deployment) -> None:
    walk = Walk(one_way, Way.GUIDED, "Checked")
    other = one_way.tenant.add_token("Mac lab")
    steps = await walk.approve(await walk.ask())
    wrong = walk.file_for(other.key_pair().certificate_pem)
    await looked_at(one_way, steps, wrong, "“Mac lab”")
    tab = one_way.tenant.portal.open_create()
    right = walk.file_for(tab.certificate_pem)
    await looked_at(one_way, steps, right, "as it should be for a new one")


@told_of(Way.GUIDED)
async def test_done_too_early_says_what_intune_shows_and_is_confirmed_later(
    one_way: Deployment,
) -> None:
    walk = Walk(one_way, Way.GUIDED, "Too early")
    steps = await walk.approve(await walk.ask())
    olivia = one_way.cast.operator
    await olivia.click("Done", message=steps)
    await one_way.slack.wait_for(
        lambda: olivia.view and olivia.view.says("Not yet."), what="what Intune shows"
    )
    await said(one_way, olivia.dm, "Too early", "no new token since you got the steps")
    walk.entry = walk._made_by_hand()
    await said(one_way, one_way.alerts, "*Too early is in use until")


@told_of(Way.FULL)
async def test_a_refused_write_goes_on_by_hand_and_says_so_in_the_thread(
    one_way: Deployment,
) -> None:
    one_way.tenant.knobs.refuses_writes = True
    walk = Walk(one_way, Way.FULL, "Refused")
    card = await walk.ask()
    steps = await walk.approve(card)
    assert steps.says("It goes on by hand")
    assert steps.says("Keep this tab open until you press Create")
    await one_way.slack.wait_for(
        lambda: any(m.says("It goes on by hand, in the admin center") for m in card.thread),
        what="the story",
    )
    walk.way = Way.GUIDED
    await walk.bring_first(steps)
    await said(one_way, one_way.alerts, "*Refused is in use until")
    one_way.tenant.knobs.refuses_writes = False


@told_of(Way.RECORDED)
async def test_a_date_that_cannot_be_right_is_told_under_its_field(one_way: Deployment) -> None:
    walk = Walk(one_way, Way.RECORDED, "Dated")
    steps = await walk.approve(await walk.ask())
    await walk.enter_date(steps, datetime.now(UTC) - DAY)
    errors = one_way.cast.operator.errors
    assert "not in the future" in errors["Expiry date of the new token"]


@told_of(Way.GUIDED)
async def test_done_after_the_request_is_over_is_told(one_way: Deployment) -> None:
    walk = Walk(one_way, Way.GUIDED, "Too late")
    steps = await walk.approve(await walk.ask())
    olivia, slack = one_way.cast.operator, one_way.slack
    (done,) = [one.element for one in steps.buttons if one.text == "Done"]
    await olivia.click("Cancel", message=steps)
    await said(one_way, olivia.dm, "Too late", "There is nothing left")
    await olivia.click({"block_id": "upload", **done}, message=steps)
    await slack.wait_for(lambda: olivia.view and olivia.view.says("it is cancelled"), what="why")
