"""Slack's faults by kind and call: words or another try, nothing lost, nothing twice unmarked."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.accounts import SlackAccounts
from bot.clock import SystemClock
from bot.files import SlackFiles
from bot.identity import Identity
from bot.notifier import SlackNotifier
from bot.scopes import LOOKING, SCOPES, Granted
from bot.slack_http import PARTS, SlackClient
from services.clock import machine_now
from services.delivery import Delivery
from services.errors import UpstreamError
from services.notices import Channels, Notices
from services.policy import Actor, Role
from services.settling import Pace
from services.wrong_file import WrongFile
from storage.database import Database
from storage.records import Notice, OutboxItem, new_id
from storage.states import NoticeKind, OutboxState, StoryEvent
from tests.bot.drawings import drawing_of
from tests.bot.samples import AMIR, KEY_PAIR, OLIVIA, REQUEST, UPLOAD, ZONE
from tests.bot.slack_trouble import KINDS, PATIENCE, Kind, impatient
from tests.bot.test_notifier import REFUSED, fill
from tests.sandbox.slack.conversations import Channel, Message
from tests.sandbox.slack.filling import uploaded
from tests.sandbox.slack.person import Person
from tests.sandbox.slack.spoiling import Spoil
from tests.sandbox.slack.workspace import Workspace
from tests.storage import facts

GROUP = "S0TEAM"
NO_TIME = timedelta(0)
HURRIES = 12
"""More tries than any one fault takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A workspace, and a client that is not patient."""

    slack: Workspace
    client: SlackClient
    database: Database
    origin: str
    olivia: Person

    async def put(self, kind: NoticeKind, destination: str, **more: object) -> OutboxItem:
        """A message for the outbox, as it lies there."""
        fields: dict[str, object] = {"subject_id": REQUEST.id, "facts": {}}
        notice = Notice(
            kind=kind,
            destination=destination,
            dedupe_key=new_id(),
            **fields | more,  # type: ignore[arg-type]  # fields of Notice
        )
        async with self.database.write() as tx:
            await tx.outbox.put(notice, machine_now())
        return (await facts.outbox(self.database))[-1]

    async def sent(self, *items: OutboxItem) -> list[OutboxItem]:
        """The items as they are now: all at Slack."""
        ids = {item.id for item in items}
        found = [one for one in await facts.outbox(self.database) if one.id in ids]
        assert {one.state for one in found} == {OutboxState.SENT}
        return found

    def channels(self, method: str) -> dict[str, Channel]:
        """A channel for each kind of trouble, in which the next call of the method meets it."""
        found = {name: self.slack.add_channel(name, members=[self.olivia]) for name in KINDS}
        for name, channel in found.items():
            self.slack.faults.add(KINDS[name].at(method, channel=channel.id))
        return found

    def crowd(self, method: str) -> list[Person]:
        """As many people as there are kinds of trouble, met by the next calls one after another.

        A bare yes is all that Slack says to some methods: there it is no trouble.
        """
        told = method in {*PARTS, "files.upload"}
        kinds = [kind for kind in KINDS.values() if told or kind.spoil is not Spoil.OK_ALONE]
        for kind in kinds:
            self.slack.faults.add(kind.at(method))
        return [self.slack.add_person(f"Person {number}") for number, _ in enumerate(kinds)]

    def fault(self, kind: Kind, method: str) -> None:
        """Let the next call of the method go wrong."""
        self.slack.faults.clear()
        self.slack.faults.add(kind.at(method))

    def met(self) -> bool:
        """Whether every fault met its call."""
        return all(fault.times == 0 for fault in self.slack.faults.waiting)

    async def deliver(self, *, looks: bool) -> None:
        """Deliver what waits, with waits that take no time, as a worker that starts would."""
        scopes = frozenset([*SCOPES, *(LOOKING if looks else ())])
        self.slack.token.scopes = set(scopes)
        delivery = Delivery(
            database=self.database,
            notifier=SlackNotifier(
                self.client,
                drawing_of(self.database, ZONE),
                bot_user=self.slack.bot_user_id,
                granted=Granted(scopes),
            ),
            people=Identity(self.client, self.slack.team_id, {Role.ADMIN: (AMIR,)}),
            notices=Notices(Channels(alert="C0ALERTS", approval="C0APPROVALS")),
            clock=SystemClock(),
            pace=Pace(pause=NO_TIME, look_again=NO_TIME),
        )
        for _ in range(HURRIES):
            await delivery.drain()
            if await delivery.next_at() is None:
                return
            async with self.database.write() as tx:
                await tx.outbox.hurry(machine_now(), but="")
        raise AssertionError("something still waits")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "facts.db"
    asyncio.run(fill(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
async def place(tmp_path: Path, template: Path) -> AsyncIterator[Place]:
    slack = Workspace(scopes=SCOPES, signing_secret="invented", bot_token="xoxb-invented")
    olivia, amir = slack.add_person("O", user_id=OLIVIA), slack.add_person("A", user_id=AMIR)
    slack.add_group(GROUP, [amir, olivia])
    database = Database(f"sqlite+aiosqlite:///{shutil.copy(template, tmp_path)}")
    async with slack.serve() as origin, impatient(slack, origin) as client:
        file = uploaded(slack, OLIVIA, ("token.p7m", b"MIAG"))
        file.id = UPLOAD.file_id
        slack.files.by_id[file.id] = file
        yield Place(slack=slack, client=client, database=database, origin=origin, olivia=olivia)
        assert not slack.violations
    await database.close()


def check(messages: list[Message], item: OutboxItem, why: str, *, looked: bool = False) -> None:
    """Once, or each further copy says that it is one, and each repeat is counted."""
    marked = sum(message.says("Repeat:") for message in messages)
    assert 1 <= len(messages) <= 1 + marked, why
    assert marked <= item.repeats, why
    assert not looked or (len(messages), marked, item.repeats) == (1, 0, 0), why


@pytest.mark.parametrize(
    ("method", "looks"),
    [("conversations.info", True), ("chat.postMessage", True), ("chat.postMessage", False)],
)
async def test_a_post_is_there_once_or_its_second_copy_says_so(
    place: Place, method: str, *, looks: bool
) -> None:
    channels = place.channels(method)
    items = [await place.put(NoticeKind.REQUEST_CARD, one.id) for one in channels.values()]
    await place.deliver(looks=looks)
    assert place.met()
    for name, item in zip(channels, await place.sent(*items), strict=True):
        check(channels[name].messages, item, name, looked=looks)


@pytest.mark.parametrize("method", ["conversations.history", "conversations.replies"])
async def test_a_look_that_goes_wrong_is_made_again_and_nothing_is_twice(
    place: Place, method: str
) -> None:
    channels = place.channels(method)
    items = [await place.put(NoticeKind.REQUEST_CARD, one.id) for one in channels.values()]
    if method == "conversations.replies":
        await place.deliver(looks=True)
        story = {"facts": {"event": StoryEvent.EXPIRED.value}}
        items = [
            await place.put(NoticeKind.REQUEST_STORY, item.destination, replies_to=item.id, **story)
            for item in items
        ]
    for channel in channels.values():
        place.slack.faults.reset("chat.postMessage", channel=channel.id, accepted=True)
    await place.deliver(looks=True)
    assert place.met()
    for name, item in zip(channels, await place.sent(*items), strict=True):
        (card,) = channels[name].messages
        check(card.thread or [card], item, name, looked=True)


async def test_an_edit_is_made_in_its_place_and_once(place: Place) -> None:
    channels = place.channels("chat.update")
    items = [await place.put(NoticeKind.REQUEST_CARD, one.id) for one in channels.values()]
    await place.deliver(looks=False)
    for channel in channels.values():
        channel.messages[0].text = "before"
    edits = [
        await place.put(NoticeKind.REQUEST_CARD, item.destination, edits=item.id) for item in items
    ]
    await place.deliver(looks=False)
    assert place.met()
    for name, edit in zip(channels, await place.sent(*edits), strict=True):
        check(channels[name].messages, edit, name, looked=True)
        assert channels[name].messages[0].text != "before", name


async def test_a_whisper_is_there_once_or_its_second_copy_says_so(place: Place) -> None:
    channels = place.channels("chat.postEphemeral")
    more = {"subject_id": REFUSED.id, "visible_to": OLIVIA}
    items = [await place.put(NoticeKind.CLICK_ANSWER, one.id, **more) for one in channels.values()]
    await place.deliver(looks=True)
    assert place.met()
    for name, item in zip(channels, await place.sent(*items), strict=True):
        seen = [one for one in place.slack.ephemerals if one.channel_id == channels[name].id]
        check(seen, item, name)


OF_FILES = [
    "conversations.open",
    "files.getUploadURLExternal",
    "files.upload",
    "files.completeUploadExternal",
]


@pytest.mark.parametrize("method", OF_FILES)
async def test_a_file_is_there_once_or_its_second_copy_says_so(place: Place, method: str) -> None:
    people = place.crowd(method)
    more = {"subject_id": KEY_PAIR.id}
    items = [await place.put(NoticeKind.CERTIFICATE, one.id, **more) for one in people]
    await place.deliver(looks=True)
    assert place.met()
    for person, item in zip(people, await place.sent(*items), strict=True):
        check(person.dm.messages, item, method)
        files = [file for message in person.dm.messages for file in message.files]
        assert {file.content for file in files} == {KEY_PAIR.certificate_pem.encode()}


@pytest.mark.parametrize("method", ["files.delete", "files.info"])
async def test_a_used_file_is_deleted_or_its_uploader_is_asked(place: Place, method: str) -> None:
    people = place.crowd(method)
    more = {"subject_id": UPLOAD.id}
    items = [await place.put(NoticeKind.FILE_CLEANUP, one.id, **more) for one in people]
    await place.deliver(looks=True)
    assert place.met()
    for person, item in zip(people, await place.sent(*items), strict=True):
        check(person.dm.messages, item, method)


async def came_of(call: Awaitable[object]) -> object:
    """What was returned, or which of our errors was raised; any other error ends the test."""
    try:
        return await call
    except (UpstreamError, WrongFile) as error:
        return error


@pytest.mark.parametrize("method", ["users.info", "usergroups.users.list"])
async def test_a_role_that_cannot_be_looked_up_is_none_and_is_told_in_words(
    place: Place, method: str
) -> None:
    people = Identity(place.client, place.slack.team_id, {Role.APPROVER: (GROUP,)})
    for name, kind in KINDS.items():
        place.fault(kind, method)
        came = await came_of(people.actor(AMIR, fresh=True))
        # A short wait is waited for, and what only reads is asked again on a broken connection.
        if isinstance(came, UpstreamError):
            assert came.user_message.endswith("so nothing was done. Try again."), name
        else:
            assert isinstance(came, Actor), name
            assert came.roles == {Role.APPROVER}, name
        assert place.met(), name
        assert (await people.actor(AMIR, fresh=True)).roles == {Role.APPROVER}


async def test_an_account_that_cannot_be_looked_up_is_not_taken_for_gone(place: Place) -> None:
    for name, kind in KINDS.items():
        place.fault(kind, "users.info")
        came = await came_of(SlackAccounts(place.client).deactivated(AMIR))
        assert isinstance(came, UpstreamError) or came is False, name
        assert place.met(), name
        assert not await SlackAccounts(place.client).deactivated(AMIR)


HARMLESS = {f"{spoil} {when}" for spoil in Spoil for when in ("before", "after")}
"""A file is bytes: half of them, none, or others are for whoever opens it to tell."""


@pytest.mark.parametrize("method", ["files.info", "files.download"])
async def test_a_file_that_slack_does_not_give_is_told_in_words(place: Place, method: str) -> None:
    files = SlackFiles(place.client, place.origin, download_seconds=PATIENCE)
    content = b"MIAG" * 1000
    file = uploaded(place.slack, OLIVIA, ("token.p7m", content))
    for name, kind in KINDS.items():
        place.fault(kind, method)
        came = await came_of(files.fetch(file.id))
        told = isinstance(came, UpstreamError | WrongFile)
        assert told or came == content or name in HARMLESS, name
        assert place.met(), name
        assert await files.fetch(file.id) == content


async def test_a_bomb_is_given_up_before_it_fills_memory(place: Place) -> None:
    channel = place.slack.add_channel("it")
    place.fault(KINDS[f"{Spoil.GZIP_BOMB} before"], "conversations.info")
    with pytest.raises(aiohttp.ClientPayloadError, match="larger than 16 MiB"):
        await place.client.conversations_info(channel=channel.id)
    assert (await place.client.conversations_info(channel=channel.id))["channel"]
