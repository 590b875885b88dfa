"""`serve`: prove everything first, then listen until told to stop."""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette

from bot.bootstrap import keys_of, running
from bot.metrics import Metrics
from bot.microsoft import application_of
from bot.preflight import SlackSide, preflight, preflight_sockets
from bot.settings import NO_DELIVERY, Settings, unknown_names
from bot.slack_http import slack_client
from bot.web import Web
from services.errors import ConfigurationError
from storage.database import Database
from storage.migrations import migrate

log = logging.getLogger(__name__)

STOP_SECONDS = 3
"""What deliveries under way get at a stop: Slack waits no longer for an answer either."""
SCRAPE_STOP_SECONDS = 1


async def serve(settings: Settings) -> None:
    """Run the bot, in Socket Mode or HTTP mode, until SIGTERM or Ctrl-C.

    Raises ConfigurationError, SealBroken or StorageError before anything is served.
    """
    secret = _signing_secret(settings)
    for name in unknown_names():
        log.warning("setting_unknown", extra={"setting": name})
    for address in settings.other_addresses():
        log.warning("address_not_default", extra={"address": address})
    keys_of(settings)
    application_of(settings)
    with _listen(settings) as listener, _metrics_listener(settings) as scraped:
        async with slack_client(settings) as slack:
            side = await preflight(slack, settings)
            await preflight_sockets(slack, settings)
        await _migrate(settings)
        await _serve(settings, side, secret, [listener, *([scraped] if scraped else [])])
    log.info("stopped")


async def _serve(
    settings: Settings, side: SlackSide, secret: str | None, listeners: list[socket.socket]
) -> None:
    async with running(settings, side) as service:
        web = Web(
            app=service.app,
            signing_secret=secret,
            alive=service.schedule.alive,
            linked=service.linked,
            ready=service.ready,
            trouble=service.schedule.trouble,
            timed=service.metrics.acknowledged,
        )
        server = _Server(_config(web.asgi(), STOP_SECONDS))
        fields = {"team": side.team, "host": settings.host, "port": settings.port}
        log.info("serving", extra={**fields, "mode": "HTTP" if secret else "Socket Mode"})
        async with _scraped(service.metrics, listeners[1:]):
            await server.serve(sockets=listeners[:1])


@asynccontextmanager
async def _scraped(metrics: Metrics, listeners: list[socket.socket]) -> AsyncIterator[None]:
    """Answer `GET /metrics` on a port of its own, as long as the block runs."""
    if not listeners:
        yield
        return
    # Its stop is ours: it takes no signals.
    server = _Beside(_config(metrics.asgi(), SCRAPE_STOP_SECONDS))
    serving = asyncio.create_task(server.serve(sockets=listeners))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def _config(app: Starlette, stop_seconds: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=stop_seconds,
    )


class _Beside(uvicorn.Server):
    """uvicorn beside another one, which takes the signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take none."""
        yield


class _Server(uvicorn.Server):
    """uvicorn, but a signal only ends the serving.

    uvicorn raises it anew when it has stopped, and the process would die before it has drained.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM and Ctrl-C as the wish to stop."""
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, self.handle_exit, one, None)
        yield


def _signing_secret(settings: Settings) -> str | None:
    """What HTTP mode verifies by; None in Socket Mode. Raises ConfigurationError."""
    if settings.slack_app_token is not None:
        return None
    if settings.slack_signing_secret is None:
        raise _wrong(NO_DELIVERY)
    return settings.slack_signing_secret.get_secret_value()


def _listen(settings: Settings) -> socket.socket:
    return _bound(settings.host, settings.port, "HOST or PORT")


@contextmanager
def _metrics_listener(settings: Settings) -> Iterator[socket.socket | None]:
    if settings.metrics_port is None:
        yield None
        return
    with _bound(settings.host, settings.metrics_port, "HOST or METRICS_PORT") as listener:
        yield listener


def _bound(host: str, port: int, names: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise _wrong(
            f"Nothing can listen on {host}, port {port}: {error.strerror}. Set {names}."
        ) from error
    return listener


async def _migrate(settings: Settings) -> None:
    database = Database(settings.database_url)
    try:
        revision = await migrate(database)
    finally:
        await database.close()
    log.info("schema_ready", extra={"revision": revision})


def _wrong(sentence: str) -> ConfigurationError:
    return ConfigurationError(sentence, user_message=sentence)
