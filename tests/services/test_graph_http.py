"""Claims about calls to Graph: paging, throttling, budgets, refusals, answers that are none."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from services.graph.errors import SAID, GraphError, GraphTrouble
from services.graph.exchange import graph_http
from services.graph.http import Patience
from services.graph.limits import REQUESTS, SECONDS, WRITES, Budget
from tests.sandbox.apple import faults
from tests.sandbox.apple.answers import Answer
from tests.sandbox.graph.applications import GUIDED, USERS
from tests.services.microsoft import QUICK, Microsoft, microsoft

SETTINGS = "/beta/deviceManagement/depOnboardingSettings"


async def trouble(side: Microsoft) -> GraphError:
    with pytest.raises(GraphError) as caught:
        await side.intune.settings()
    return caught.value


def asked(side: Microsoft) -> int:
    return len(side.server.calls(SETTINGS))


async def test_every_page_of_a_list_is_read() -> None:
    async with microsoft() as side:
        for number in range(7):
            side.tenant.add_token(f"Token {number}")
        side.tenant.knobs.largest_page = 3
        side.tenant.knobs.page_size = 3
        found = await side.intune.settings()
        assert [one.name for one in found] == [f"Token {number}" for number in range(7)]


async def test_large_pages_are_asked_for_and_done_without_where_they_are_refused() -> None:
    async with microsoft() as side:
        side.tenant.add_token("HQ")
        await side.intune.settings()
        side.tenant.knobs.largest_page = 100
        assert len(await side.intune.settings()) == 1
        assert [call.query for call in side.server.calls(SETTINGS)] == [
            "$top=999",
            "$top=999",
            "",
        ]


@pytest.mark.parametrize(
    "origin",
    ["https://graph.example", "http://127.0.0.1:9", "ftp://127.0.0.1", "//elsewhere.example"],
)
async def test_a_next_link_to_another_host_is_not_followed(origin: str) -> None:
    async with microsoft() as side:
        side.tenant.knobs.page_size, side.tenant.knobs.largest_page = 1, 1
        side.tenant.add_token("One")
        side.tenant.add_token("Two")
        side.tenant.knobs.stray_next_link = origin
        error = await trouble(side)
        assert error.trouble is GraphTrouble.STRAYED
        assert not error.retryable
        assert "GRAPH_URL" in error.user_message


async def test_the_access_token_goes_nowhere_but_to_graph() -> None:
    async with microsoft() as side, microsoft() as other:
        side.tenant.knobs.page_size, side.tenant.knobs.largest_page = 1, 1
        side.tenant.add_token("One")
        side.tenant.add_token("Two")
        side.tenant.knobs.stray_next_link = other.origin
        assert (await trouble(side)).trouble is GraphTrouble.STRAYED
        side.server.faults.next(SETTINGS, faults.Fault(answer=redirect(other.origin)))
        assert (await trouble(side)).trouble is GraphTrouble.GARBLED
        assert other.server.requests == []


def redirect(origin: str) -> Answer:
    return Answer(status=307, headers={"Location": f"{origin}{SETTINGS}"})


async def test_a_list_in_a_circle_ends_as_an_error() -> None:
    async with microsoft() as side:
        page = {"value": [], "@odata.nextLink": f"{side.origin}{SETTINGS}?$skiptoken=1"}
        answer = faults.status(200, json.dumps(page), content_type="application/json")
        side.server.faults.next(SETTINGS, answer, times=5)
        assert (await trouble(side)).trouble is GraphTrouble.GARBLED
        assert asked(side) == 2


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date", "none"])
async def test_a_throttled_call_is_made_again_as_late_as_graph_asks(code: int, form: str) -> None:
    async with microsoft(patience=Patience(waits=3, first_wait=0.2, longest_wait=5)) as side:
        await side.intune.settings()
        begun = datetime.now(UTC)
        date = (begun + timedelta(seconds=3)).replace(microsecond=0)
        asks: dict[str, int | datetime | None] = {"seconds": 1, "date": date, "none": None}
        not_before = {
            "seconds": begun + timedelta(seconds=1),
            "date": date,
            "none": begun + timedelta(seconds=0.15),
        }
        side.server.faults.next(SETTINGS, faults.throttled(asks[form], code=code))
        assert await side.intune.settings() == []
        assert datetime.now(UTC) >= not_before[form]
        assert asked(side) == 3


async def test_without_retry_after_each_wait_is_longer_than_the_one_before() -> None:
    async with microsoft(patience=Patience(waits=3, first_wait=0.2)) as side:
        side.tenant.knobs.throttle(99)
        begun = time.monotonic()
        error = await trouble(side)
        # 0.2, 0.4 and 0.8 s, each at least three quarters of itself.
        assert time.monotonic() - begun >= 1.05
        assert error.trouble is GraphTrouble.THROTTLED
        assert error.retryable
        assert asked(side) == 4


async def test_a_storm_of_429_ends_after_a_few_waits_and_is_told_as_throttled() -> None:
    async with microsoft() as side:
        side.tenant.knobs.throttle(99)
        error = await trouble(side)
        assert (error.trouble, error.status) == (GraphTrouble.THROTTLED, 429)
        assert asked(side) == 1 + QUICK.waits
        side.tenant.knobs.throttle(0)
        assert await side.intune.settings() == []


async def test_a_wait_longer_than_a_call_may_take_is_left_to_the_caller() -> None:
    async with microsoft() as side:
        side.tenant.knobs.throttle(1, retry_after=600)
        begun = time.monotonic()
        error = await trouble(side)
        assert error.retry_after == 600
        assert time.monotonic() - begun < 5
        assert asked(side) == 1


def asking_to_wait(text: str) -> faults.Fault:
    answer = faults.throttled(None).answer
    assert answer is not None
    return faults.Fault(answer=answer.with_header("Retry-After", text))


@pytest.mark.parametrize("wild", ["soon", "-5", "", "Mon, 99 Foo 2026", "1.5"])
async def test_a_retry_after_that_says_nothing_is_as_good_as_none(wild: str) -> None:
    async with microsoft() as side:
        side.server.faults.next(SETTINGS, asking_to_wait(wild))
        assert await side.intune.settings() == []


async def test_a_retry_after_of_centuries_is_a_day() -> None:
    async with microsoft() as side:
        side.server.faults.next(SETTINGS, asking_to_wait("9" * 40))
        assert (await trouble(side)).retry_after == 24 * 3600


async def test_a_write_is_not_repeated_after_a_503_that_may_have_done_it() -> None:
    async with microsoft() as side:
        token = side.tenant.add_token("HQ")
        path = f"{SETTINGS}/{token.id}"
        side.server.faults.next(path, faults.throttled(1, code=503))
        with pytest.raises(GraphError):
            await side.intune.set_scope_tags(token.id, ["0"])
        side.server.faults.next(path, faults.throttled(1))
        await side.intune.set_scope_tags(token.id, ["0"])
        assert [call.status for call in side.server.calls(path)] == [503, 429, 200]


async def test_intunes_budget_is_never_exceeded() -> None:
    assert (REQUESTS, WRITES, SECONDS) == (1000, 100, 20)
    async with microsoft(budget=Budget(seconds=2)) as side:
        await side.entra.access_token()
        side.tenant.knobs.budget_seconds = 2
        token = side.tenant.add_token("HQ")
        begun = time.monotonic()
        await asyncio.gather(*(side.intune.set_scope_tags(token.id, ["0"]) for _ in range(101)))
        assert time.monotonic() - begun >= 1.9
        assert side.outcomes == ["200"] * 101


async def test_the_stand_in_throttles_whoever_exceeds_the_budget() -> None:
    async with microsoft(budget=Budget(writes=999), patience=Patience(waits=0)) as side:
        token = side.tenant.add_token("HQ")
        for _ in range(100):
            await side.intune.set_scope_tags(token.id, ["0"])
        with pytest.raises(GraphError) as caught:
            await side.intune.set_scope_tags(token.id, ["0"])
        assert caught.value.trouble is GraphTrouble.THROTTLED
        assert await side.intune.setting(token.id) is not None


async def test_a_write_that_waits_for_its_turn_holds_up_no_reading() -> None:
    async with microsoft(budget=Budget(writes=1, seconds=60)) as side:
        token = side.tenant.add_token("HQ")
        await side.intune.set_scope_tags(token.id, ["0"])
        waiting = asyncio.create_task(side.intune.set_scope_tags(token.id, ["0"]))
        await side.intune.settings()
        assert not waiting.done()
        waiting.cancel()


async def test_the_budget_is_counted_over_any_window_and_not_by_the_clock() -> None:
    budget = Budget(requests=3, seconds=0.5)
    begun = time.monotonic()
    times = []
    for _ in range(7):
        async with budget.call(write=False):
            times.append(time.monotonic() - begun)
    assert all(later - earlier >= 0.49 for earlier, later in zip(times, times[3:], strict=False))


async def test_a_missing_permission_is_told_with_graphs_own_words_and_number() -> None:
    async with microsoft(roles=(USERS,)) as side:
        error = await trouble(side)
        assert error.trouble is GraphTrouble.FORBIDDEN
        assert error.message.startswith("Application is not authorized")
        assert "{" not in error.message
        assert error.request_id
        assert f"request-id {error.request_id}" in str(error)
        assert "enroll-token check" in error.user_message


async def test_reading_roles_may_not_write() -> None:
    async with microsoft(roles=GUIDED) as side:
        token = side.tenant.add_token("HQ")
        with pytest.raises(GraphError) as caught:
            await side.intune.delete(token.id)
        assert caught.value.trouble is GraphTrouble.FORBIDDEN
        assert token.id in side.tenant.tokens


async def test_a_write_may_be_refused_in_spite_of_the_roles() -> None:
    async with microsoft() as side:
        token = side.tenant.add_token("HQ")
        side.tenant.knobs.refuses_writes = True
        with pytest.raises(GraphError) as caught:
            await side.intune.delete(token.id)
        assert caught.value.trouble is GraphTrouble.FORBIDDEN
        assert len(await side.intune.settings()) == 1


async def test_a_tenant_without_intune_is_told_from_one_without_permission() -> None:
    async with microsoft() as side:
        side.tenant.knobs.licensed = False
        error = await trouble(side)
        assert error.trouble is GraphTrouble.NO_LICENCE
        assert "licence" in error.user_message
        assert not error.retryable


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (faults.status(500), GraphTrouble.BROKEN),
        (faults.status(502, "<html>"), GraphTrouble.BROKEN),
        (faults.status(504), GraphTrouble.BROKEN),
        (faults.status(418), GraphTrouble.REFUSED),
        (faults.status(302), GraphTrouble.GARBLED),
        (faults.reset(), GraphTrouble.UNREACHABLE),
        (faults.reset(faults.Reset.AFTER), GraphTrouble.UNREACHABLE),
        (faults.reset_in_body(), GraphTrouble.UNREACHABLE),
        (faults.html_page(), GraphTrouble.GARBLED),
        (faults.wrong_content_type(), GraphTrouble.GARBLED),
        (faults.half_json(), GraphTrouble.GARBLED),
        (faults.with_values(value=None), GraphTrouble.GARBLED),
        (faults.without("value"), GraphTrouble.GARBLED),
        (faults.gzip_bomb(), GraphTrouble.GARBLED),
        (faults.with_values(value=[{"tokenName": 3}]), GraphTrouble.GARBLED),
        (
            faults.status(200, '{"value": ' + "[" * 100_000, content_type="application/json"),
            GraphTrouble.GARBLED,
        ),
        (faults.status(500, '{"error": ' + '{"a":' * 100_000), GraphTrouble.BROKEN),
        (
            faults.with_values(value=[{"id": "1", "tokenExpirationDateTime": "soon"}]),
            GraphTrouble.GARBLED,
        ),
    ],
)
async def test_any_other_answer_is_one_of_our_errors(
    fault: faults.Fault, expected: GraphTrouble
) -> None:
    async with microsoft() as side:
        side.server.faults.next(SETTINGS, fault)
        # A page size may be what is refused: then the list is asked for once more.
        if expected is GraphTrouble.REFUSED:
            side.server.faults.next(SETTINGS, fault)
        assert (await trouble(side)).trouble is expected


async def test_an_answer_without_end_is_not_taken_into_memory() -> None:
    async with microsoft() as side:
        endless = faults.status(
            200, "[" + " " * (33 * 1024 * 1024), content_type="application/json"
        )
        side.server.faults.next(SETTINGS, endless)
        error = await trouble(side)
        assert error.trouble is GraphTrouble.GARBLED
        assert "32 MiB" in str(error)


async def test_no_answer_at_all_is_told_as_unreachable() -> None:
    async with graph_http("http://127.0.0.1:9") as http, microsoft() as side:
        side.graph.http = http
        error = await trouble(side)
        assert error.trouble is GraphTrouble.UNREACHABLE
        assert error.status == 0
        assert error.retryable


async def test_the_metrics_hear_how_each_call_ended() -> None:
    async with microsoft() as side:
        await side.intune.settings()
        side.server.faults.next(SETTINGS, faults.status(500))
        await trouble(side)
        side.server.faults.next(SETTINGS, faults.reset())
        await trouble(side)
        assert side.outcomes == ["200", "500", "no_answer"]


def test_every_error_says_what_to_do_next() -> None:
    for each in GraphTrouble:
        error = GraphError(each, "somewhere")
        assert any(word in error.user_message for word in ("Try again", "admin", "Look"))
        assert "somewhere" not in error.user_message
    assert set(SAID) <= set(GraphTrouble)
