"""`make contract`: our client, Prism and the stand-in in a row, and what Prism says of it.

    python -m tests.contract OPENAPI PRISM [--write]

Exit code 1 where any rule was broken, or where a rule that was broken on purpose was not noticed.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx

from services.graph.entra import Application, ClientSecret, Entra
from services.graph.errors import GraphError
from services.graph.exchange import graph_http
from services.graph.http import Graph, Patience
from services.graph.intune import SETTINGS, Intune
from tests.contract.names import strangers
from tests.contract.openapi import relaxed
from tests.contract.prism import VIOLATIONS, prism, violations
from tests.contract.report import Found, Told, report
from tests.contract.story import Stage, tell
from tests.sandbox.apple import faults
from tests.sandbox.apple.service import Apple
from tests.sandbox.graph.service import GraphServer

REPORT = Path(__file__).parents[2] / "docs" / "contract.md"


@dataclass(slots=True, kw_only=True)
class Run:
    """A stage, the stand-in behind it, and what was told so far."""

    stage: Stage
    server: GraphServer
    told: list[Told] = field(default_factory=list)

    async def hear(self, answer: httpx.Response) -> None:
        """Note what Prism says of one call."""
        self.told.append(
            Told(
                about=self.stage.names[-1],
                method=answer.request.method,
                path=answer.request.url.path,
                status=answer.status_code,
                violations=violations(answer.headers.get(VIOLATIONS)),
            )
        )


@asynccontextmanager
async def running(description: Path, command: Path) -> AsyncIterator[Run]:
    """Everything in a row: client, Prism, stand-in."""
    apple, server = Apple(), GraphServer()
    tenant = server.add_tenant(apple=apple)
    registered = tenant.add_application()
    secret = registered.add_secret(tenant.now() + timedelta(days=30))
    with tempfile.TemporaryDirectory() as folder:
        async with (
            server.serve() as origin,
            prism(command, relaxed(description, "/beta"), Path(folder), upstream=origin) as front,
            graph_http(origin) as login,
            graph_http(front) as http,
        ):
            server.public_origin = front
            application = Application(
                tenant_id=tenant.id,
                client_id=registered.client_id,
                credential=ClientSecret(value=secret),
                resource=front,
            )
            graph = Graph(http, Entra(login, application), patience=Patience(first_wait=0.1))
            stage = Stage(
                intune=Intune(graph), tenant=tenant, apple=apple, pass_time=server.pass_time
            )
            run = Run(stage=stage, server=server)
            http.event_hooks["response"].append(run.hear)
            yield run


async def controls(run: Run) -> list[Told]:
    """Break the contract on purpose, in an answer and in a request: Prism has to notice."""
    run.told = []
    stage = run.stage
    stage.tenant.add_token("HQ")
    stage.about("an answer with a token type that there is not")
    run.server.faults.next(SETTINGS, faults.with_values(value=[{"id": "1", "tokenType": "vpp"}]))
    await _anyhow(stage.intune.settings)
    stage.about("an answer with a count that is no number")
    run.server.faults.next(SETTINGS, faults.with_values(value=[{"syncedDeviceCount": "7"}]))
    await _anyhow(stage.intune.settings)
    stage.about("a request with a name that is no text")
    graph = stage.intune.graph
    await _anyhow(lambda: graph.act(SETTINGS, {"tokenName": 7}))
    stage.about("a request to a path that there is not")
    await _anyhow(lambda: graph.act(f"{SETTINGS}/1/uploadToken"))
    return run.told


async def _anyhow(call: Callable[[], Awaitable[object]]) -> None:
    with suppress(GraphError):
        await call()


async def judged(description: Path, command: Path) -> Found:
    """What Prism said of all calls, and of those that break the contract on purpose."""
    async with running(description, command) as run:
        await tell(run.stage)
        told = run.told
        names, unknown = strangers(relaxed(description, "/beta"), run.server.requests)
        return Found(told=told, spoilt=await controls(run), names=names, unknown_names=unknown)


def main() -> int:
    """Run, print, and say by the exit code whether the contract holds."""
    parser = argparse.ArgumentParser(prog="python -m tests.contract")
    parser.add_argument("openapi", type=Path)
    parser.add_argument("prism", type=Path)
    parser.add_argument("--write", action="store_true", help="keep the output in docs/contract.md")
    arguments = parser.parse_args()
    found = asyncio.run(judged(arguments.openapi, arguments.prism))
    text = report(found)
    print(text)  # noqa: T201 - what the command is for
    if arguments.write:
        REPORT.write_text(text, encoding="utf-8")
    return 0 if found.kept else 1


if __name__ == "__main__":
    sys.exit(main())
