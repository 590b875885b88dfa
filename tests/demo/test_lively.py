"""One button makes an organisation in which all kinds of things wait."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.demo.running import Running, running, wait_for

MAKING_SECONDS = 400.0
HEALTH = {
    "Primary School iPads": "ok",
    "Secondary School iPads": "ok",
    "Staff MacBooks": "ok",
    "Library Apple TVs": "expired",
    "Exam iPhones": "superseded",
    "Academy iPads": "terms_unsigned",
}
DAYS = {"Secondary School iPads": 60, "Staff MacBooks": 7, "Library Apple TVs": -1}


def test_only_the_demo_s_own_pages_may_act(tmp_path: Path) -> None:
    with running(tmp_path, port=4950) as demo:
        for headers in ({}, {"Origin": "https://evil.example"}, {"Host": "evil.example"}):
            url = f"{demo.url}/lively"
            answer = httpx.post(url, json={}, headers=headers, trust_env=False)
            assert answer.status_code == 403
        assert not demo.seen()["lively"]["busy"]


@pytest.mark.timeout(MAKING_SECONDS + 60)
def test_one_button_makes_six_tokens_three_requests_and_2000_devices(tmp_path: Path) -> None:
    with running(tmp_path, port=4951) as demo:
        demo.post("/lively", {})
        wait_for(lambda: not demo.seen()["lively"]["busy"], "the organisation", MAKING_SECONDS)
        assert demo.seen()["lively"] == {"done": True, "busy": False, "now": ""}
        wait_for(lambda: of(tmp_path, "health", "active") == HEALTH, "what the bot found out")
        now = datetime.now(UTC).date()
        ends = {
            name: (datetime.fromisoformat(at).date() - now).days - moved(demo)
            for name, at in of(tmp_path, "expires_at", "active").items()
        }
        assert {name: ends[name] for name in DAYS} == DAYS
        assert len(of(tmp_path, "state", "requested", "awaiting_token")) == 3
        assert devices(demo) == 2000
        assert "error" in demo.post("/lively", {})
        assert_no_secret_in_the_traffic(demo)


def moved(demo: Running) -> int:
    """The days by which the clock was moved."""
    return int(demo.seen()["time"]["ahead"] // 86400)


def of(folder: Path, column: str, *states: str) -> dict[str, str]:
    """What the bot's database holds of the tokens in those states, by name."""
    path = folder / "1" / "data" / "enroll-token.db"
    marks = ", ".join("?" * len(states))
    query = f"SELECT name, {column} FROM token WHERE state IN ({marks})"  # noqa: S608 - our own words
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        return dict(db.execute(query, states).fetchall())


def devices(demo: Running) -> int:
    """The devices that belong to a service at Apple."""
    organisations = demo.seen("apple")["organisations"]
    return sum(one["devices"] - one["unassigned"] for one in organisations)


def assert_no_secret_in_the_traffic(demo: Running) -> None:
    lines = demo.seen("traffic")["traffic"]
    assert {line["way"] for line in lines} == {
        "bot → Slack",
        "Slack → bot",
        "bot → Apple",
        "bot → Microsoft",
    }
    for mark in ("xoxb-", "CK_", "CS_", "AT_", "AS_", "/actions/T"):
        assert mark not in str(lines)
