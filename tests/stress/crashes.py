"""One `kill -9` at each moment of a delivery: before and after every call, around every commit."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from bot.scopes import LOOKING, SCOPES
from services.clock import machine_now
from storage.database import Database
from storage.migrations import migrate
from storage.records import Notice
from storage.states import NoticeKind, OutboxState, RequestState, StoryEvent
from tests.bot.samples import REQUEST, RUN, TOKEN
from tests.sandbox.slack.conversations import Channel
from tests.sandbox.slack.workspace import Workspace
from tests.storage import facts
from tests.stress.outbox import BOT_TOKEN, POST, Plan, order_of, supervised

MOMENTS = 50
"""More than a delivery of these messages has; those that never come are told."""


class Moment(NamedTuple):
    """When the first worker died."""

    number: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """What Slack and the database had after a death at that moment."""

    moment: int
    name: str
    results: int
    cards: int
    replies: int
    elsewhere: int
    """Replies that stand in no thread of a card."""
    marked: int
    """Posts that began with *Repeat:*; a later edit may have taken the words away."""
    counted: int
    card_says: str
    unsent: int
    thread_looks: int
    """How often somebody looked in a thread for a reply."""


async def crash_at_each_moment(folder: Path, *, looks: bool) -> list[Crash]:
    """Deliver a card, a reply, an edit, and a result, once for each moment.

    In each place the answer to the second post is lost as well.
    """
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
        await _crash(slack, folder / f"{moment}.db", place, Moment(moment, printed[str(moment)]))
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
    card = Notice(
        kind=NoticeKind.REQUEST_CARD,
        destination=place.id,
        subject_id=REQUEST.id,
        dedupe_key="card",
        facts={},
    )
    story = {"event": StoryEvent.EXPIRED.value}
    notices = (
        card,
        replace(card, kind=NoticeKind.SYNC_RESULT, subject_id=RUN.id, dedupe_key="result"),
        replace(card, kind=NoticeKind.REQUEST_STORY, dedupe_key="reply", facts=story, replies_to=1),
        replace(card, dedupe_key="edit", edits=1),
    )
    database = Database(f"sqlite+aiosqlite:///{path}")
    async with database.write() as tx:
        for notice in notices:
            await tx.outbox.put(notice, machine_now())
    await database.close()


async def _crash(slack: Workspace, path: Path, place: Channel, moment: Moment) -> Crash:
    database = Database(f"sqlite+aiosqlite:///{path}")
    items = await facts.outbox(database)
    await database.close()
    cards = [message for message in place.messages if message.says("asks for the token")]
    replies = [message for card in cards for message in card.thread]
    told = [message for message in place.posted if message.says("nobody decided")]
    posts = [call for call in slack.calls(POST) if call["channel"] == place.id]
    return Crash(
        moment=moment.number,
        name=moment.name,
        results=sum(message.says("added") for message in place.messages),
        cards=len(cards),
        replies=len(told),
        elsewhere=sum(message not in replies for message in told),
        marked=sum(str(call["text"]).startswith("Repeat:") for call in posts),
        counted=sum(item.repeats for item in items),
        card_says=cards[-1].text if cards else "",
        unsent=sum(item.state is not OutboxState.SENT for item in items),
        thread_looks=sum(
            call["channel"] == place.id for call in slack.calls("conversations.replies")
        ),
    )
