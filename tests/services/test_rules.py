"""Claims about the rules that need no network: states, names, roles and phrases."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services import names
from services.consents import consent
from services.errors import Invalid, NotAllowed, Refused
from services.lifecycle import REQUEST_MOVES, TOKEN_MOVES, TooLate, move_request, move_token
from services.phrases import PERSON_MARK, QUOTED_LENGTH, people, person, quoted
from services.policy import (
    Actor,
    Approvals,
    Role,
    require,
    require_deciders,
    require_viewer,
    why_not_decide,
)
from services.tokens import days_left, plain_name
from storage.database import Database
from storage.states import Action, ProgramName, RequestState, TokenState
from tests.storage import facts

GONE = {TokenState.DELETED, TokenState.CANCELLED}
ENDED = {
    RequestState.COMPLETED,
    RequestState.DECLINED,
    RequestState.CANCELLED,
    RequestState.EXPIRED,
    RequestState.FAILED,
}


def test_every_state_has_its_moves() -> None:
    assert set(TOKEN_MOVES) == set(TokenState)
    assert set(REQUEST_MOVES) == set(RequestState)


def test_every_state_can_be_reached_but_the_first() -> None:
    assert set().union(*TOKEN_MOVES.values()) == set(TokenState) - {TokenState.REQUESTED}
    assert set().union(*REQUEST_MOVES.values()) == set(RequestState) - {RequestState.PENDING}


def test_what_has_ended_stays_ended() -> None:
    assert {state for state, moves in TOKEN_MOVES.items() if not moves} == GONE
    assert {state for state, moves in REQUEST_MOVES.items() if not moves} == ENDED


def test_a_token_never_becomes_active_but_through_its_file() -> None:
    before = {state for state, moves in TOKEN_MOVES.items() if TokenState.ACTIVE in moves}
    assert before == {TokenState.AWAITING_TOKEN, TokenState.DELETING}


async def test_an_impossible_move_of_a_token_is_a_bug(database: Database) -> None:
    async with database.write() as tx:
        for was in TokenState:
            token = facts.token(f"Token {was}", state=was)
            await tx.tokens.add(token)
            for becomes in set(TokenState) - TOKEN_MOVES[was]:
                with pytest.raises(AssertionError, match=f"{becomes} cannot follow {was}"):
                    await move_token(tx, token, becomes)
            assert await tx.tokens.get(token.id) == token


async def test_an_impossible_move_of_a_request_is_a_bug(database: Database) -> None:
    async with database.write() as tx:
        for was in RequestState:
            token = facts.token(f"Token {was}")
            request = facts.request(token.id, state=was)
            await tx.tokens.add(token)
            await tx.requests.add(request)
            for becomes in set(RequestState) - REQUEST_MOVES[was]:
                with pytest.raises(AssertionError, match=f"{becomes} cannot follow {was}"):
                    await move_request(tx, request, becomes, facts.NOON)
            assert await tx.requests.get(request.id) == request


async def test_every_possible_move_happens_and_an_end_is_dated(database: Database) -> None:
    async with database.write() as tx:
        for was, moves in REQUEST_MOVES.items():
            for becomes in moves:
                token = facts.token(f"{was} {becomes}", state=TokenState.CANCELLED)
                request = facts.request(token.id, state=was)
                await tx.tokens.add(token)
                await tx.requests.add(request)
                await move_request(tx, request, becomes, facts.NOON)
                moved = await tx.requests.get(request.id)
                assert moved is not None
                assert moved.state is becomes
                assert moved.ended_at == (facts.NOON if becomes in ENDED else None)


async def test_a_lost_compare_and_set_is_too_late_and_changes_nothing(database: Database) -> None:
    token = facts.token()
    request = facts.request(token.id)
    async with database.write() as tx:
        await tx.tokens.add(token)
        await tx.requests.add(request)
        await move_token(tx, token, TokenState.CANCELLED)
        await move_request(tx, request, RequestState.DECLINED, facts.NOON)
    async with database.write() as tx:
        with pytest.raises(TooLate) as caught:
            await move_token(tx, token, TokenState.AWAITING_TOKEN, server_uuid="S1")
        with pytest.raises(TooLate):
            await move_request(tx, request, RequestState.APPROVED, facts.NOON)
    assert "Somebody else was first" in caught.value.user_message
    async with database.read() as tx:
        left = await tx.tokens.get(token.id)
    assert left is not None
    assert (left.state, left.server_uuid) == (TokenState.CANCELLED, None)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("a", "a"),
        ("7", "7"),
        ("  HQ iPads\n", "HQ iPads"),
        ("x" * 80, "x" * 80),
        ("学校", "学校"),
        ("Straße & Söhne <HQ>", "Straße & Söhne <HQ>"),
        ("iPads :apple:", "iPads :apple:"),
        ("iPads 🍎", "iPads 🍎"),
        ("👩‍🏫 teachers", "👩‍🏫 teachers"),
        ("<!channel>", "<!channel>"),
        ("<@U0OPERATOR>", "<@U0OPERATOR>"),
        ("10:30 cart", "10:30 cart"),
        ("*bold* _HQ_", "*bold* _HQ_"),
    ],
)
def test_a_name_is_kept_as_it_was_typed_but_for_its_ends(typed: str, name: str) -> None:
    assert names.token_name(typed) == name
    assert names.server_name(typed) == name


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "x" * 81,
        "x" * 300,
        "🍎",
        "🍎 📱",
        "👩‍🏫",
        "❤️",
        "🇩🇪",
        ":apple:",
        ":apple: :iphone:",
        ":apple::iphone:",
        ":+1:",
        ":flag-de::skin-tone-2:",
        "...",
        "---",
        "HQ\x00iPads",
        "HQ\niPads",
        "HQ\tiPads",
        "HQ\x7fiPads",
        "HQ\u202eiPads",
        "HQ\u2066iPads",
        "HQ\u200biPads",
        "HQ\ufeffiPads",
        "HQ\u00adiPads",
        "HQ\u2028iPads",
        "HQ\ue000iPads",
        "HQ\ud800iPads",
        "\u200d",
    ],
)
def test_a_name_that_cannot_be_typed_or_read_is_refused_under_its_field(typed: str) -> None:
    for check, field in ((names.token_name, "name"), (names.server_name, "server_name")):
        with pytest.raises(Invalid) as caught:
            check(typed)
        assert caught.value.field == field
        assert caught.value.user_message.endswith(".")


def test_a_long_name_is_told_its_length() -> None:
    with pytest.raises(Invalid) as caught:
        names.token_name("x" * 300)
    assert caught.value.user_message == "The token's name has 300 characters; take 1 to 80."


@pytest.mark.parametrize("typed", ["it@school.example", "  it@school.example ", "a+b@c.de"])
def test_an_apple_id_is_an_address(typed: str) -> None:
    assert names.apple_id(typed) == typed.strip()


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "it",
        "@school.example",
        "it@",
        "it@school",
        "it@a@school.example",
        "it admin@school.example",
        "it@school.example\u202e",
        "i\nt@school.example",
        f"{'i' * 310}@school.example",
    ],
)
def test_what_is_no_address_is_no_apple_id(typed: str) -> None:
    with pytest.raises(Invalid) as caught:
        names.apple_id(typed)
    assert caught.value.field == "apple_id"


def test_a_reason_keeps_its_lines() -> None:
    assert names.reason(" New iPads\nfor HQ ") == "New iPads\nfor HQ"
    assert len(names.reason("x" * 500)) == 500


@pytest.mark.parametrize("typed", ["", " \n", "x" * 501])
def test_a_reason_is_neither_empty_nor_endless(typed: str) -> None:
    with pytest.raises(Invalid) as caught:
        names.reason(typed)
    assert caught.value.field == "reason"


def actor(person_id: str, *roles: Role) -> Actor:
    return Actor(id=person_id, member=True, roles=frozenset(roles))


@pytest.mark.parametrize("role", Role)
def test_a_role_includes_no_other_but_every_role_may_view(role: Role) -> None:
    somebody = actor("U1", role)
    require_viewer(somebody)
    require(somebody, role, frozenset())
    for other in set(Role) - {role}:
        with pytest.raises(NotAllowed):
            require(somebody, other, frozenset({"U2"}))


def test_a_refusal_names_the_role_and_who_has_it() -> None:
    with pytest.raises(NotAllowed) as caught:
        require(actor("U1"), Role.OPERATOR, frozenset({"U3", "U2"}))
    said = caught.value.user_message
    assert "*operator*" in said
    assert f"{person('U2')}, {person('U3')}" in said
    with pytest.raises(NotAllowed) as caught:
        require(actor("U1"), Role.OPERATOR, frozenset())
    assert "nobody yet" in caught.value.user_message


def test_nobody_without_a_role_may_view() -> None:
    with pytest.raises(NotAllowed):
        require_viewer(actor("U1"))


@pytest.mark.parametrize(
    ("approvers", "needed", "fine"),
    [
        ({"U2"}, 1, True),
        ({"U1", "U2"}, 1, True),
        ({"U1"}, 1, False),
        (set(), 1, False),
        ({"U1", "U2"}, 2, False),
        ({"U2", "U3"}, 2, True),
        (set(), 0, True),
    ],
)
def test_enough_others_must_be_able_to_approve(
    approvers: set[str],
    needed: int,
    fine: bool,  # noqa: FBT001 - the table's last column
) -> None:
    if fine:
        require_deciders("U1", frozenset(approvers), needed)
        return
    with pytest.raises(Refused) as caught:
        require_deciders("U1", frozenset(approvers), needed)
    assert "APPROVERS" in caught.value.user_message
    assert "APPROVALS_REQUIRED=0" in caught.value.user_message


def test_approvals_are_counted_by_action() -> None:
    assert Approvals(by_action={}).needed(Action.CREATE) == 1
    assert Approvals(default=2, by_action={"create": 0}).needed(Action.CREATE) == 0


REQUEST = facts.request("T1", requester="U1", approvers=["U1", "U2", "U3"])


@pytest.mark.parametrize(
    ("somebody", "counted", "why"),
    [
        (actor("U1", Role.APPROVER), [], "You asked for this yourself"),
        (actor("U1", *Role), [], "You asked for this yourself"),
        (actor("U2", Role.OPERATOR, Role.ADMIN), [], "takes the role *approver*"),
        (actor("U4", Role.APPROVER), [], "You became an approver after this was asked"),
        (actor("U2", Role.APPROVER), ["U2"], "You have decided on this already"),
        (actor("U2", Role.APPROVER), ["U3"], None),
        (actor("U2", Role.APPROVER), [], None),
    ],
)
def test_who_may_decide(somebody: Actor, counted: list[str], why: str | None) -> None:
    decided = [facts.decision(REQUEST.id, person_id) for person_id in counted]
    said = why_not_decide(REQUEST, somebody, decided)
    assert said is None if why is None else why in (said or "")


def test_outside_text_cannot_pose_as_a_mention() -> None:
    forged = f"HQ {PERSON_MARK}U0ADMIN{PERSON_MARK}"
    assert quoted(forged) == "“HQ U0ADMIN”"
    assert person("U0ADMIN") not in quoted(forged)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\tc", "a b c"),
        ("a\u202eb\u200bc\x00", "abc"),
        ("\u2028a\u2029", "a"),
        ("x" * QUOTED_LENGTH, "x" * QUOTED_LENGTH),
        ("x" * 300, "x" * 79 + "…"),
        ("", ""),
    ],
)
def test_quoted_text_is_one_short_line_that_can_be_seen(text: str, shown: str) -> None:
    assert quoted(text) == f"“{shown}”"


def test_people_are_listed_in_one_order() -> None:
    assert people({"U2", "U1"}) == people(["U1", "U2"]) == f"{person('U1')}, {person('U2')}"
    assert people([]) == "nobody yet"


@pytest.mark.parametrize("program", ProgramName)
def test_a_consent_has_a_text_and_a_version_of_its_own(program: ProgramName) -> None:
    agreed = consent(program)
    assert agreed.text.startswith("I agree")
    assert agreed.version.startswith(program.value)


@pytest.mark.parametrize(
    ("expires_at", "days"),
    [
        (datetime(2026, 3, 8, 23, 59, tzinfo=UTC), 6),
        (datetime(2026, 3, 8, 0, 0, tzinfo=UTC), 6),
        (datetime(2026, 3, 2, 23, 59, tzinfo=UTC), 0),
        (datetime(2026, 3, 2, 8, 59, tzinfo=UTC), 0),
        (datetime(2026, 3, 1, 23, 59, tzinfo=UTC), -1),
        (datetime(2026, 2, 27, 9, 0, tzinfo=UTC), -3),
    ],
)
def test_days_left_are_those_of_the_calendar(expires_at: datetime, days: int) -> None:
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert days_left(expires_at, now, ZoneInfo("UTC")) == days


def test_days_left_are_those_of_the_calendar_where_the_people_are() -> None:
    evening = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    expires_at = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
    assert days_left(expires_at, evening, ZoneInfo("UTC")) == 1
    assert days_left(expires_at, evening, ZoneInfo("Europe/Berlin")) == 0
    assert days_left(None, evening, ZoneInfo("UTC")) is None


@pytest.mark.parametrize(
    "typed",
    ["HQ & Co", ' "HQ & Co" ', "\u201cHQ &amp; Co\u201d", "'HQ & Co'", "\u2018HQ & Co\u2019"],
)
def test_a_name_may_be_typed_in_quotes_and_as_slack_escapes_it(typed: str) -> None:
    assert plain_name(typed) == "HQ & Co"
