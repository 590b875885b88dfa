"""All of Microsoft that the product meets, in one object: Entra's login and Graph."""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

from starlette.applications import Starlette
from starlette.routing import Mount

from tests.sandbox.apple.faults import Faults
from tests.sandbox.apple.service import Apple
from tests.sandbox.graph.call import RecordedRequest
from tests.sandbox.graph.door import Door
from tests.sandbox.graph.tenant import Tenant, machine_time
from tests.sandbox.serving import serve


class GraphServer:
    """Login and Graph on one origin, for several tenants.

    `clock` tells the calendar's time, which decides about expiry and the pause between syncs;
    access tokens and budgets follow the machine's clock. Set `public_origin` where a proxy stands
    in front.
    """

    def __init__(self, *, clock: Callable[[], datetime] | None = None) -> None:
        self.clock = clock or machine_time
        self.tenants: list[Tenant] = []
        self.faults = Faults()
        """Ordered by whole paths, which begin with `/beta` or `/v1.0`."""
        self.requests: list[RecordedRequest] = []
        self.on_change: Callable[[], None] = lambda: None
        """Called after each call was answered."""
        self.public_origin: str | None = None
        self.app = Starlette(routes=[Mount("/", app=Door(self))])

    def now(self) -> datetime:
        """Tell the calendar's time."""
        return self.clock()

    def pass_time(self, span: timedelta) -> None:
        """Move the calendar on; the machine's clock stays."""
        before = self.clock
        self.clock = lambda: before() + span

    def add_tenant(self, name: str = "Contoso", *, apple: Apple | None = None) -> Tenant:
        """Let an organisation sign up; with `apple`, its Intune syncs with that Apple."""
        tenant = Tenant(name, now=self.now, apple=apple)
        self.tenants.append(tenant)
        return tenant

    def calls(self, path: str) -> list[RecordedRequest]:
        """List the recorded requests of one path, oldest first."""
        return [request for request in self.requests if request.path == path]

    @contextlib.asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[str]:
        """Serve over HTTP on a loopback port, and yield the origin."""
        async with serve(self.app, port) as origin:
            yield origin
