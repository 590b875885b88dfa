"""All of Apple that the product meets, in one object."""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

from starlette.applications import Starlette
from starlette.routing import Mount

from tests.sandbox.apple.behaviour import Behaviour
from tests.sandbox.apple.call import RecordedRequest
from tests.sandbox.apple.door import Door
from tests.sandbox.apple.faults import Faults
from tests.sandbox.apple.organisation import Organisation, OrganisationType
from tests.sandbox.apple.server import Server
from tests.sandbox.apple.sessions import Sessions
from tests.sandbox.serving import serve


class Apple:
    """One device-enrollment service, with several organisations in its portal.

    `clock` tells the calendar's time, which decides about expiry, cursors and dates; what a wire
    checks (OAuth timestamps, the life of sessions) follows the machine's clock.
    """

    def __init__(self, *, clock: Callable[[], datetime] | None = None) -> None:
        self.clock = clock or _machine_time
        self.behaviour = Behaviour()
        self.organisations: list[Organisation] = []
        self.faults = Faults()
        self.requests: list[RecordedRequest] = []
        self.on_change: Callable[[], None] = lambda: None
        """Called after each call was answered."""
        self.sessions = Sessions(self)
        door = Door(
            sessions=self.sessions,
            behaviour=self.behaviour,
            ordered=self.faults,
            records=self.requests,
            answered=self._answered,
        )
        self.app = Starlette(routes=[Mount("/", app=door)])

    def now(self) -> datetime:
        """Tell the calendar's time."""
        return self.clock()

    def pass_time(self, span: timedelta) -> None:
        """Move the calendar on; the machine's clock stays."""
        before = self.clock
        self.clock = lambda: before() + span

    def add_organisation(
        self,
        name: str,
        *,
        admin: str,
        type: OrganisationType = "org",  # noqa: A002 - Apple's word: org_type
    ) -> Organisation:
        """Let an organisation sign up, with its first administrator."""
        organisation = Organisation(
            name,
            number=len(self.organisations) + 1,
            admin=admin,
            kind=type,
            behaviour=self.behaviour,
            now=self.now,
        )
        self.organisations.append(organisation)
        return organisation

    def server(self, uuid: str) -> Server:
        """Find a server by its UUID, in whatever organisation."""
        return next(
            server
            for organisation in self.organisations
            for server in organisation.servers
            if server.uuid == uuid
        )

    def calls(self, path: str) -> list[RecordedRequest]:
        """List the recorded requests of one path, oldest first."""
        return [request for request in self.requests if request.path == path]

    @contextlib.asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[str]:
        """Serve the web service over HTTP on a loopback port, and yield its origin."""
        async with serve(self.app, port) as origin:
            yield origin

    def _answered(self) -> None:
        self.on_change()


def _machine_time() -> datetime:
    return datetime.now(UTC)
