"""Log lines are an event and its fields, in one of two forms, and hold no secret."""

import json
import logging
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from bot.logs import OURS, set_up_logs

CANARY = "canary-3b90"
LOUD = (
    "aiohttp",
    "aiosqlite",
    "alembic",
    "apscheduler",
    "asyncio",
    "httpcore",
    "httpx",
    "oauthlib",
    "slack_bolt",
    "slack_sdk",
    "sqlalchemy",
    "uvicorn",
)
"""Libraries that write whole deliveries, addresses, statements or secrets below WARNING."""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    levels = {name: logging.getLogger(name).level for name in OURS}
    yield
    root.handlers, root.level = handlers, level
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_json_is_one_object_a_line_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("INFO", "json")
    logging.getLogger("bot.web").info("sync_ended", extra={"token": "t1", "pages": 3})
    (line,) = lines(capsys)
    found = json.loads(line)
    assert (found["event"], found["token"], found["pages"]) == ("sync_ended", "t1", 3)
    assert (found["level"], found["logger"]) == ("info", "bot.web")
    assert found["timestamp"].endswith("Z")


def test_text_is_one_line_of_names_and_values(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("INFO", "text")
    logging.getLogger("bot.web").warning("sync_ended", extra={"token": "HQ iPads"})
    (line,) = lines(capsys)
    assert line.startswith("timestamp=")
    assert "level=warning event=sync_ended" in line
    assert 'token="HQ iPads"' in line


def test_a_line_break_in_a_value_makes_no_second_line(capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("text", "json"):
        set_up_logs("INFO", form)
        forged = "x\ntimestamp=2026 level=info event=forged"
        logging.getLogger("bot").info("said", extra={"error": forged})
        assert len(lines(capsys)) == 1


def test_a_traceback_stays_with_its_event(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("INFO", "json")
    logging.getLogger("bot").error("lane_failed", exc_info=ValueError("a bug"))
    (line,) = lines(capsys)
    assert "ValueError: a bug" in json.loads(line)["exception"]


def test_the_level_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("WARNING", "text")
    logging.getLogger("bot").info("unheard")
    logging.getLogger("bot").warning("heard")
    assert len(lines(capsys)) == 1


@pytest.mark.parametrize("name", LOUD)
def test_libraries_are_quiet_even_when_debugging(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    set_up_logs("DEBUG", "text")
    logging.getLogger(f"{name}.deeper").info(CANARY)
    logging.getLogger(f"{name}.deeper").debug(CANARY)
    assert lines(capsys) == []


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_secret_in_a_field_is_masked(capsys: pytest.CaptureFixture[str], form: str) -> None:
    set_up_logs("INFO", form)
    logging.getLogger("bot").info("started", extra={"token": SecretStr(CANARY)})
    (line,) = lines(capsys)
    assert CANARY not in line
    assert "started" in line
