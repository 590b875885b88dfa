"""The measurements: a start, an idle process, a sync, and answers while a sync runs."""

import asyncio
import sqlite3
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.bench.load import Load, Outcome, press
from tests.journeys.steps import APPLE_ID, approved, register_at_apple, upload
from tests.sandbox.apple.inventory import Op
from tests.sandbox.apple.server import Server
from tests.sandbox.deployment import Deployment, Transport, deployment

TOKEN = "HQ iPads"
LONG = 600.0
IDLE_SECONDS = 5.0
MIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a start takes, and what the process holds when it has nothing to do."""

    ready_seconds: float
    idle_mib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """The first sync of a token, with nothing else going on."""

    devices: int
    seconds: float
    idle_mib: float
    peak_mib: float

    @property
    def a_second(self) -> float:
        """Devices fetched, decoded and stored a second."""
        return self.devices / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """How the bot answered while a sync ran."""

    transport: Transport
    load: Load
    outcome: Outcome
    devices: int
    syncing: float
    """The share of the time in which a sync ran."""


async def start(folder: Path, *, times: int) -> Start:
    """Start and stop so many times; medians."""
    seconds, idle = [], []
    async with deployment(folder) as deployed:
        for _ in range(times):
            began = time.monotonic()
            await deployed.start()
            seconds.append(time.monotonic() - began)
            await asyncio.sleep(IDLE_SECONDS)
            idle.append(_memory(deployed, "VmRSS"))
            await deployed.stop()
    return Start(ready_seconds=statistics.median(seconds), idle_mib=statistics.median(idle))


async def sync(folder: Path, *, devices: int) -> Synced:
    """Sync a token for the first time."""
    async with deployment(folder) as deployed:
        await deployed.start()
        await asyncio.sleep(IDLE_SECONDS)
        idle = _memory(deployed, "VmRSS")
        await _activate(deployed, devices)
        await _synced(deployed, 1)
        began, ended = _runs(deployed)[0]
        return Synced(
            devices=devices,
            seconds=(ended - began).total_seconds(),
            idle_mib=idle,
            peak_mib=_memory(deployed, "VmHWM"),
        )


async def answers(folder: Path, transport: Transport, *, devices: int, load: Load) -> Pressed:
    """Use the bot while it syncs: each sync that ends is followed by one of as many devices."""
    async with deployment(folder, transport, SYNC_EVERY="1") as deployed:
        await deployed.start()
        server = await _activate(deployed, devices)
        await _synced(deployed, 1)
        async with _churn(deployed, server):
            await _running(deployed)
            began = time.time()
            outcome = await press(deployed, TOKEN, load)
            ended = time.time()
        return Pressed(
            transport=transport,
            load=load,
            outcome=outcome,
            devices=devices,
            syncing=_share(_spans(deployed, ended), began, ended),
        )


@asynccontextmanager
async def _churn(deployed: Deployment, server: Server) -> AsyncIterator[None]:
    """Change every device whenever a sync has told of them all, as long as the block runs."""

    async def churn() -> None:
        runs = -1
        while True:
            if len(_runs(deployed)) > runs:
                runs = len(_runs(deployed))
                changed = list(server.inventory.devices.values())
                server.inventory.note(Op.MODIFIED, changed, deployed.apple.now())
            await asyncio.sleep(0.1)

    churning = asyncio.create_task(churn())
    try:
        yield
    finally:
        churning.cancel()


async def _activate(deployed: Deployment, devices: int) -> Server:
    """Take a token with so many devices into use."""
    steps = await approved(deployed, TOKEN)
    server = register_at_apple(deployed, devices=devices, name=TOKEN)
    content = server.download_token(as_admin=APPLE_ID).content
    await upload(deployed, steps, "token.p7m", content)
    return server


async def _synced(deployed: Deployment, runs: int) -> None:
    await deployed.slack.wait_for(lambda: len(_runs(deployed)) >= runs, within=LONG)


async def _running(deployed: Deployment) -> None:
    query = "SELECT 1 FROM sync_run WHERE state = 'running'"
    await deployed.slack.wait_for(lambda: _rows(deployed, query), within=LONG)


def _runs(deployed: Deployment) -> list[tuple[datetime, datetime]]:
    """When each sync that is over began and ended."""
    rows = _rows(
        deployed,
        "SELECT started_at, ended_at FROM sync_run WHERE ended_at IS NOT NULL ORDER BY started_at",
    )
    return [(_time(began), _time(ended)) for began, ended in rows]


def _spans(deployed: Deployment, until: float) -> list[tuple[float, float]]:
    """When each sync ran, in seconds since the epoch; one that still runs ends then."""
    rows = _rows(deployed, "SELECT started_at, ended_at FROM sync_run")
    return [
        (_time(began).timestamp(), until if ended is None else _time(ended).timestamp())
        for began, ended in rows
    ]


def _share(spans: list[tuple[float, float]], began: float, ended: float) -> float:
    within = sum(max(0.0, min(to, ended) - max(since, began)) for since, to in spans)
    return within / (ended - began)


def _rows(deployed: Deployment, query: str) -> list[tuple[str | None, ...]]:
    with closing(sqlite3.connect(f"file:{deployed.database}?mode=ro", uri=True)) as database:
        return database.execute(query).fetchall()


def _time(text: str | None) -> datetime:
    assert text is not None
    return datetime.fromisoformat(f"{text}+00:00")


def _memory(deployed: Deployment, field: str) -> float:
    """What the kernel says of the process: VmRSS now, VmHWM at its height."""
    assert deployed.process is not None
    status = Path(f"/proc/{deployed.process.pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) / MIB
