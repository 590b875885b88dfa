"""Workers that empty one outbox, in processes of their own that are killed at random.

`python -m tests.stress.workers`, with an order a line, as JSON, on standard input. It loads
everything once and forks each worker, so that a new one is there a moment after a kill. It ends
when the outbox is empty, and prints how many workers it killed.
"""

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import event

from bot.clock import SystemClock
from bot.identity import Identity
from bot.notifier import SlackNotifier
from bot.scopes import Granted
from services.clock import machine_now
from services.delivery import Delivery
from services.notices import Channels, Notices
from services.policy import Role
from services.settling import Pace
from storage.database import Database, StorageError
from tests.bot.drawings import drawing_of

LONGEST_REST = 0.2
CRASHES_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the supervisor shall do."""

    database: str
    slack_url: str
    token: str
    bot_user: str
    team_id: str
    admin: str
    alerts: str
    approvals: str
    workers: int = 4
    kill_every: float = 0.0
    """Seconds between kills, on average; 0 for none."""
    seed: int = 0
    lease: float = 4.0
    pause: float = 0.2
    look_again: float = 0.1
    within: float = 600.0
    die_at: int = 0
    """One worker, which kills itself at that moment, counted from 1; 0 for never."""

    def text(self) -> str:
        """As a line of standard input."""
        return json.dumps(asdict(self))


def delivery_of(order: Order, database: Database, client: AsyncWebClient) -> Delivery:
    """The real worker over the real notifier."""
    return Delivery(
        database=database,
        notifier=SlackNotifier(
            client,
            drawing_of(database, ZoneInfo("UTC")),
            bot_user=order.bot_user,
            granted=Granted(),
        ),
        people=Identity(client, order.team_id, {Role.ADMIN: (order.admin,)}),
        notices=Notices(Channels(alert=order.alerts, approval=order.approvals)),
        clock=SystemClock(),
        pace=Pace(
            lease=timedelta(seconds=order.lease),
            pause=timedelta(seconds=order.pause),
            look_again=timedelta(seconds=order.look_again),
        ),
    )


async def work(order: Order, *, once: bool = False) -> None:
    """Empty the outbox, as the lane of `serve` does, for ever or until it is empty."""
    database = Database(order.database)
    client = AsyncWebClient(order.token, base_url=order.slack_url, retry_handlers=[])
    if order.die_at:
        _mortal(order.die_at, database, client)
    delivery = delivery_of(order, database, client)
    while True:
        try:
            await delivery.drain()
            next_at = await delivery.next_at()
        except StorageError:
            next_at = machine_now()
        if next_at is None and once:
            break
        rest = LONGEST_REST if next_at is None else (next_at - machine_now()).total_seconds()
        await asyncio.sleep(min(max(rest, 0.01), LONGEST_REST))
    await database.close()


def _mortal(moment: int, database: Database, client: AsyncWebClient) -> None:
    """Die by `kill -9` before or after a commit or a call, whichever is the moment-th."""
    passed = 0

    def pass_moment(name: str) -> None:
        nonlocal passed
        passed += 1
        if passed == moment:
            say(f"{moment} {name}")
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(database.writer.sync_engine, "commit", lambda _: pass_moment("before a commit"))
    event.listen(
        database.writer.sync_engine,
        "begin",
        # The next transaction begins when the last one is surely there.
        lambda _: pass_moment("before a transaction"),
    )
    call: Callable[..., Any] = client.api_call

    async def api_call(method: str, *arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - Slack's
        pass_moment(f"before {method}")
        answer = await call(method, *arguments, **more)
        pass_moment(f"after {method}")
        return answer

    # The instance's own method, not a stand-in: the call itself is made.
    client.api_call = api_call  # type: ignore[method-assign, assignment]


def fork(order: Order, *, once: bool = False) -> int:
    """A new worker; its process id."""
    child = os.fork()
    if child:
        return child
    try:
        asyncio.run(work(order, once=once))
    except BaseException as error:  # noqa: BLE001 - a fork must never go on as its parent
        sys.stderr.write(f"worker: {error!r}\n")
        os._exit(1)
    os._exit(0)


def supervise(order: Order) -> int:
    """Keep that many workers running until nothing waits; how many were killed."""
    chance = random.Random(order.seed)  # noqa: S311 - which worker dies when is no secret
    living = [fork(order) for _ in range(order.workers)]
    kills, deadline, left = 0, time.monotonic() + order.within, waiting(order.database)
    try:
        while left:
            if time.monotonic() > deadline:
                raise SystemExit("the outbox was not emptied in time")
            time.sleep(chance.uniform(0.5, 1.5) * (order.kill_every or 0.1))
            before, left = left, waiting(order.database)
            if not order.kill_every or left == before:
                # On a machine that has no time for them, workers would die before they begin.
                continue
            victim = living.pop(chance.randrange(len(living)))
            _kill(victim)
            kills += 1
            living.append(fork(order))
    finally:
        for process in living:
            _kill(process)
    return kills


def waiting(url: str) -> int:
    """How many messages are not at Slack."""
    with closing(sqlite3.connect(url.partition(":///")[2], timeout=10)) as plain:
        query = "SELECT count(*) FROM outbox WHERE state IN ('due', 'sending')"
        return int(plain.execute(query).fetchone()[0])


def _kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


def crash_once(order: Order) -> None:
    """One worker that dies at its moment, then one that does not: the outbox is empty after."""
    _, status = os.waitpid(fork(order, once=True), 0)
    died = os.WIFSIGNALED(status)
    if not died and status:
        raise SystemExit("the mortal worker failed")
    let_leases_end(order.database)
    survivor = replace(order, die_at=0)
    _, status = os.waitpid(fork(survivor, once=True), 0)
    if status:
        raise SystemExit("the surviving worker failed")
    if not died:
        say(f"{order.die_at} never came")


def let_leases_end(url: str) -> None:
    """As if a minute had passed: what the dead worker held may be taken over."""
    past = "strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 minute')"
    with closing(sqlite3.connect(url.partition(":///")[2], timeout=30)) as plain, plain:
        plain.execute(f"UPDATE outbox SET lease_until = {past} WHERE state = 'sending'")  # noqa: S608 - our own words
        plain.execute(f"UPDATE outbox SET due_at = {past} WHERE state = 'due'")  # noqa: S608 - our own words


def crash_each(orders: list[Order]) -> None:
    """Every order in a process of its own, a few at once."""
    children: list[int] = []
    failed = False
    for order in orders:
        if len(children) == CRASHES_AT_ONCE:
            failed |= bool(os.waitpid(children.pop(0), 0)[1])
        child = os.fork()
        if not child:
            try:
                crash_once(order)
            except BaseException as error:  # noqa: BLE001 - a fork must never go on as its parent
                sys.stderr.write(f"{order.die_at}: {error!r}\n")
                os._exit(1)
            os._exit(0)
        children.append(child)
    for child in children:
        failed |= bool(os.waitpid(child, 0)[1])
    if failed:
        raise SystemExit("a crash was not recovered from")


def say(line: str) -> None:
    """One line to whoever started us, whole even where several processes write."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def main(lines: list[str]) -> None:
    """Supervise one order, or let each of several die at its moment."""
    orders = [Order(**json.loads(line)) for line in lines]
    if orders[0].die_at:
        crash_each(orders)
    else:
        say(str(supervise(orders[0])))


if __name__ == "__main__":
    main(sys.stdin.read().splitlines())
