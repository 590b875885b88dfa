"""The real `serve` process between the stand-ins for Slack, Apple and Microsoft."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import httpx

from services.sealing import new_key
from tests.sandbox.apple.service import Apple
from tests.sandbox.graph.applications import FULL
from tests.sandbox.graph.service import GraphServer
from tests.sandbox.graph.tenant import Tenant
from tests.sandbox.slack.conversations import Channel
from tests.sandbox.slack.manifest import read_manifest
from tests.sandbox.slack.members import Kind
from tests.sandbox.slack.person import Person
from tests.sandbox.slack.sockets import Sockets
from tests.sandbox.slack.workspace import Workspace

MANIFEST = Path(__file__).parents[2] / "manifest.yml"
BOT_TOKEN = "xoxb-sandbox-0000"
SIGNING_SECRET = "sandbox-signing-secret"
START_SECONDS = 60.0
"""For a machine that does much else; `make bench` measures what a start takes."""
STOP_SECONDS = 60.0
"""When a stop is given up; how long one may take is claimed in `journeys/test_stop`."""


class Transport(StrEnum):
    """How Slack's deliveries reach `serve`."""

    HTTP = "http"
    """Signed requests to its port."""
    SOCKET = "socket"
    """Envelopes over connections that it opened."""


@dataclass(kw_only=True)
class Cast:
    """The people of the story, by what they may do."""

    operator: Person
    approver: Person
    second_approver: Person
    admin: Person
    bystander: Person
    guest: Person


@dataclass(kw_only=True)
class Deployment:
    """The outside world, and one `serve` process that can be stopped, killed and started."""

    slack: Workspace
    apple: Apple
    cast: Cast
    alerts: Channel
    approvals: Channel
    folder: Path
    environment: dict[str, str]
    origin: str
    microsoft: GraphServer
    intune: Tenant | None = None
    """The tenant that `serve` may sign in to, where there is one."""
    sockets: Sockets | None = None
    """Slack's side of Socket Mode, where that is the transport."""
    process: asyncio.subprocess.Process | None = None
    logs: list[Path] = field(default_factory=list)
    inside: tuple[str, ...] = ()
    """A command that starts `serve` somewhere else, as in a namespace with a disk of its own."""

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "data" / "enroll-token.db"

    @property
    def delivery_setting(self) -> str:
        """The setting whose secret lets Slack's deliveries in."""
        return "SLACK_SIGNING_SECRET" if self.sockets is None else "SLACK_APP_TOKEN"

    @property
    def tenant(self) -> Tenant:
        """The tenant, where the stage has one."""
        if self.intune is None:
            raise AssertionError("This deployment has no tenant.")
        return self.intune

    def beside(self) -> "Deployment":
        """Another process on the same database and in the same workspace, not started yet."""
        port = _free_port()
        return replace(
            self,
            environment={**self.environment, "PORT": str(port)},
            origin=f"http://127.0.0.1:{port}",
            process=None,
            logs=[*self.logs],
        )

    def log(self) -> str:
        """Everything that every process wrote so far."""
        return "".join(path.read_text(encoding="utf-8") for path in self.logs)

    async def start(self, *, ready: bool = True, within: float = START_SECONDS) -> None:
        """Start `serve`; returns when it is ready, unless that is not waited for."""
        path = self.folder / f"serve-{len(self.logs)}.log"
        self.logs.append(path)
        with path.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.inside,
                sys.executable,
                "-m",
                "bot",
                "serve",
                cwd=self.folder,
                env=self.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        if ready:
            await self._wait_ready(within)

    async def _wait_ready(self, within: float) -> None:
        async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(within):
            while True:
                if self.process is None or self.process.returncode is not None:
                    raise AssertionError(f"serve ended: {self.log()}")
                try:
                    if (await client.get(f"{self.origin}/readyz")).is_success:
                        return
                except httpx.TransportError:
                    await asyncio.sleep(0.02)

    async def stop(self) -> int:
        """Ask it to end, as a container's host would; its exit code."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """`kill -9`."""
        await self._end(signal.SIGKILL)

    async def _end(self, how: signal.Signals) -> int:
        if self.process is None:
            return 0
        if self.process.returncode is None:
            self.process.send_signal(how)
        async with asyncio.timeout(STOP_SECONDS):
            code = await self.process.wait()
        self.process = None
        return code

    async def command_line(self, *arguments: str) -> tuple[int, str, str]:
        """Run `enroll-token` with the deployment's settings: exit code, output, errors."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *arguments,
            cwd=self.folder,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()


