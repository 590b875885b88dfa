"""Claims about approving and declining: who may, and who was first."""

import asyncio
from datetime import timedelta

import pytest

from services.errors import NotFound
from services.lifecycle import move_request
from services.phrases import person
from services.policy import Approvals, Role
from storage.records import Decision, Request
from storage.states import DecisionState, NoticeKind, RequestState, TokenState, Verdict
from tests.services.office import APPROVALS, Office, Outside, click
from tests.services.ports import APPROVER, OPERATOR, SECOND, STRANGER

APPROVE, DECLINE = Verdict.APPROVE, Verdict.DECLINE
RACES = 15


async def told(office: Office, decision: Decision) -> str:
    """What the person of a refused click reads; a counted one has no answer."""
    answers = [
        item
        for item in await office.outbox(NoticeKind.CLICK_ANSWER)
        if item.subject_id == decision.id
    ]
    if decision.state is DecisionState.COUNTED:
        assert answers == []
        return ""
    (answer,) = answers
    assert (answer.visible_to, answer.destination) == (decision.person, APPROVALS)
    return decision.refusal or ""


async def state(office: Office, request: Request) -> RequestState:
    return (await office.request(request.id)).state


async def test_an_approval_moves_the_request_on_and_edits_its_card(office: Office) -> None:
    request = await office.ask()
    decision = await office.click(request)
    assert decision.state is DecisionState.COUNTED
    assert await state(office, request) is RequestState.APPROVED
    card, edit = await office.outbox(NoticeKind.REQUEST_CARD)
    assert edit.edits == card.id
    entry = (await office.entries())[-1]
    assert (entry.actor, entry.action) == (APPROVER, "request.approve")
    assert (entry.before, entry.after) == ({"state": "pending"}, {"state": "approved"})
    assert entry.origin == f"message:{APPROVALS}/1.0"


async def test_a_decline_cancels_the_token_and_frees_its_name(office: Office) -> None:
    request = await office.ask("HQ iPads")
    await office.click(request, SECOND, DECLINE)
    declined = await office.request(request.id)
    assert (declined.state, declined.ended_at) == (RequestState.DECLINED, office.clock.now())
    assert (await office.token(request)).state is TokenState.CANCELLED
    (news,) = await office.outbox(NoticeKind.REQUEST_NEWS)
    assert news.destination == OPERATOR
    again = await office.ask("hq ipads")
    assert await state(office, again) is RequestState.PENDING


@pytest.mark.parametrize("roles", [[], list(Role)])
@pytest.mark.parametrize("verdict", Verdict)
async def test_the_requester_cannot_decide_whatever_the_role(
    office: Office, outside: Outside, roles: list[Role], verdict: Verdict
) -> None:
    for role in roles:
        outside.people.roles[role].add(OPERATOR)
    request = await office.ask()
    decision = await office.click(request, OPERATOR, verdict)
    assert "You asked for this yourself" in await told(office, decision)
    assert await state(office, request) is RequestState.PENDING


@pytest.mark.parametrize("verdict", Verdict)
async def test_nobody_without_the_role_decides(office: Office, verdict: Verdict) -> None:
    request = await office.ask()
    decision = await office.click(request, STRANGER, verdict)
    assert "role *approver*" in await told(office, decision)
    assert await state(office, request) is RequestState.PENDING
    assert len(await office.entries()) == 1


async def test_nobody_decides_who_became_an_approver_after_the_request(
    office: Office, outside: Outside
) -> None:
    request = await office.ask()
    outside.people.roles[Role.APPROVER].add(STRANGER)
    decision = await office.click(request, STRANGER)
    assert "You became an approver after this was asked" in await told(office, decision)
    assert await state(office, request) is RequestState.PENDING
    later = await office.ask("Another")
    assert (await office.click(later, STRANGER)).state is DecisionState.COUNTED


async def test_nobody_decides_who_lost_the_role_before_the_click(
    office: Office, outside: Outside
) -> None:
    request = await office.ask()
    outside.people.roles[Role.APPROVER].remove(APPROVER)
    decision = await office.click(request, APPROVER)
    assert "role *approver*" in await told(office, decision)


