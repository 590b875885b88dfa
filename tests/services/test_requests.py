"""Claims about asking for a token."""

import asyncio

import pytest

from services.consents import consent
from services.errors import InvalidForm, NotAllowed, Refused, UpstreamError
from services.policy import Approvals, Role
from storage.records import Request, Token
from storage.states import Action, NoticeKind, Portal, ProgramName, RequestState, TokenState
from tests.services.office import APPROVALS, Office, Outside, form
from tests.services.ports import APPROVER, OPERATOR, OWNER, SECOND, STRANGER

WRONG: dict[str, dict[str, object]] = {
    "name": {"name": ":apple:"},
    "server_name": {"server_name": "x" * 81},
    "apple_id": {"apple_id": "it-admin"},
    "owner": {"owner": ""},
    "reason": {"reason": "  "},
    "consent": {"consented": False},
}


async def nothing_was_made(office: Office) -> bool:
    async with office.database.read() as tx:
        tokens = await tx.tokens.all(tx.tokens.select())
        head = await tx.audit.head()
    return not tokens and head is None and not await office.outbox()


async def living(office: Office) -> list[Token]:
    async with office.database.read() as tx:
        return await tx.tokens.living()


async def test_a_request_is_a_token_a_card_and_an_entry_at_once(office: Office) -> None:
    request = await office.ask()
    (token,) = await living(office)
    (card,) = await office.outbox()
    (entry,) = await office.entries()
    assert (token.state, token.owner, token.portal) == (TokenState.REQUESTED, OWNER, Portal.SCHOOL)
    assert (request.state, request.requester) == (RequestState.PENDING, OPERATOR)
    assert request.approvers == sorted([APPROVER, SECOND])
    assert (card.kind, card.destination) == (NoticeKind.REQUEST_CARD, APPROVALS)
    assert card.subject_id == request.id
    assert (entry.actor, entry.action) == (OPERATOR, "request.create")


async def test_the_consent_is_recorded_with_its_full_text_and_version(office: Office) -> None:
    request = await office.ask()
    agreed = consent(ProgramName.APPLE)
    assert (request.consent_text, request.consent_version) == (agreed.text, agreed.version)
    (entry,) = await office.entries()
    assert entry.after["consent_text"] == agreed.text
    assert entry.after["consent_version"] == agreed.version


async def test_the_servers_name_is_the_tokens_unless_another_is_given(office: Office) -> None:
    same = await office.ask("HQ iPads")
    other = await office.requests.create(OPERATOR, form("Two", server_name=" School server "))
    assert (await office.token(same)).server_name == "HQ iPads"
    assert (await office.token(other)).server_name == "School server"


@pytest.mark.parametrize("field", WRONG)
async def test_each_wrong_field_is_named(office: Office, field: str) -> None:
    with pytest.raises(InvalidForm) as caught:
        await office.requests.create(OPERATOR, form(**WRONG[field]))  # type: ignore[arg-type]
    assert set(caught.value.fields) == {field}
    assert await nothing_was_made(office)


async def test_all_wrong_fields_are_named_at_once(office: Office) -> None:
    everything = {name: value for fields in WRONG.values() for name, value in fields.items()}
    with pytest.raises(InvalidForm) as caught:
        await office.requests.create(OPERATOR, form(**everything))  # type: ignore[arg-type]
    assert set(caught.value.fields) == set(WRONG)
    assert all(caught.value.fields.values())


async def test_a_name_of_300_characters_is_refused_under_its_field(office: Office) -> None:
    with pytest.raises(InvalidForm) as caught:
        await office.ask("x" * 300)
    assert "300 characters" in caught.value.fields["name"]
    assert await nothing_was_made(office)


@pytest.mark.parametrize("name", ["<!channel>", "*HQ* & <Co>", "学校 iPads", "x" * 80])
async def test_a_name_may_hold_what_slack_would_read_as_markup(office: Office, name: str) -> None:
    request = await office.ask(name)
    assert (await office.token(request)).name == name


