"""One `kill -9` at each moment of a delivery: before and after every call, around every commit."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from bot.scopes import LOOKING, SCOPES
from services.clock import machine_now
from storage.database import Database
from storage.migrations import migrate
from storage.records import Notice
from storage.states import NoticeKind, OutboxState, RequestState
from tests.bot.samples import REQUEST, RUN, TOKEN
from tests.sandbox.slack.conversations import Channel
from tests.sandbox.slack.workspace import Workspace
from tests.storage import facts
from tests.stress.outbox import BOT_TOKEN, POST, Plan, order_of, supervised

MOMENTS = 40
"""More than a delivery of these messages has; those that never come are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """What Slack and the database had after a death at that moment."""

    moment: int
    name: str
    results: int
    cards: int
    marked: int
    counted: int
    card_says: str
    unsent: int


async def crash_at_each_moment(folder: Path, *, looks: bool) -> list[Crash]:
    """Deliver a card, its edit, and a result whose answer is lost, once for each moment."""
    scopes = [*SCOPES, *(LOOKING if looks else ())]
    slack = Workspace(scopes=scopes, signing_secret="invented", bot_token=BOT_TOKEN)
    template = folder / "template.db"
    await _fill(template)
    places = {moment: slack.add_channel(f"it-{moment}") for moment in range(1, MOMENTS + 1)}
    async with slack.serve() as origin:
        orders = []
        for moment, place in places.items():
            path = Path(shutil.copy(template, folder / f"{moment}.db"))
            await _write(path, place)
            # Slack takes the second post of each channel, and its answer is lost.
            slack.faults.reset(POST, channel=place.id, accepted=True).after = 1
            order = order_of(
                f"sqlite+aiosqlite:///{path}", origin, slack, Plan(messages=0, looks=looks)
            )
            orders.append(replace(order, die_at=moment, workers=1, lease=60.0, alerts=place.id))
        printed = dict(
            line.split(" ", 1) for line in (await supervised(*orders)).splitlines() if line
        )
    assert not slack.violations, slack.violations
    return [
        await _crash(folder / f"{moment}.db", place, moment, printed[str(moment)])
        for moment, place in places.items()
        if printed[str(moment)] != "never came"
    ]


async def _fill(path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{path}")
    await migrate(database)
    async with database.write() as tx:
        await tx.tokens.add(TOKEN)
        await tx.requests.add(replace(REQUEST, state=RequestState.DECLINED))
        await tx.sync_runs.add(RUN)
    await database.close()


async def _write(path: Path, place: Channel) -> None:
    def about(kind: NoticeKind, subject_id: str, key: str, edits: int | None = None) -> Notice:
        return Notice(
            kind=kind,
            destination=place.id,
            subject_id=subject_id,
            dedupe_key=key,
            facts={},
            edits=edits,
        )

    database = Database(f"sqlite+aiosqlite:///{path}")
    async with database.write() as tx:
        await tx.outbox.put(about(NoticeKind.REQUEST_CARD, REQUEST.id, "card"), machine_now())
        await tx.outbox.put(about(NoticeKind.SYNC_RESULT, RUN.id, "result"), machine_now())
        await tx.outbox.put(about(NoticeKind.REQUEST_CARD, REQUEST.id, "edit", 1), machine_now())
    await database.close()


async def _crash(path: Path, place: Channel, moment: int, name: str) -> Crash:
    database = Database(f"sqlite+aiosqlite:///{path}")
    items = await facts.outbox(database)
    await database.close()
    cards = [message for message in place.messages if message.says("asks for the token")]
    return Crash(
        moment=moment,
        name=name,
        results=sum(message.says("added") for message in place.messages),
        cards=len(cards),
        marked=sum(message.text.startswith("Repeat:") for message in place.messages),
        counted=sum(item.repeats for item in items),
        card_says=cards[-1].text if cards else "",
        unsent=sum(item.state is not OutboxState.SENT for item in items),
    )
