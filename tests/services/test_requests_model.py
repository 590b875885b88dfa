"""Requests hold against a model of them, and simultaneous clicks have exactly one effect."""

import asyncio
import os
import random
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from services.policy import Role
from storage.database import Database
from storage.states import DecisionState, RequestState
from tests.services.office import Office, form
from tests.services.ports import OPERATOR
from tests.services.requests_model import run_model

ROOT = Path(__file__).parents[2]
RUNS = int(os.environ.get("MODEL_RUNS", "12"))
RACES = int(os.environ.get("RACES", "40"))
CROWD = [f"U0RACER{number}" for number in range(8)]


@pytest.mark.timeout(0 if "MODEL_RUNS" in os.environ else 120)
def test_no_order_of_events_approves_wrongly_or_acts_twice() -> None:
    statistics = run_model(runs=RUNS)
    assert statistics["comparisons"] > 0
    assert statistics["approvals counted"] > 0
    assert statistics["clicks refused"] > 0


async def start(path: Path) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.services.racing",
        str(path),
        cwd=ROOT,
        stdin=PIPE,
        stdout=PIPE,
    )


@pytest.mark.timeout(0 if "RACES" in os.environ else 120)
async def test_simultaneous_clicks_of_two_processes_have_exactly_one_effect(
    office: Office, database: Database, path: Path
) -> None:
    """SQLite is shared by the two, as on one machine; 2 to 8 people click at once."""
    chance = random.Random(11)  # noqa: S311 - which clicks race is no secret
    office.outside.people.roles |= {Role.APPROVER: set(CROWD), Role.OPERATOR: {OPERATOR}}
    racers = await asyncio.gather(start(path), start(path))
    for number in range(RACES):
        request = await office.requests.create(OPERATOR, form(f"Race {number}"))
        clickers = chance.sample(CROWD, chance.randint(2, 8))
        for racer, share in zip(racers, (clickers[::2], clickers[1::2]), strict=True):
            assert racer.stdin is not None
            racer.stdin.write(f"{request.id} {request.digest} {' '.join(share)}\n".encode())
        for racer in racers:
            assert racer.stdout is not None
            assert await racer.stdout.readline() == b"done\n"
        async with database.read() as tx:
            decisions = await tx.decisions.of_request(request.id)
        states = [one.state for one in decisions]
        assert len(states) == len(clickers)
        assert states.count(DecisionState.COUNTED) == 1
        assert states.count(DecisionState.RECORDED) == 0
        assert (await office.request(request.id)).state is RequestState.APPROVED
    approvals = [one for one in await entries(database) if one == "request.approve"]
    assert len(approvals) == RACES
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.close()
        assert await racer.wait() == 0


async def entries(database: Database) -> list[str]:
    async with database.read() as tx:
        return [one.action for one in await tx.audit.since(0, 1_000_000)]