async def test_nobody_decides_who_lost_the_role_between_click_and_look_up(
    office: Office, outside: Outside
) -> None:
    request = await office.ask()
    await office.decisions.record(click(request, APPROVER, APPROVE, key="c1"))
    outside.people.outsiders.add(APPROVER)
    await office.decisions.finish_recorded()
    assert await state(office, request) is RequestState.PENDING


async def test_the_roles_are_looked_up_for_the_click(office: Office, outside: Outside) -> None:
    request = await office.ask()
    outside.people.looked_up.clear()
    await office.click(request)
    assert outside.people.looked_up == [(APPROVER, True)]


async def test_a_look_up_that_fails_refuses_and_says_to_click_again(
    office: Office, outside: Outside
) -> None:
    request = await office.ask()
    outside.people.silent = True
    decision = await office.click(request)
    assert "Click again" in await told(office, decision)
    assert await state(office, request) is RequestState.PENDING
    outside.people.silent = False
    await office.decisions.finish_recorded()
    assert await state(office, request) is RequestState.PENDING
    assert (await office.click(request)).state is DecisionState.COUNTED


async def test_a_late_click_is_told_who_was_first_and_with_what(office: Office) -> None:
    approved, declined = await office.ask("One"), await office.ask("Two")
    await office.click(approved, APPROVER, APPROVE)
    await office.click(declined, APPROVER, DECLINE)
    late = await office.click(approved, SECOND, DECLINE)
    assert await told(office, late) == (f"{person(APPROVER)} was first: this was approved already.")
    late = await office.click(declined, SECOND, APPROVE)
    assert await told(office, late) == (f"{person(APPROVER)} was first: this was declined already.")
    assert await state(office, approved) is RequestState.APPROVED
    assert await state(office, declined) is RequestState.DECLINED


async def test_a_click_on_a_request_that_ended_by_itself_is_told_so(office: Office) -> None:
    request = await office.ask()
    async with office.database.write() as tx:
        await move_request(tx, request, RequestState.EXPIRED, office.clock.now())
    decision = await office.click(request)
    assert await told(office, decision) == ("This request is expired; nothing is left to decide.")


async def test_a_click_on_an_unknown_request_is_told_so(office: Office) -> None:
    request = await office.ask()
    unknown = click(request, APPROVER, APPROVE, key="c1")
    with pytest.raises(NotFound) as caught:
        await office.decisions.record(
            type(unknown)(
                request_id="0" * 32,
                person=unknown.person,
                verdict=unknown.verdict,
                origin=unknown.origin,
                key=unknown.key,
                digest=unknown.digest,
            )
        )
    assert "/enroll-token list" in caught.value.user_message


async def test_a_click_delivered_twice_counts_once(office: Office, second_office: Office) -> None:
    two = Approvals(default=2, by_action={})
    patient = Office(office.database, office.outside, approvals=two)
    request = await patient.ask()
    same = click(request, APPROVER, APPROVE, key="c1")
    await asyncio.gather(patient.decisions.record(same), second_office.decisions.record(same))
    await patient.decisions.finish_recorded()
    await patient.decisions.record(same)
    await patient.decisions.finish_recorded()
    assert await state(patient, request) is RequestState.PENDING
    assert [entry.action for entry in await patient.entries()] == [
        "request.create",
        "request.approve",
    ]
    assert await patient.outbox(NoticeKind.CLICK_ANSWER) == []


async def test_the_same_person_twice_is_not_two_approvals(office: Office) -> None:
    patient = Office(office.database, office.outside, approvals=Approvals(default=2, by_action={}))
    request = await patient.ask()
    assert (await patient.click(request, APPROVER)).state is DecisionState.COUNTED
    again = await patient.click(request, APPROVER)
    assert "You have decided on this already" in await told(patient, again)
    assert await state(patient, request) is RequestState.PENDING
    await patient.click(request, SECOND)
    assert await state(patient, request) is RequestState.APPROVED


