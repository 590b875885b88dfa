"""`serve`: prove everything first, then listen until told to stop."""

import asyncio
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from bot.bootstrap import keys_of, running, slack_client
from bot.preflight import SlackSide, preflight, preflight_sockets
from bot.settings import NO_DELIVERY, Settings, unknown_names
from bot.web import Web
from services.errors import ConfigurationError
from storage.database import Database
from storage.migrations import migrate

log = logging.getLogger(__name__)

STOP_SECONDS = 3
"""What deliveries under way get at a stop: Slack waits no longer for an answer either."""


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
    with _listen(settings) as listener:
        side = await preflight(slack_client(settings), settings)
        await preflight_sockets(slack_client(settings), settings)
        await _migrate(settings)
        await _serve(settings, side, secret, listener)
    log.info("stopped")


async def _serve(
    settings: Settings, side: SlackSide, secret: str | None, listener: socket.socket
) -> None:
    async with running(settings, side) as service:
        web = Web(
            app=service.app,
            signing_secret=secret,
            alive=service.schedule.alive,
            linked=service.linked,
            ready=service.ready,
        )
        server = _Server(
            uvicorn.Config(
                web.asgi(),
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=STOP_SECONDS,
            )
        )
        fields = {"team": side.team, "host": settings.host, "port": settings.port}
        log.info("serving", extra={**fields, "mode": "HTTP" if secret else "Socket Mode"})
        await server.serve(sockets=[listener])


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
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise _wrong(
            f"Nothing can listen on {settings.host}, port {settings.port}: {error.strerror}. "
            "Set HOST or PORT."
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
