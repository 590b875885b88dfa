"""Claims about what Entra tells of people: found by any address, gone, deleted, not told."""

from datetime import timedelta

import pytest

from services.graph.errors import GraphError, GraphTrouble
from tests.sandbox.apple import faults
from tests.sandbox.graph.applications import LEAVE_DATES, READ, USERS
from tests.services.microsoft import QUICK, Microsoft, microsoft

USERS_PATH = "/v1.0/users"


async def trouble(side: Microsoft, object_id: str = "x") -> GraphError:
    with pytest.raises(GraphError) as caught:
        await side.users.get(object_id)
    return caught.value


@pytest.mark.parametrize(
    "address",
    [
        "olivia@contoso.example",
        "OLIVIA@Contoso.example",
        "o.operator@contoso.example",
        "old.name@contoso.example",
        "olivia@home.example",
    ],
)
async def test_a_person_is_found_by_any_of_their_addresses(address: str) -> None:
    async with microsoft() as side:
        user = side.tenant.add_user(
            "Olivia Operator", "olivia@contoso.example", mail="o.operator@contoso.example"
        )
        user.proxy_addresses.append("smtp:old.name@contoso.example")
        user.other_mails.append("olivia@home.example")
        side.tenant.add_user("Amir Approver", "amir@contoso.example")
        found = await side.users.find(address)
        assert found is not None
        assert (found.id, found.enabled) == (user.id, True)
        assert found.password_changed_at == user.password_changed_at


@pytest.mark.parametrize(
    "address",
    [
        "nobody@contoso.example",
        "o'hara@contoso.example",
        "a/b?c#d%e&f@contoso.example",
        "' or mail eq 'olivia@contoso.example",
        "$filter",
        "é@contoso.example",
    ],
)
async def test_an_address_that_is_nobodys_finds_nobody_whatever_is_in_it(address: str) -> None:
    async with microsoft() as side:
        side.tenant.add_user("Olivia Operator", "olivia@contoso.example")
        assert await side.users.find(address) is None


async def test_a_name_with_an_apostrophe_is_found() -> None:
    async with microsoft() as side:
        user = side.tenant.add_user("Orla", "orla@contoso.example", mail="o'hara@contoso.example")
        found = await side.users.find("o'hara@contoso.example")
        assert found is not None
        assert found.id == user.id


async def test_a_mailbox_comes_before_an_address_that_was_merely_noted() -> None:
    async with microsoft() as side:
        noted = side.tenant.add_user("Boris", "boris@contoso.example")
        noted.other_mails.append("shared@contoso.example")
        owner = side.tenant.add_user(
            "Adele", "adele@contoso.example", mail="shared@contoso.example"
        )
        found = await side.users.find("shared@contoso.example")
        assert found is not None
        assert found.id == owner.id


async def test_a_deleted_person_is_gone_and_known_for_30_days() -> None:
    async with microsoft() as side:
        user = side.tenant.add_user("Olivia Operator", "olivia@contoso.example")
        side.tenant.delete_user(user)
        assert await side.users.get(user.id) is None
        deleted = await side.users.deleted(user.id)
        assert deleted is not None
        assert (deleted.name, deleted.deleted_at) == (user.name, user.deleted_at)
        assert await side.users.deleted("00000000-0000-4000-8000-000000000000") is None


async def test_the_leave_date_is_asked_for_only_where_that_is_permitted() -> None:
    for roles, told in (((USERS,), False), ((USERS, LEAVE_DATES), True)):
        async with microsoft(roles=roles) as side:
            user = side.tenant.add_user("Olivia Operator", "olivia@contoso.example")
            user.leaves_at = side.tenant.now() + timedelta(days=9)
            found = await side.users.get(user.id)
            assert found is not None
            assert (found.leaves_at is not None) is told


async def test_a_disabled_account_is_told_as_such() -> None:
    async with microsoft() as side:
        user = side.tenant.add_user("Olivia Operator", "olivia@contoso.example")
        user.enabled = False
        found = await side.users.get(user.id)
        assert found is not None
        assert found.enabled is False


async def test_without_the_permission_nobody_is_taken_for_gone() -> None:
    async with microsoft(roles=(READ,)) as side:
        user = side.tenant.add_user("Olivia Operator", "olivia@contoso.example")
        for asked in (side.users.get, side.users.find, side.users.deleted):
            with pytest.raises(GraphError) as caught:
                await asked(user.id)
            assert caught.value.trouble is GraphTrouble.FORBIDDEN


async def test_people_are_looked_up_in_a_tenant_without_intune_too() -> None:
    async with microsoft() as side:
        side.tenant.knobs.licensed = False
        user = side.tenant.add_user("Olivia Operator", "olivia@contoso.example")
        assert await side.users.get(user.id) is not None


@pytest.mark.parametrize(
    ("fault", "expected", "calls"),
    [
        (faults.status(403), GraphTrouble.FORBIDDEN, 1),
        (faults.throttled(None), GraphTrouble.THROTTLED, 1 + QUICK.waits),
        (faults.reset(), GraphTrouble.UNREACHABLE, 1),
        (faults.status(200), GraphTrouble.GARBLED, 1),
        (faults.html_page(), GraphTrouble.GARBLED, 1),
    ],
    ids=["403", "429 without Retry-After", "nothing", "an empty answer", "a web page"],
)
async def test_entra_in_trouble_never_reads_as_a_person_who_is_gone(
    fault: faults.Fault, expected: GraphTrouble, calls: int
) -> None:
    async with microsoft() as side:
        side.server.faults.next(f"{USERS_PATH}/x", fault, times=9)
        assert (await trouble(side)).trouble is expected
        assert len(side.server.calls(f"{USERS_PATH}/x")) == calls


async def test_an_address_stays_out_of_what_is_logged() -> None:
    async with microsoft() as side:
        side.server.faults.next(USERS_PATH, faults.status(500))
        with pytest.raises(GraphError) as caught:
            await side.users.find("nobody@contoso.example")
        assert "filter" not in str(caught.value)
