"""Each mishap of the Apple page is heard of in Slack once the clock has moved, and its end too."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.demo.job import APPLE_ID, in_use, messages, said
from tests.demo.running import Running, running, wait_for

NAME = "HQ iPads"
HOUR = 3600
LOOK = 6 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """A demo with one token in use, and where that is at Apple."""

    demo: Running
    folder: Path
    place: dict[str, Any]

    def happens(self, act: str, **more: str) -> None:
        """Do something on the Apple page."""
        assert self.demo.post("/apple/act", {"act": act, **self.place, **more}) == {}

    def goes_on(self, seconds: int) -> None:
        """Move the clock."""
        self.demo.post("/clock/act", {"by": seconds})

    def alert(self, *words: str) -> dict[str, Any]:
        """The newest message in the alert channel with these words."""
        return said(self.demo, "it-alerts", NAME, *words)

    def health(self) -> str:
        """What the bot has found out about the token."""
        path = self.folder / "1" / "data" / "enroll-token.db"
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            (health,) = db.execute("SELECT health FROM token").fetchone()
        return str(health)

    def count(self) -> int:
        """How many messages the alert channel has."""
        return len(messages(self.demo, "it-alerts"))


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    """One token in use for all tests of this module, in their order."""
    folder = tmp_path_factory.mktemp("mishaps")
    with running(folder, port=4955) as demo:
        yield Year(demo=demo, folder=folder, place=in_use(demo, NAME))
        assert demo.seen()["troubles"] == []


def test_new_terms_are_said_and_cleared_when_they_are_signed(year: Year) -> None:
    year.happens("change_terms")
    year.goes_on(LOOK)
    year.alert("new terms at Apple wait for a signature")
    year.happens("sign_terms")
    year.goes_on(HOUR)
    year.alert("works again since", "It was: new terms")


@pytest.mark.parametrize(
    ("act", "health", "words"),
    [
        ("throttle", "throttled", "asking us to wait"),
        ("outage", "unreachable", "no usable answer"),
    ],
)
def test_an_outage_is_said_after_an_hour_and_cleared(
    year: Year, act: str, health: str, words: str
) -> None:
    before = year.count()
    year.happens(act)
    year.goes_on(LOOK)
    wait_for(lambda: year.health() == health, "what the bot finds out")
    assert year.count() == before
    year.goes_on(HOUR + 60)
    year.alert(words)
    year.happens("recover")
    year.goes_on(HOUR)
    year.alert("works again since", words)


def test_a_deleted_admin_is_told_apart_from_a_changed_password(year: Year) -> None:
    year.happens("remove_admin", admin=APPLE_ID)
    year.goes_on(LOOK)
    year.alert("the Apple ID that downloaded it is gone or barred")
    year.happens("add_admin", admin=APPLE_ID)
    year.happens("change_password", admin=APPLE_ID)
    year.goes_on(HOUR)
    year.alert("Apple ID's password changed", "What to do", "Renew")