@pytest.mark.parametrize("namesake", ["HQ iPads", "hq IPADS", " HQ iPads "])
async def test_a_namesake_is_named_with_its_state(office: Office, namesake: str) -> None:
    await office.ask("HQ iPads")
    with pytest.raises(InvalidForm) as caught:
        await office.ask(namesake)
    said = "A token “HQ iPads” exists already (requested). Take another name."
    assert caught.value.fields == {"name": said}
    assert len(await living(office)) == 1


async def test_a_submission_delivered_twice_is_one_request(office: Office) -> None:
    same = form()
    first = await office.requests.create(OPERATOR, same)
    assert await office.requests.create(OPERATOR, same) == first
    assert len(await living(office)) == 1
    assert len(await office.outbox()) == len(await office.entries()) == 1


async def test_a_submission_delivered_to_two_processes_at_once_is_one_request(
    office: Office, second_office: Office
) -> None:
    same = form()
    made = await asyncio.gather(
        *(each.requests.create(OPERATOR, same) for each in (office, second_office) * 3)
    )
    assert len({request.id for request in made}) == 1
    assert len(await living(office)) == 1


async def test_one_name_asked_for_twice_at_once_is_made_once(
    office: Office, second_office: Office
) -> None:
    ended = await asyncio.gather(office.ask(), second_office.ask(), return_exceptions=True)
    assert sorted(type(end).__name__ for end in ended) == ["InvalidForm", "Request"]
    assert len(await living(office)) == 1


@pytest.mark.parametrize("person", [STRANGER, APPROVER])
async def test_only_an_operator_may_ask(office: Office, person: str) -> None:
    with pytest.raises(NotAllowed) as caught:
        await office.requests.create(person, form())
    assert "*operator*" in caught.value.user_message
    assert OPERATOR in caught.value.user_message
    with pytest.raises(NotAllowed):
        await office.requests.may_ask(person, Action.CREATE)
    assert await nothing_was_made(office)


async def test_an_operator_who_left_the_workspace_may_not_ask(
    office: Office, outside: Outside
) -> None:
    outside.people.outsiders.add(OPERATOR)
    with pytest.raises(NotAllowed):
        await office.ask()


async def test_a_look_up_that_fails_makes_no_request(office: Office, outside: Outside) -> None:
    outside.people.silent = True
    with pytest.raises(UpstreamError):
        await office.ask()
    assert await nothing_was_made(office)


async def test_a_request_that_nobody_else_could_approve_is_refused_at_once(
    office: Office, outside: Outside
) -> None:
    outside.people.roles[Role.APPROVER] = {OPERATOR}
    for attempt in (office.requests.may_ask(OPERATOR, Action.CREATE), office.ask()):
        with pytest.raises(Refused) as caught:
            await attempt
        assert "add people to APPROVERS, or to set APPROVALS_REQUIRED=0" in (
            caught.value.user_message
        )
    assert await nothing_was_made(office)


async def test_two_approvals_take_two_others(office: Office, outside: Outside) -> None:
    two = Office(office.database, outside, approvals=Approvals(default=2, by_action={}))
    outside.people.roles[Role.APPROVER] = {OPERATOR, APPROVER}
    with pytest.raises(Refused):
        await two.ask()
    outside.people.roles[Role.APPROVER].add(SECOND)
    assert (await two.ask()).approvals_required == 2


async def test_without_approvals_a_request_runs_at_once_and_says_so(
    office: Office, outside: Outside
) -> None:
    alone = Office(office.database, outside, approvals=Approvals(by_action={"create": 0}))
    outside.people.roles[Role.APPROVER] = set()
    request: Request = await alone.ask()
    assert request.state is RequestState.APPROVED
    (entry,) = await alone.entries()
    assert entry.after["approvals_required"] == "0"
    await alone.preparation.begin_approved()
    assert (await alone.request(request.id)).state is RequestState.AWAITING_UPLOAD


async def test_a_program_that_is_not_set_up_is_not_taken(office: Office) -> None:
    with pytest.raises(Refused) as caught:
        await office.requests.create(OPERATOR, form(program=ProgramName.INTUNE))
    assert "not set up here" in caught.value.user_message
    assert await nothing_was_made(office)
