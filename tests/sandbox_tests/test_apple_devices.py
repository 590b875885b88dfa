"""Claims about fetch, sync and what is told of devices."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from tests.sandbox.apple.devices import serial_number
from tests.sandbox.apple.inventory import Op
from tests.sandbox.apple.keypairs import key_pair
from tests.sandbox.apple.server import Server
from tests.sandbox.apple.service import Apple
from tests.sandbox.apple.visitor import Visitor, visiting

CERTIFICATE = key_pair("Device test").certificate_pem
PROFILE = {"profile_name": "HQ", "url": "https://mdm.schools.example/enroll", "org_magic": "m"}


@pytest.fixture
def apple() -> Apple:
    return Apple()


@pytest.fixture
def server(apple: Apple) -> Server:
    organisation = apple.add_organisation("Example Schools", admin="admin@schools.example")
    server = organisation.add_server("HQ iPads", certificate_pem=CERTIFICATE)
    server.download_token()
    return server


@pytest.fixture
async def visitor(apple: Apple, server: Server) -> AsyncIterator[Visitor]:
    assert server.token
    async with visiting(apple, server.token.credentials) as visitor:
        await visitor.enter()
        yield visitor


def changes(answer: httpx.Response) -> list[tuple[str, str]]:
    lines = answer.raise_for_status().json()["devices"]
    return [(line["serial_number"], line["op_type"]) for line in lines]


async def test_a_fetch_pages_over_a_snapshot(server: Server, visitor: Visitor) -> None:
    serials = server.assign_devices(25)
    first = (await visitor.fetch(limit=10)).json()
    late = server.assign_devices(1)
    second = (await visitor.fetch(limit=10, cursor=first["cursor"])).json()
    again = (await visitor.fetch(limit=10, cursor=first["cursor"])).json()
    third = (await visitor.fetch(limit=10, cursor=second["cursor"])).json()
    pages = [first, second, third]
    assert [d["serial_number"] for page in pages for d in page["devices"]] == serials
    assert [page["more_to_follow"] for page in pages] == [True, True, False]
    assert again["devices"] == second["devices"]
    assert "op_type" not in first["devices"][0]
    # What came in the meantime is in the log behind the fetch's cursor.
    assert changes(await visitor.sync(cursor=third["cursor"])) == [(late[0], "added")]


async def test_a_finished_fetch_goes_on_as_a_sync(server: Server, visitor: Visitor) -> None:
    server.assign_devices(3)
    _, cursor = await visitor.fetch_all()
    assert (await visitor.fetch(cursor=cursor)).text == "EXHAUSTED_CURSOR"
    assert changes(await visitor.sync(cursor=cursor)) == []


async def test_the_default_limit_is_100_and_1000_the_most(server: Server, visitor: Visitor) -> None:
    server.assign_devices(101)
    assert len((await visitor.fetch()).json()["devices"]) == 100
    for limit in (0, 1001, "10", True):
        assert (await visitor.fetch(limit=limit)).text == "MALFORMED_REQUEST_BODY"


async def test_cursors_are_refused_by_name(apple: Apple, server: Server, visitor: Visitor) -> None:
    server.assign_devices(3)
    unfinished = (await visitor.fetch(limit=1)).json()["cursor"]
    assert (await visitor.sync()).text == "CURSOR_REQUIRED"
    assert (await visitor.sync(cursor="bm9uZQ")).text == "INVALID_CURSOR"
    assert (await visitor.fetch(cursor="bm9uZQ")).text == "INVALID_CURSOR"
    assert (await visitor.sync(cursor=unfinished)).text == "INVALID_CURSOR"
    _, cursor = await visitor.fetch_all()
    apple.pass_time(timedelta(days=7, seconds=1))
    assert (await visitor.sync(cursor=cursor)).text == "EXPIRED_CURSOR"


async def test_a_cursor_belongs_to_its_server(
    apple: Apple, server: Server, visitor: Visitor
) -> None:
    server.assign_devices(1)
    _, cursor = await visitor.fetch_all()
    other = apple.organisations[0].add_server("Library", certificate_pem=CERTIFICATE)
    other.download_token()
    assert other.token
    visitor.credentials = other.token.credentials
    await visitor.enter()
    assert (await visitor.fetch_all())[0] == []
    assert (await visitor.sync(cursor=cursor)).text == "INVALID_CURSOR"


async def test_a_sync_says_what_happened_page_by_page(
    apple: Apple, server: Server, visitor: Visitor
) -> None:
    a, b = server.assign_devices(2)
    _, cursor = await visitor.fetch_all()
    other = apple.organisations[0].add_server("Library", certificate_pem=CERTIFICATE)
    other.assign([a])
    c = server.assign_devices(1)[0]
    answer = await visitor.sync(cursor=cursor, limit=1)
    assert changes(answer) == [(a, "deleted")]
    assert answer.json()["more_to_follow"]
    assert changes(await visitor.sync(cursor=answer.json()["cursor"])) == [(c, "added")]
    assert [(event.op, event.device.serial_number) for event in other.inventory.log] == [
        (Op.MODIFIED, a)
    ]
    assert server.serials == [b, c]


async def test_a_released_device_and_an_unseen_one_leave_no_trace(
    apple: Apple, server: Server, visitor: Visitor
) -> None:
    a, b = server.assign_devices(2)
    _, cursor = await visitor.fetch_all()
    server.release([a])
    server.assign(apple.organisations[0].add_devices(1), unseen=True)
    server.unassign([b])
    assert changes(await visitor.sync(cursor=cursor)) == [(b, "deleted")]
    devices, _ = await visitor.fetch_all()
    assert len(devices) == 1


async def test_a_profile_is_assigned_lost_by_a_move_and_taken_away(
    server: Server, visitor: Visitor
) -> None:
    a, b = server.assign_devices(2)
    defined = (await visitor.send("POST", "/profile", PROFILE)).json()
    uuid = defined["profile_uuid"]
    server.throttled.add(b)
    body = {"profile_uuid": uuid, "devices": [a, b, "UNKNOWN"]}
    answer = (await visitor.send("PUT", "/profile/devices", body)).json()
    assert answer["devices"] == {a: "SUCCESS", b: "THROTTLED", "UNKNOWN": "NOT_ACCESSIBLE"}
    assert answer["retry_after_seconds"] > 0
    server.assign([a])
    devices = (await visitor.send("POST", "/devices", {"devices": [a]})).json()["devices"]
    assert (devices[a]["profile_status"], devices[a]["profile_uuid"]) == ("removed", uuid)
    body = {"profile_uuid": uuid, "devices": [a]}
    await visitor.send("POST", "/profile/devices", body)
    await visitor.send("DELETE", "/profile/devices", {"devices": [a]})
    devices = (await visitor.send("POST", "/devices", {"devices": [a]})).json()["devices"]
    assert devices[a]["profile_status"] == "removed"
    assert "profile_uuid" not in devices[a]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"profile_name": ""}, "CONFIG_NAME_REQUIRED"),
        ({"profile_name": "x" * 126}, "CONFIG_NAME_INVALID"),
        ({"url": None}, "CONFIG_URL_REQUIRED"),
        ({"is_mdm_removable": False}, "FLAGS_INVALID"),
        ({"support_phone_number": "0" * 51}, "SUPPORT_PHONE_INVALID"),
    ],
)
async def test_a_profile_out_of_form_is_refused(
    visitor: Visitor, changed: dict[str, object], code: str
) -> None:
    answer = await visitor.send("POST", "/profile", {**PROFILE, **changed})
    assert (answer.status_code, answer.text) == (400, code)


async def test_disowning_is_refused_unless_allowed(server: Server, visitor: Visitor) -> None:
    (serial,) = server.assign_devices(1)
    body = {"devices": [serial]}
    assert (await visitor.send("POST", "/devices/disown", body)).text == "ACCESS_DENIED"
    server.may_release_devices = True
    answer = await visitor.send("POST", "/devices/disown", body)
    assert answer.json() == {"devices": {serial: "SUCCESS"}}
    assert server.serials == []


async def test_the_protocol_version_decides_about_fields(server: Server, visitor: Visitor) -> None:
    server.assign_devices(6)
    for version, os in (("1", None), ("3", "iOS"), ("7", "iPadOS"), ("10", "iPadOS")):
        page = await visitor.send(
            "POST", "/server/devices", {"limit": 6}, X_Server_Protocol_Version=version
        )
        ipad = next(d for d in page.json()["devices"] if d["model"].startswith("iPad"))
        assert ipad.get("os") == os
        assert ("wifi_mac_address" in ipad) == (version == "10")
        account = await visitor.send("GET", "/account", X_Server_Protocol_Version=version)
        assert ("org_id_hash" in account.json()) == (version != "1")


async def test_the_account_tells_limits_and_ids_of_the_right_form(visitor: Visitor) -> None:
    account = (await visitor.send("GET", "/account")).json()
    assert len(account["server_uuid"]) == 32
    assert len(account["org_id_hash"]) == 64
    limits = {entry["uri"]: entry.get("limit") for entry in account["urls"]}
    assert limits["/server/devices"] == {"default": 1000, "maximum": 1000}
    assert limits["/account"] is None


def test_no_serial_number_comes_twice() -> None:
    serials = {serial_number("X001", number) for number in range(1, 50_000)}
    assert len(serials) == 49_999
    assert {len(serial) for serial in serials} == {12}


async def test_a_hundred_thousand_devices_are_cheap(server: Server, visitor: Visitor) -> None:
    server.assign_devices(100_000)
    page = (await visitor.fetch(limit=1000)).json()
    took = []
    for _ in range(5):
        start = time.perf_counter()
        page = (await visitor.fetch(limit=1000, cursor=page["cursor"])).json()
        took.append(time.perf_counter() - start)
    # With the client's own work in it; a loaded machine only ever adds to the fastest.
    assert min(took) < 0.1
