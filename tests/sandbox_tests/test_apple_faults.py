"""Claims about the faults one can order."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from tests.sandbox.apple import faults
from tests.sandbox.apple.keypairs import key_pair
from tests.sandbox.apple.server import Server
from tests.sandbox.apple.service import Apple
from tests.sandbox.apple.visitor import Visitor, visiting

CERTIFICATE = key_pair("Fault test").certificate_pem
FETCH = "/server/devices"


@pytest.fixture
def apple() -> Apple:
    return Apple()


@pytest.fixture
def server(apple: Apple) -> Server:
    organisation = apple.add_organisation("Example Schools", admin="admin@schools.example")
    server = organisation.add_server("HQ iPads", certificate_pem=CERTIFICATE)
    server.download_token()
    server.assign_devices(4)
    return server


@pytest.fixture
async def visitor(apple: Apple, server: Server) -> AsyncIterator[Visitor]:
    assert server.token
    async with visiting(apple, server.token.credentials) as visitor:
        await visitor.enter()
        yield visitor


async def test_a_fault_meets_the_nth_call_and_no_other(apple: Apple, visitor: Visitor) -> None:
    apple.faults.next(FETCH, faults.status(500, "no"), nth=2, times=2)
    codes = [(await visitor.fetch()).status_code for _ in range(4)]
    assert codes == [200, 500, 500, 200]
    assert (await visitor.send("GET", "/account")).status_code == 200


async def test_faults_of_one_path_come_in_order(apple: Apple, visitor: Visitor) -> None:
    apple.faults.next(FETCH, faults.throttled(7))
    apple.faults.next(FETCH, faults.throttled(datetime.now(UTC) + timedelta(hours=1), code=503))
    first, second = await visitor.fetch(), await visitor.fetch()
    assert (first.status_code, first.headers["Retry-After"]) == (429, "7")
    assert second.status_code == 503
    assert parsedate_to_datetime(second.headers["Retry-After"]) > datetime.now(UTC)


async def test_pages_can_lie(apple: Apple, visitor: Visitor) -> None:
    start = (await visitor.fetch(limit=2)).json()["cursor"]
    for fault in (
        faults.same_cursor(),
        faults.half_page(),
        faults.doubled_device(),
        faults.with_values(devices=None),
        faults.without("cursor"),
    ):
        apple.faults.next(FETCH, fault)
    same, half, doubled, null, bare = [(await visitor.fetch(cursor=start)).json() for _ in range(5)]
    assert (same["cursor"], same["more_to_follow"]) == (start, True)
    assert len(half["devices"]) == 1
    assert doubled["devices"][0] == doubled["devices"][-1]
    assert null["devices"] is None
    assert "cursor" not in bare


async def test_answers_can_be_anything_but_json(apple: Apple, visitor: Visitor) -> None:
    for fault in (faults.html_page(), faults.half_json(), faults.wrong_content_type()):
        apple.faults.next("/account", fault)
    page, half, mislabelled = [await visitor.send("GET", "/account") for _ in range(3)]
    assert page.text.startswith("<!DOCTYPE html>")
    with pytest.raises(ValueError, match="line 1"):
        half.json()
    assert mislabelled.headers["Content-Type"] == "text/html"
    assert mislabelled.json()["server_name"] == "HQ iPads"


@pytest.mark.parametrize("where", faults.Reset)
async def test_connections_break_before_or_after_the_call(
    apple: Apple, server: Server, visitor: Visitor, where: faults.Reset
) -> None:
    apple.faults.next("/profile", faults.reset(where))
    profile = {"profile_name": "HQ", "url": "https://mdm.schools.example/", "org_magic": "m"}
    with pytest.raises(httpx.TransportError):
        await visitor.send("POST", "/profile", profile)
    assert len(server.profiles) == (where is not faults.Reset.BEFORE)
    assert apple.calls("/profile")[0].status is None


async def test_answers_can_be_slow(apple: Apple, visitor: Visitor) -> None:
    apple.faults.next("/account", faults.slow(0.15))
    start = time.monotonic()
    assert (await visitor.send("GET", "/account")).status_code == 200
    assert time.monotonic() - start >= 0.15


async def test_a_little_gzip_can_be_large(apple: Apple, visitor: Visitor) -> None:
    apple.faults.next("/account", faults.gzip_bomb(megabytes=2))
    async with visitor.http.stream("GET", "/account") as answer:
        raw = [part async for part in answer.aiter_raw()]
    assert sum(map(len, raw)) < 10_000
    apple.faults.next("/account", faults.gzip_bomb(megabytes=2))
    assert len((await visitor.send("GET", "/account")).content) == 2 * 1024 * 1024