@dataclass(kw_only=True)
class Stage:
    """The stand-ins with everybody in place, before anything is served."""

    slack: Workspace
    apple: Apple
    cast: Cast
    alerts: Channel
    approvals: Channel
    microsoft: GraphServer
    intune: Tenant | None = None
    roles: tuple[str, ...] = FULL
    """What `serve` may do in the tenant."""


def new_stage(*, intune: bool = False) -> Stage:
    """A workspace with the people of the story and two channels; an Apple without customers.

    With `intune`, a tenant without tokens too, whose Intune syncs with that Apple.
    """
    slack = Workspace.installing(
        read_manifest(MANIFEST), signing_secret=SIGNING_SECRET, bot_token=BOT_TOKEN
    )
    cast = _cast(slack)
    apple, microsoft = Apple(), GraphServer()
    everybody = [cast.operator, cast.approver, cast.second_approver, cast.admin, cast.bystander]
    return Stage(
        slack=slack,
        apple=apple,
        cast=cast,
        alerts=slack.add_channel("it-alerts", members=everybody),
        approvals=slack.add_channel("it-approvals", members=everybody),
        microsoft=microsoft,
        intune=microsoft.add_tenant("Contoso", apple=apple) if intune else None,
    )


@asynccontextmanager
async def deployment(
    folder: Path,
    transport: Transport = Transport.HTTP,
    stage: Stage | None = None,
    /,
    **settings: str,
) -> AsyncIterator[Deployment]:
    """Everything served but `serve` itself, which the caller starts; settings are overridden."""
    stage = stage or new_stage()
    slack, apple, cast = stage.slack, stage.apple, stage.cast
    alerts, approvals = stage.alerts, stage.approvals
    async with (
        slack.serve() as slack_origin,
        apple.serve() as apple_origin,
        stage.microsoft.serve() as microsoft_origin,
        _socket_mode(slack, transport) as sockets,
    ):
        port = _free_port()
        if sockets is None:
            slack.request_url = f"http://127.0.0.1:{port}/slack/events"
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(MANIFEST.parent),
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_API_URL": f"{slack_origin}/api/",
            "OPERATORS": cast.operator.id,
            "APPROVERS": f"{cast.approver.id},{cast.second_approver.id}",
            "ADMINS": cast.admin.id,
            "ALERT_CHANNEL": alerts.id,
            "APPROVAL_CHANNEL": approvals.id,
            "ENCRYPTION_KEYS": new_key("k1"),
            "APPLE_ENROLLMENT_URL": apple_origin,
            "TICK_EVERY": "1",
            "PORT": str(port),
            **_way_in(slack, transport),
            **_sign_in(stage, microsoft_origin),
            **settings,
        }
        deployed = Deployment(
            slack=slack,
            apple=apple,
            cast=cast,
            alerts=alerts,
            approvals=approvals,
            folder=folder,
            environment=environment,
            origin=f"http://127.0.0.1:{port}",
            microsoft=stage.microsoft,
            intune=stage.intune,
            sockets=sockets,
        )
        try:
            yield deployed
        finally:
            await deployed.kill()


def _way_in(slack: Workspace, transport: Transport) -> dict[str, str]:
    match transport:
        case Transport.HTTP:
            return {"SLACK_SIGNING_SECRET": SIGNING_SECRET}
        case Transport.SOCKET:
            return {"SLACK_APP_TOKEN": slack.app_token}


def _sign_in(stage: Stage, origin: str) -> dict[str, str]:
    """What lets `serve` into the tenant: its app registration, made where it has none."""
    tenant = stage.intune
    if tenant is None:
        return {}
    if not tenant.applications:
        application = tenant.add_application(roles=stage.roles)
        application.add_secret(tenant.now() + timedelta(days=180))
    application = tenant.applications[0]
    return {
        "PROGRAMS": "apple,intune",
        "GRAPH_URL": origin,
        "ENTRA_LOGIN_URL": origin,
        "ENTRA_TENANT_ID": tenant.id,
        "ENTRA_CLIENT_ID": application.client_id,
        "ENTRA_CLIENT_SECRET": application.secrets[-1].value,
    }


@asynccontextmanager
async def _socket_mode(slack: Workspace, transport: Transport) -> AsyncIterator[Sockets | None]:
    if transport is Transport.HTTP:
        yield None
        return
    async with slack.serve_sockets() as sockets:
        yield sockets


def _cast(slack: Workspace) -> Cast:
    return Cast(
        operator=slack.add_person("Olivia Operator"),
        approver=slack.add_person("Amir Approver"),
        second_approver=slack.add_person("Bea Approver"),
        admin=slack.add_person("Adele Admin"),
        bystander=slack.add_person("Boris Bystander"),
        guest=slack.add_person("Gina Guest", kind=Kind.GUEST),
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