async def test_one_decline_is_enough_where_two_must_approve(office: Office) -> None:
    patient = Office(office.database, office.outside, approvals=Approvals(default=2, by_action={}))
    request = await patient.ask()
    await patient.click(request, APPROVER)
    await patient.click(request, SECOND, DECLINE)
    assert await state(patient, request) is RequestState.DECLINED


async def test_clicks_recorded_before_a_restart_have_their_effect(
    office: Office, second_office: Office
) -> None:
    one, two = await office.ask("One"), await office.ask("Two")
    await office.decisions.record(click(one, APPROVER, APPROVE, key="c1"))
    office.clock.pass_time(timedelta(seconds=1))
    await office.decisions.record(click(two, APPROVER, DECLINE, key="c2"))
    await second_office.decisions.finish_recorded()
    assert await state(office, one) is RequestState.APPROVED
    assert await state(office, two) is RequestState.DECLINED


async def test_the_older_click_is_weighed_first(office: Office) -> None:
    request = await office.ask()
    await office.decisions.record(click(request, SECOND, DECLINE, key="c1"))
    office.clock.pass_time(timedelta(milliseconds=1))
    await office.decisions.record(click(request, APPROVER, APPROVE, key="c2"))
    await office.decisions.finish_recorded()
    assert await state(office, request) is RequestState.DECLINED


async def test_one_click_weighed_by_two_processes_counts_once(
    office: Office, second_office: Office
) -> None:
    requests = [await office.ask(f"Race {number}") for number in range(8)]
    for number, request in enumerate(requests):
        await office.decisions.record(click(request, APPROVER, APPROVE, key=f"c{number}"))
    await asyncio.gather(
        office.decisions.finish_recorded(), second_office.decisions.finish_recorded()
    )
    assert await office.outbox(NoticeKind.CLICK_ANSWER) == []
    approvals = [e for e in await office.entries() if e.action == "request.approve"]
    assert len(approvals) == len(requests)
    assert await office.audit.verify(office.database) is None


async def test_of_clicks_at_once_one_wins_and_the_others_are_told_who(
    office: Office, second_office: Office
) -> None:
    requests = [await office.ask(f"Race {number}") for number in range(RACES)]

    async def race(request: Request) -> None:
        clicks = [
            (office, click(request, APPROVER, APPROVE, key=f"{request.id}-1")),
            (second_office, click(request, SECOND, DECLINE, key=f"{request.id}-2")),
        ]

        async def one(process: Office, made: object) -> None:
            await process.decisions.record(made)  # type: ignore[arg-type]
            await process.decisions.finish_recorded()

        await asyncio.gather(*(one(*each) for each in clicks))

    for request in requests:
        await race(request)
    for request in requests:
        decided = await office.request(request.id)
        async with office.database.read() as tx:
            made = [await tx.decisions.of_key(f"{request.id}-{which}") for which in (1, 2)]
        decisions = [decision for decision in made if decision is not None]
        (winner,) = [each for each in decisions if each.state is DecisionState.COUNTED]
        (loser,) = [each for each in decisions if each.state is DecisionState.REFUSED]
        by_verdict = {APPROVE: RequestState.APPROVED, DECLINE: RequestState.DECLINED}
        assert decided.state is by_verdict[winner.verdict]
        assert f"{person(winner.person)} was first" in await told(office, loser)
    entries = await office.entries()
    assert len(entries) == 2 * RACES
    assert await office.audit.verify(office.database) is None


async def test_two_approvals_at_once_that_are_both_needed_both_count(
    office: Office, second_office: Office, outside: Outside
) -> None:
    two = Approvals(default=2, by_action={})
    one_process = Office(office.database, outside, approvals=two)
    requests = [await one_process.ask(f"Both {number}") for number in range(5)]
    for request in requests:
        await asyncio.gather(
            one_process.click(request, APPROVER), second_office.click(request, SECOND)
        )
        assert await state(office, request) is RequestState.APPROVED
