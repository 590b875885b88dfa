"""A role belongs to full members whom Slack names now; whoever cannot be looked up has none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.identity import Identity
from bot.listeners.people import PeopleEvents
from services.errors import UpstreamError
from services.policy import Role
from services.reports import Reports
from tests.sandbox.slack.members import Kind
from tests.sandbox.slack.person import Person
from tests.sandbox.slack.workspace import Workspace

OUTSIDERS = [kind for kind in Kind if kind is not Kind.MEMBER]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A workspace, and who has which role in it: Amir approves by name, the team by group."""

    slack: Workspace
    people: Identity
    amir: Person
    bea: Person
    boris: Person

    def asked(self, method: str) -> int:
        return len(self.slack.calls(method))


@asynccontextmanager
async def looking() -> AsyncIterator[Place]:
    slack = Workspace(
        scopes=["users:read", "usergroups:read"],
        signing_secret="invented",
        bot_token="xoxb-invented",
    )
    amir, bea, boris = (slack.add_person(name) for name in ("Amir", "Bea", "Boris"))
    slack.add_group("S0TEAM", [bea])
    async with slack.serve() as origin:
        client = AsyncWebClient("xoxb-invented", base_url=f"{origin}/api/", retry_handlers=[])
        assigned = {
            Role.APPROVER: (amir.id, "S0TEAM"),
            Role.OPERATOR: ("S0TEAM",),
            Role.ADMIN: (amir.id,),
        }
        people = Identity(client, slack.team_id, assigned)
        yield Place(slack=slack, people=people, amir=amir, bea=bea, boris=boris)
        assert not slack.violations


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with looking() as found:
        yield found


async def test_roles_come_by_id_and_by_group(place: Place) -> None:
    amir = await place.people.actor(place.amir.id, fresh=True)
    bea = await place.people.actor(place.bea.id, fresh=True)
    boris = await place.people.actor(place.boris.id, fresh=True)
    assert amir.roles == {Role.APPROVER, Role.ADMIN}
    assert bea.roles == {Role.APPROVER, Role.OPERATOR}
    assert (boris.member, boris.roles) == (True, frozenset())


async def test_the_holders_of_a_role_are_counted_once(place: Place) -> None:
    place.slack.groups["S0TEAM"].members.append(place.amir.id)
    held = await place.people.holders(Role.APPROVER, fresh=True)
    assert held == {place.amir.id, place.bea.id}
    assert await place.people.holders(Role.VIEWER, fresh=True) == frozenset()


@pytest.mark.parametrize("kind", OUTSIDERS)
async def test_whoever_is_no_full_member_has_no_role(place: Place, kind: Kind) -> None:
    place.amir.member.kind = place.bea.member.kind = kind
    if kind is Kind.STRANGER:
        place.amir.member.team_id = place.bea.member.team_id = "T0STRANGE01"
    for person in (place.amir, place.bea):
        actor = await place.people.actor(person.id, fresh=True)
        assert (actor.member, actor.roles) == (False, frozenset())
    assert await place.people.holders(Role.APPROVER, fresh=True) == frozenset()


async def test_a_person_of_another_workspace_has_no_role(place: Place) -> None:
    place.amir.member.team_id = "T0STRANGE01"
    assert not (await place.people.actor(place.amir.id, fresh=True)).member


async def test_an_unknown_person_has_no_role(place: Place) -> None:
    assert not (await place.people.actor("U0NOBODY", fresh=True)).member


async def test_what_is_drawn_may_be_a_minute_old_and_a_decision_is_not(place: Place) -> None:
    await place.people.actor(place.amir.id, fresh=False)
    await place.people.actor(place.amir.id, fresh=False)
    assert place.asked("users.info") == 1
    place.amir.member.kind = Kind.DEACTIVATED
    assert (await place.people.actor(place.amir.id, fresh=False)).member
    assert not (await place.people.actor(place.amir.id, fresh=True)).member
    assert not (await place.people.actor(place.amir.id, fresh=False)).member


