"""A full outbox, a Slack that loses answers, workers that die; then the checker."""

import asyncio
import random
import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.scopes import LOOKING, SCOPES
from services.clock import machine_now
from storage.database import Database
from storage.migrations import migrate
from storage.records import Notice, OutboxItem
from storage.states import NoticeKind, OutboxState, SyncState
from tests.bot.samples import RUN, TOKEN
from tests.sandbox.slack.conversations import Channel
from tests.sandbox.slack.faults import Fault, Faults
from tests.sandbox.slack.workspace import Workspace
from tests.storage import facts
from tests.stress.workers import Order

ROOT = Path(__file__).parents[2]
BOT_TOKEN = "xoxb-invented"
POST = "chat.postMessage"
ADDED = re.compile(r"([0-9,]+) added")


@dataclass(slots=True)
class Weather(Faults):
    """Trouble at random, the same for the same seed and calls."""

    chance: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - no secret
    share: float = 0.0
    seen: Counter[str] = field(default_factory=Counter)

    def take(self, method: str, channel: str | None) -> Fault | None:
        """Meet that share of the calls that post with one of six kinds of trouble."""
        if method != POST or self.chance.random() >= self.share:
            return None
        kind = self.chance.choice(sorted(TROUBLES))
        self.seen[kind] += 1
        return replace(TROUBLES[kind], channel=channel)


TROUBLES = {
    "429": Fault(method=POST, status=429, retry_after=0.3),
    "500 after it was taken": Fault(method=POST, status=500, accepted=True),
    "503 before it was taken": Fault(method=POST, status=503),
    "internal_error": Fault(method=POST, error="internal_error"),
    "reset after it was taken": Fault(method=POST, reset=True, accepted=True),
    "reset before it was taken": Fault(method=POST, reset=True),
}
LOST = {kind for kind in TROUBLES if kind != "429"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is posted, and how much goes wrong."""

    messages: int
    channels: int = 12
    kill_every: float = 0.0
    troubled: float = 0.06
    looks: bool = False
    """Whether the app has the scopes to look for what it posted."""
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of it, as the stand-in and the database tell."""

    plan: Plan
    kills: int
    seconds: float
    troubles: Counter[str]
    posted: int
    lost: list[int]
    out_of_order: list[str]
    copies: int
    """Posts of a message that Slack had already."""
    unmarked_copies: int
    marked: int
    """Posts that begin with *Repeat:*."""
    counted: int
    """The repeats that the database counts."""
    dead: int
    violations: list[str]


async def run(folder: Path, plan: Plan) -> Result:
    """Fill an outbox, let workers empty it, and look at what Slack got."""
    scopes = [*SCOPES, *(LOOKING if plan.looks else ())]
    slack = Workspace(scopes=scopes, signing_secret="invented", bot_token=BOT_TOKEN)
    weather = Weather(chance=random.Random(plan.seed), share=plan.troubled)  # noqa: S311 - no secret
    slack.faults = weather
    places = [slack.add_channel(f"it-{number}") for number in range(plan.channels)]
    url = f"sqlite+aiosqlite:///{folder / 'outbox.db'}"
    await fill(url, plan, [place.id for place in places])
    began = asyncio.get_running_loop().time()
    async with slack.serve() as origin:
        kills = int(await supervised(order_of(url, origin, slack, plan)))
        seconds = asyncio.get_running_loop().time() - began
    database = Database(url)
    items = await facts.outbox(database)
    await database.close()
    return _checked(plan, places, items).finish(
        kills=kills, seconds=seconds, weather=weather, violations=slack.violations
    )


def faults_of(result: Result) -> list[str]:
    """Each promise that the run broke."""
    promises = {
        "lost": result.lost,
        "not at Slack at the end": result.dead,
        "out of order": result.out_of_order,
        "doubled without a mark": result.unmarked_copies,
        "doubled though it could be looked for": result.plan.looks and result.copies,
        "more copies than marks, or more marks than counted": not (
            result.copies <= result.marked <= result.counted
        ),
        "refused by the stand-in": result.violations,
    }
    return [f"{name}: {found}" for name, found in promises.items() if found]


def order_of(url: str, origin: str, slack: Workspace, plan: Plan) -> Order:
    """What the supervisor is told."""
    admin = slack.add_person("Adele Admin")
    first = next(iter(slack.channels))
    return Order(
        database=url,
        slack_url=f"{origin}/api/",
        token=BOT_TOKEN,
        bot_user=slack.bot_user_id,
        team_id=slack.team_id,
        admin=admin.id,
        alerts=first,
        approvals=first,
        kill_every=plan.kill_every,
        seed=plan.seed,
    )


async def fill(url: str, plan: Plan, channels: list[str]) -> None:
    """Sync results, told apart by their counts, spread over the channels."""
    database = Database(url)
    await migrate(database)
    async with database.write() as tx:
        await tx.tokens.add(TOKEN)
        for number in range(plan.messages):
            run_id = f"{number:032}"
            await tx.sync_runs.add(replace(RUN, id=run_id, state=SyncState.COMPLETED, added=number))
            notice = Notice(
                kind=NoticeKind.SYNC_RESULT,
                destination=channels[number % len(channels)],
                subject_id=run_id,
                dedupe_key=run_id,
                facts={},
            )
            await tx.outbox.put(notice, machine_now())
    await database.close()


async def supervised(*orders: Order) -> str:
    """Run the workers' processes to their end; what they printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.stress.workers",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    text = "\n".join(order.text() for order in orders)
    out, err = await process.communicate(text.encode())
    if process.returncode:
        raise AssertionError(err.decode()[-3000:])
    return out.decode().strip()


@dataclass(slots=True, kw_only=True)
class _Checker:
    plan: Plan
    seen: Counter[int]
    marked: Counter[int]
    out_of_order: list[str]
    items: list[OutboxItem]

    def finish(
        self, *, kills: int, seconds: float, weather: Weather, violations: list[str]
    ) -> Result:
        again = {number: times - 1 for number, times in self.seen.items() if times > 1}
        unmarked = sum(max(0, extra - self.marked[number]) for number, extra in again.items())
        return Result(
            plan=self.plan,
            kills=kills,
            seconds=seconds,
            troubles=weather.seen,
            posted=self.seen.total(),
            lost=[number for number in range(self.plan.messages) if not self.seen[number]],
            out_of_order=self.out_of_order,
            copies=sum(again.values()),
            unmarked_copies=unmarked,
            marked=self.marked.total(),
            counted=sum(item.repeats for item in self.items),
            dead=sum(item.state is not OutboxState.SENT for item in self.items),
            violations=violations,
        )


def _checked(plan: Plan, places: list[Channel], items: list[OutboxItem]) -> _Checker:
    seen: Counter[int] = Counter()
    marked: Counter[int] = Counter()
    out_of_order = []
    for place in places:
        last: dict[str, int] = defaultdict(lambda: -1)
        for message in place.messages:
            found = ADDED.search(message.text)
            if found is None:
                raise AssertionError(f"not a message of ours: {message.text}")
            number = int(found[1].replace(",", ""))
            seen[number] += 1
            marked[number] += message.text.startswith("Repeat:")
            if number < last[place.id]:
                out_of_order.append(f"{place.id}: {number} after {last[place.id]}")
            last[place.id] = number
    return _Checker(plan=plan, seen=seen, marked=marked, out_of_order=out_of_order, items=items)
