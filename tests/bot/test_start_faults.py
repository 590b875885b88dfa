"""Slack's faults at the start and when a connection is renewed: words, or another one is opened."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from slack_bolt import BoltResponse

from bot.preflight import preflight, preflight_sockets
from bot.settings import Settings, load_settings
from bot.slack_http import SlackClient
from bot.sockets import CONNECTIONS, Sockets
from services.errors import ConfigurationError
from tests.bot.served import only
from tests.bot.slack_trouble import KINDS, impatient
from tests.sandbox.deployment import BOT_TOKEN, MANIFEST
from tests.sandbox.slack.manifest import read_manifest
from tests.sandbox.slack.sockets import Sockets as Server
from tests.sandbox.slack.workspace import Workspace

AUTH, OPEN = "auth.test", "apps.connections.open"
Start = Callable[[], Coroutine[Any, Any, object]]


def batched(names: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """As many at a time as there are connections."""
    rest = iter(names)
    while two := tuple(islice(rest, CONNECTIONS)):
        yield two


async def take(_body: dict[str, Any]) -> BoltResponse:
    return BoltResponse(status=200, body="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Slack's side, and what asks it."""

    slack: Workspace
    server: Server
    client: SlackClient
    settings: Settings

    def sockets(self) -> Sockets:
        return Sockets(
            self.client, self.slack.app_token, take, first_pause=0.05, answer_seconds=1.0
        )

    def starts(self) -> dict[str, tuple[str, Start]]:
        """What asks Slack at a start, and with which method."""
        return {
            "the bot token": (AUTH, lambda: preflight(self.client, self.settings)),
            "the app token": (OPEN, lambda: preflight_sockets(self.client, self.settings)),
        }


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    slack = Workspace.installing(
        read_manifest(MANIFEST), signing_secret="unused", bot_token=BOT_TOKEN
    )
    async with (
        slack.serve() as origin,
        slack.serve_sockets() as server,
        impatient(slack, origin) as client,
    ):
        values = {
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": f"{origin}/api/",
            "ALERT_CHANNEL": "C0ALERTS",
            "ENCRYPTION_KEYS": "k1:AAAA",
        }
        only(monkeypatch, tmp_path, values)
        yield Place(slack=slack, server=server, client=client, settings=load_settings())
        assert not slack.violations


async def test_a_start_that_meets_trouble_ends_in_words_and_the_next_one_succeeds(
    place: Place,
) -> None:
    for what, (method, start) in place.starts().items():
        for name, kind in KINDS.items():
            fault = place.slack.faults.add(kind.at(method))
            with pytest.raises(ConfigurationError) as ended:
                await start()
            assert fault.times == 0, f"{name}, {what}"
            said = ended.value.user_message
            assert "Slack cannot be reached" in said or "Slack refuses" in said, f"{name}, {what}"
            await start()


async def test_connections_are_opened_anew_whatever_opening_one_meets(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    sockets, server = place.sockets(), place.server
    await sockets.start()
    for two in batched(KINDS):
        faults = [place.slack.faults.add(KINDS[name].at(OPEN)) for name in two]
        opened = len(server.opened)
        await server.refresh(closes_in=5)
        await place.slack.wait_for(
            lambda: len(server.opened) >= opened + CONNECTIONS,  # noqa: B023 - waited for at once
            what=" and ".join(two),
        )
        assert [fault.times for fault in faults] == [0] * len(two), two
    assert sockets.connected()
    await sockets.stop()
    assert [one.message for one in caplog.records if one.exc_info] == []
