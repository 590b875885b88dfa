"""Any ASGI app can be served on a loopback port inside the running event loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import uvicorn
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

GRACE = 0.3
"""Seconds that requests under way may take once the server stops."""

HANG_UP = "sandbox.hang_up"


@contextlib.asynccontextmanager
async def serve(asgi_app: ASGIApp, port: int = 0) -> AsyncIterator[str]:
    """Serve the app on 127.0.0.1 and yield its origin; port 0 takes a free one."""
    with _bound(port) as listener:
        server = _Server(
            uvicorn.Config(
                _with_hang_up(asgi_app),
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
            )
        )
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await server.up(running)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.stopping.set()
            await running


async def hang_up(request: Request) -> None:
    """Drop the connection of this request without an answer, as a broken network does."""
    await request.scope[HANG_UP]()


class _Server(uvicorn.Server):
    """A uvicorn server that stops at once, and leaves the process's signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stopping = asyncio.Event()

    async def up(self, running: "asyncio.Task[None]") -> None:
        """Return once the server listens; raise what kept it from it."""
        while not self.started:
            if running.done():
                await running
                raise RuntimeError("The server ended before it listened.")
            await asyncio.sleep(0)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # An endless answer, or a handler that sleeps, would hold the server up.
        cut = asyncio.get_running_loop().call_later(GRACE, self._cut)
        try:
            await super().shutdown(sockets)
        finally:
            cut.cancel()

    def _cut(self) -> None:
        for connection in list(self.server_state.connections):
            cast("Any", connection).transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()


@contextlib.contextmanager
def _bound(port: int) -> Iterator[socket.socket]:
    # The protocol is named so that asyncio switches Nagle's algorithm off: 3 ms, not 45.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        yield listener


def _with_hang_up(asgi_app: ASGIApp) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def drop() -> None:
            # uvicorn's send is a method of the request's cycle, which holds the transport.
            cast("Any", send).__self__.transport.abort()
            while (await receive())["type"] != "http.disconnect":
                pass

        if scope["type"] == "http":
            scope[HANG_UP] = drop
        with contextlib.suppress(asyncio.CancelledError):  # cut off when the server stopped
            await asgi_app(scope, receive, send)

    return app
