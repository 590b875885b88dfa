"""The client towards the stand-in for Microsoft, signed in to one tenant."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.graph.entra import Application, ClientCertificate, ClientSecret, Entra
from services.graph.exchange import graph_http
from services.graph.http import Graph, Patience
from services.graph.intune import Intune
from services.graph.limits import Budget
from services.graph.users import EntraUsers
from tests.sandbox.apple.service import Apple
from tests.sandbox.graph.applications import FULL, AppRegistration
from tests.sandbox.graph.service import GraphServer
from tests.sandbox.graph.tenant import Tenant

QUICK = Patience(waits=3, first_wait=0.01, longest_wait=2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Microsoft:
    """The stand-in, and the client's parts over it."""

    server: GraphServer
    tenant: Tenant
    application: AppRegistration
    origin: str
    entra: Entra
    graph: Graph
    intune: Intune
    users: EntraUsers
    outcomes: list[str]
    """How each call ended, as the metrics hear it."""


@asynccontextmanager
async def microsoft(  # noqa: PLR0913 - what differs from test to test
    *,
    clock: Callable[[], datetime] | None = None,
    apple: Apple | None = None,
    roles: tuple[str, ...] = FULL,
    credential: ClientSecret | ClientCertificate | None = None,
    tenant_id: str | None = None,
    client_id: str | None = None,
    budget: Budget | None = None,
    patience: Patience = QUICK,
) -> AsyncIterator[Microsoft]:
    """Serve a tenant with one app registration, and sign in as it."""
    server = GraphServer(clock=clock)
    tenant = server.add_tenant(apple=apple)
    registered = tenant.add_application(roles=roles)
    secret = registered.add_secret(tenant.now() + timedelta(days=180))
    outcomes: list[str] = []
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(server.serve())
        login = await stack.enter_async_context(graph_http(origin))
        http = await stack.enter_async_context(graph_http(origin, outcomes.append))
        application = Application(
            tenant_id=tenant_id or tenant.id,
            client_id=client_id or registered.client_id,
            credential=credential or ClientSecret(value=secret),
            resource=origin,
        )
        entra = Entra(login, application)
        graph = Graph(http, entra, budget=budget, patience=patience)
        yield Microsoft(
            server=server,
            tenant=tenant,
            application=registered,
            origin=origin,
            entra=entra,
            graph=graph,
            intune=Intune(graph),
            users=EntraUsers(graph),
            outcomes=outcomes,
        )