async def test_a_decision_looks_the_groups_up_anew(place: Place) -> None:
    assert (await place.people.actor(place.bea.id, fresh=False)).roles
    place.slack.groups["S0TEAM"].members.clear()
    assert (await place.people.actor(place.bea.id, fresh=False)).roles
    assert not (await place.people.actor(place.bea.id, fresh=True)).roles


async def test_what_slack_tells_of_people_and_groups_is_known_at_once(place: Place) -> None:
    events = PeopleEvents(people=place.people, reports=object.__new__(Reports))
    assert (await place.people.actor(place.bea.id, fresh=False)).roles
    place.slack.groups["S0TEAM"].members.clear()
    await events.regrouped()
    assert not (await place.people.actor(place.bea.id, fresh=False)).roles


async def test_a_look_up_that_began_before_a_change_is_not_remembered(place: Place) -> None:
    place.slack.faults.delay("users.info", 0.2)
    looking_up = asyncio.create_task(place.people.actor(place.amir.id, fresh=False))
    await place.slack.wait_for(lambda: place.asked("users.info"), what="the look-up")
    place.people.forget()
    await looking_up
    place.amir.member.kind = Kind.DEACTIVATED
    assert not (await place.people.actor(place.amir.id, fresh=False)).member


async def test_a_group_with_several_roles_is_asked_once_for_one_decision(place: Place) -> None:
    await place.people.actor(place.bea.id, fresh=True)
    assert place.asked("usergroups.users.list") == 1


@pytest.mark.parametrize("method", ["users.info", "usergroups.users.list"])
async def test_a_short_wait_is_waited_for(place: Place, method: str) -> None:
    place.slack.faults.rate_limit(method, retry_after=0.2)
    assert (await place.people.actor(place.bea.id, fresh=True)).roles
    assert place.asked(method) > 1


@pytest.mark.parametrize("method", ["users.info", "usergroups.users.list"])
async def test_a_long_wait_refuses_at_once(place: Place, method: str) -> None:
    place.slack.faults.rate_limit(method, retry_after=30)
    await refuses(place)
    assert place.asked(method) == 1


async def test_a_second_wait_refuses(place: Place) -> None:
    place.slack.faults.rate_limit("users.info", retry_after=0.1, times=2)
    await refuses(place)


@pytest.mark.parametrize("method", ["users.info", "usergroups.users.list"])
async def test_an_error_of_slacks_refuses(place: Place, method: str) -> None:
    for error in ("internal_error", "invalid_auth", "missing_scope"):
        place.slack.faults.error(method, error)
        await refuses(place)


@pytest.mark.parametrize("method", ["users.info", "usergroups.users.list"])
async def test_a_broken_connection_refuses(place: Place, method: str) -> None:
    place.slack.faults.reset(method, times=None)
    await refuses(place)


@pytest.mark.parametrize("method", ["users.info", "usergroups.users.list"])
async def test_an_answer_that_is_no_json_refuses(place: Place, method: str) -> None:
    for status in (500, 503):
        place.slack.faults.status(method, status)
        await refuses(place)


async def test_a_plan_without_user_groups_refuses(place: Place) -> None:
    place.slack.has_user_groups = False
    await refuses(place)
    with pytest.raises(UpstreamError, match="plan_upgrade_required"):
        await place.people.holders(Role.APPROVER, fresh=True)


async def test_a_group_that_is_gone_refuses(place: Place) -> None:
    place.slack.groups.clear()
    await refuses(place)


async def test_an_error_is_not_remembered(place: Place) -> None:
    place.slack.faults.error("users.info", "internal_error")
    await refuses(place)
    assert (await place.people.actor(place.bea.id, fresh=False)).roles


async def refuses(place: Place) -> None:
    with pytest.raises(UpstreamError) as caught:
        await place.people.actor(place.bea.id, fresh=True)
    assert caught.value.user_message.endswith("Try again.")
    assert caught.value.system == "Slack"
