"""What the outbox holds is posted, edited or whispered, and Slack's refusals become outcomes."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.notifier import SlackNotifier
from bot.scopes import LOOKING, SCOPES, Granted
from bot.sightings import SENT_AS_FILES
from services.clock import machine_now
from services.phrases import person
from services.posting import (
    SHARED,
    THROTTLED,
    Absent,
    Closed,
    Gone,
    Moot,
    Never,
    NotNow,
    Outcome,
    Posted,
    Unknown,
    Unmarkable,
    Unsent,
    Untold,
)
from storage.connector_records import Connector, ConnectorKind
from storage.database import Database
from storage.records import OutboxItem
from storage.states import (
    AlertState,
    DecisionState,
    Health,
    NoticeKind,
    ReminderState,
    ReportKind,
    ReportState,
    RequestState,
    StoryEvent,
)
from storage.watch_records import Alert, Reminder, Report
from tests.bot.drawings import drawing_of
from tests.bot.samples import (
    AMIR,
    DECISION,
    ITEM,
    KEY_PAIR,
    NOW,
    OLIVIA,
    OTTO,
    QUESTION,
    REQUEST,
    RUN,
    TOKEN,
    UPLOAD,
    ZONE,
    made,
)
from tests.bot.served import migrated
from tests.sandbox.slack.conversations import Channel
from tests.sandbox.slack.filling import uploaded
from tests.sandbox.slack.person import Person
from tests.sandbox.slack.workspace import Workspace

REFUSED = replace(
    DECISION,
    id="e" * 32,
    state=DecisionState.REFUSED,
    refusal=f"{person(AMIR)} was first: this was approved already.",
    dedupe_key="e",
)
REMINDER = made(
    Reminder,
    id="m" * 32,
    token_id=TOKEN.id,
    expires_at=TOKEN.expires_at,
    rung=7,
    state=ReminderState.SENT,
    decided_at=NOW,
    post_id="m" * 32,
    owner_post_id="m" * 32,
)
ALERT = made(
    Alert,
    id="a" * 32,
    token_id=TOKEN.id,
    health=Health.SUPERSEDED,
    state=AlertState.OPEN,
    began_at=NOW,
    evidence="/session: HTTP 403",
    post_id="a" * 32,
)
REPORT = made(
    Report,
    id="p" * 32,
    kind=ReportKind.DEACTIVATED,
    subject=OTTO,
    reporter=AMIR,
    tokens={},
    state=ReportState.OPEN,
)
CONNECTOR = made(
    Connector,
    id="c" * 32,
    kind=ConnectorKind.PUSH_CERTIFICATE,
    expires_at=NOW,
    generation="n" * 32,
)
MARK = "m" * 32
SUBJECTS = {
    NoticeKind.REQUEST_CARD: REQUEST.id,
    NoticeKind.REQUEST_NEWS: REQUEST.id,
    NoticeKind.REQUEST_STORY: REQUEST.id,
    NoticeKind.UPLOAD_NAG: REQUEST.id,
    NoticeKind.UPLOAD_KEPT: UPLOAD.id,
    NoticeKind.UPLOAD_CHECKED: UPLOAD.id,
    NoticeKind.INCIDENT: UPLOAD.id,
    NoticeKind.TOKEN_GONE: REQUEST.id,
    NoticeKind.CLICK_ANSWER: REFUSED.id,
    NoticeKind.CERTIFICATE: KEY_PAIR.id,
    NoticeKind.STEPS: REQUEST.id,
    NoticeKind.UPLOAD_REFUSED: UPLOAD.id,
    NoticeKind.TOKEN_ACTIVE: TOKEN.id,
    NoticeKind.SYNC_RESULT: RUN.id,
    NoticeKind.SYNC_PROGRESS: RUN.id,
    NoticeKind.LOSS_QUESTION: QUESTION.id,
    NoticeKind.CHANNEL_CLOSED: REQUEST.id,
    NoticeKind.MESSAGE_REFUSED: REQUEST.id,
    NoticeKind.FILE_CLEANUP: UPLOAD.id,
    NoticeKind.HISTORY_EXPORT: TOKEN.id,
    NoticeKind.REMINDER: REMINDER.id,
    NoticeKind.REMINDER_OWNER: REMINDER.id,
    NoticeKind.ESCALATION: REMINDER.id,
    NoticeKind.OWNER_NOT_REACHED: REMINDER.id,
    NoticeKind.HEALTH_ALERT: ALERT.id,
    NoticeKind.HEALTH_CLEAR: ALERT.id,
    NoticeKind.REPORT: REPORT.id,
    NoticeKind.REPORT_DIRECT: REPORT.id,
    NoticeKind.HANDED_OVER: "h" * 32,
    NoticeKind.HOLDER_NEWS: "i" * 32,
    NoticeKind.CONNECTOR: CONNECTOR.generation,
    NoticeKind.DIGEST: "g" * 32,
    NoticeKind.PICTURE: "",
}
FILES = {
    NoticeKind.CERTIFICATE,
    NoticeKind.FILE_CLEANUP,
    NoticeKind.HISTORY_EXPORT,
    NoticeKind.PICTURE,
}
FACTS = {
    NoticeKind.CHANNEL_CLOSED: {"channel": "C0ALERTS", "error": "is_archived"},
    NoticeKind.MESSAGE_REFUSED: {
        "kind": "steps",
        "number": "7",
        "destination": OLIVIA,
        "error": "invalid_blocks",
    },
    NoticeKind.REQUEST_STORY: {"event": StoryEvent.EXPIRED.value},
    NoticeKind.OWNER_NOT_REACHED: {"owner": OTTO},
    NoticeKind.HANDED_OVER: {"owner": AMIR, "by": OLIVIA, "tokens": TOKEN.id},
    NoticeKind.HOLDER_NEWS: {"imported": TOKEN.id, "imported_count": "1"},
    NoticeKind.CONNECTOR: {"connector": CONNECTOR.id, "ends": NOW.isoformat()},
    NoticeKind.DIGEST: {"at": NOW.isoformat(), "head": f"7:{'ab' * 32}"},
}
WITHOUT_SUBJECT = {
    NoticeKind.CHANNEL_CLOSED,
    NoticeKind.MESSAGE_REFUSED,
    NoticeKind.HANDED_OVER,
    NoticeKind.HOLDER_NEWS,
    NoticeKind.CONNECTOR,
    NoticeKind.DIGEST,
    NoticeKind.PICTURE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database with one of each record, and a workspace to post into."""

    slack: Workspace
    database: Database
    notifier: SlackNotifier
    channel: Channel
    olivia: Person

    def item(self, kind: NoticeKind, destination: str = "", **more: object) -> OutboxItem:
        made = replace(
            ITEM,
            kind=kind,
            destination=destination or self.channel.id,
            subject_id=SUBJECTS[kind],
            facts=FACTS.get(kind, {}),
        )
        return replace(made, **more)  # type: ignore[arg-type]  # fields of OutboxItem

    async def post(self, item: OutboxItem, original: OutboxItem | None = None) -> Outcome:
        return await self.notifier.post(item, original)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the records, to be copied for each test."""
    path = tmp_path_factory.mktemp("filled") / "facts.db"
    asyncio.run(fill(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
async def place(tmp_path: Path, filled: Path) -> AsyncIterator[Place]:
    slack = Workspace(scopes=SCOPES, signing_secret="invented", bot_token="xoxb-invented")
    olivia = slack.add_person("Olivia", user_id=OLIVIA)
    amir, otto = slack.add_person("Amir", user_id=AMIR), slack.add_person("Otto", user_id=OTTO)
    channel = slack.add_channel("it", members=[olivia, amir, otto])
    database = Database(f"sqlite+aiosqlite:///{shutil.copy(filled, tmp_path)}")
    async with slack.serve() as origin:
        file = uploaded(slack, OLIVIA, ("token.p7m", b"MIAG"))
        file.id = UPLOAD.file_id
        slack.files.by_id[file.id] = file
        client = AsyncWebClient("xoxb-invented", base_url=f"{origin}/api/", retry_handlers=[])
        yield Place(
            slack=slack,
            database=database,
            notifier=SlackNotifier(
                client,
                drawing_of(database, ZONE),
                bot_user=slack.bot_user_id,
                granted=Granted(frozenset(SCOPES)),
            ),
            channel=channel,
            olivia=olivia,
        )
        assert not slack.violations
    await database.close()


async def fill(url: str) -> None:
    await migrated(Database(url))
    database = Database(url)
    async with database.write() as tx:
        await tx.tokens.add(TOKEN)
        await tx.requests.add(REQUEST)
        await tx.decisions.add(DECISION)
        await tx.decisions.add(REFUSED)
        await tx.key_pairs.add(KEY_PAIR)
        await tx.uploads.add(UPLOAD)
        await tx.sync_runs.add(RUN)
        await tx.loss_questions.add(QUESTION)
        await tx.reminders.add(REMINDER)
        await tx.alerts.add(ALERT)
        await tx.reports.add(REPORT)
        await tx.connectors.add(CONNECTOR)
    await database.close()


def test_every_kind_of_notice_is_tried_here() -> None:
    assert SUBJECTS.keys() == set(NoticeKind)


async def test_every_kind_of_notice_is_drawn_and_slack_takes_it(place: Place) -> None:
    for kind in sorted(set(NoticeKind) - FILES):
        outcome = await place.post(place.item(kind))
        message = place.channel.messages[-1]
        assert outcome == Posted(channel=place.channel.id, ts=message.ts), kind
        assert message.text
        assert message.blocks
        assert not message.says("Repeat:")
    assert len(place.channel.messages) == len(NoticeKind) - len(FILES)


async def test_what_is_gone_is_never_posted(place: Place) -> None:
    for kind in set(NoticeKind) - WITHOUT_SUBJECT:
        item = place.item(kind, OLIVIA, subject_id="0" * 32)
        assert await place.post(item) == Moot(error="what it tells of is gone")
    assert not place.olivia.dm.messages


async def test_the_person_who_was_first_is_mentioned(place: Place) -> None:
    await place.post(place.item(NoticeKind.CLICK_ANSWER))
    assert place.channel.messages[0].says(f"<@{AMIR}> was first")


async def test_a_late_post_tells_the_newest_state(place: Place) -> None:
    item = place.item(NoticeKind.REQUEST_CARD)
    async with place.database.write() as tx:
        await tx.requests.move(
            REQUEST.id, RequestState.PENDING, RequestState.EXPIRED, ended_at=None
        )
    await place.post(item)
    (card,) = place.channel.messages
    assert card.says("Expired")
    assert not card.buttons


async def posted(place: Place, kind: NoticeKind) -> OutboxItem:
    outcome = await place.post(place.item(kind))
    assert isinstance(outcome, Posted)
    return place.item(kind, posted_channel=outcome.channel, posted_ts=outcome.ts)


async def test_an_edit_changes_the_message_in_place(place: Place) -> None:
    original = await posted(place, NoticeKind.REQUEST_CARD)
    (card,) = place.channel.messages
    assert card.buttons
    async with place.database.write() as tx:
        await tx.requests.move(
            REQUEST.id, RequestState.PENDING, RequestState.DECLINED, ended_at=None
        )
    outcome = await place.post(place.item(NoticeKind.REQUEST_CARD, id=2, edits=1), original)
    assert outcome == Posted(channel=place.channel.id, ts=card.ts)
    assert place.channel.messages == [card]
    assert card.says("Declined")
    assert not card.buttons


@pytest.mark.parametrize(
    "error", ["message_not_found", "cant_update_message", "edit_window_closed"]
)
async def test_an_edit_whose_message_is_gone_says_so_and_posts_nothing_yet(
    place: Place, error: str
) -> None:
    original = await posted(place, NoticeKind.REQUEST_CARD)
    place.slack.faults.error("chat.update", error)
    edit = place.item(NoticeKind.REQUEST_CARD, edits=1)
    assert await place.post(edit, original) == Gone(error=error)
    assert len(place.channel.messages) == 1
    outcome = await place.post(replace(edit, anew=True), None)
    assert outcome == Posted(channel=place.channel.id, ts=place.channel.messages[1].ts)


def story(place: Place, destination: str = "", **more: object) -> OutboxItem:
    """A reply in the thread of the card."""
    kept = {"id": 2, "replies_to": 1, "mark": MARK, **more}
    return place.item(NoticeKind.REQUEST_STORY, destination, **kept)


async def test_a_reply_stands_in_the_thread_of_its_card(place: Place) -> None:
    original = await posted(place, NoticeKind.REQUEST_CARD)
    outcome = await place.post(story(place), original)
    (card,) = place.channel.messages
    (reply,) = card.thread
    assert outcome == Posted(channel=place.channel.id, ts=reply.ts)
    assert reply.says("nobody decided")


async def test_a_reply_to_a_card_that_never_came_is_a_message_of_its_own(place: Place) -> None:
    assert isinstance(await place.post(story(place), None), Posted)
    assert place.channel.messages[0].says("nobody decided")


@pytest.mark.parametrize("error", ["cannot_reply_to_message", "restricted_action_thread_locked"])
async def test_a_reply_to_a_card_that_is_gone_is_posted_on_its_own_next(
    place: Place, error: str
) -> None:
    original = await posted(place, NoticeKind.REQUEST_CARD)
    place.slack.faults.error("chat.postMessage", error)
    assert await place.post(story(place), original) == Gone(error=error)
    assert isinstance(await place.post(story(place, anew=True), None), Posted)
    assert place.channel.messages[1].says("nobody decided")


async def test_a_reply_goes_to_the_channel_that_is_set_now_without_a_thread_there(
    place: Place,
) -> None:
    original = await posted(place, NoticeKind.REQUEST_CARD)
    replacement = place.slack.add_channel("new")
    assert isinstance(await place.post(story(place, replacement.id), original), Posted)
    assert replacement.messages[0].says("nobody decided")
    assert not place.channel.messages[0].thread


async def test_a_reply_that_slack_has_is_found_in_its_thread(place: Place) -> None:
    let_look(place, *LOOKING)
    original = await posted(place, NoticeKind.REQUEST_CARD)
    place.slack.faults.reset("chat.postMessage", accepted=True)
    began = machine_now()
    assert isinstance(await place.post(story(place), original), Unknown)
    (reply,) = place.channel.messages[0].thread
    in_doubt_now = story(place, unsure_since=began)
    found = await place.notifier.find(in_doubt_now, original)
    assert found == Posted(channel=place.channel.id, ts=reply.ts)
    other = replace(in_doubt_now, mark="o" * 32)
    assert await place.notifier.find(other, original) == Absent()


async def test_an_edit_in_a_channel_that_was_replaced_and_is_closed_is_posted_anew(
    place: Place,
) -> None:
    original = await posted(place, NoticeKind.REQUEST_CARD)
    replacement = place.slack.add_channel("new")
    edit = place.item(NoticeKind.REQUEST_CARD, replacement.id, edits=1)
    assert await place.post(edit, original) == Posted(
        channel=place.channel.id, ts=original.posted_ts
    )
    place.channel.is_archived = True
    assert isinstance(await place.post(edit, original), Gone)
    at_home = replace(edit, destination=place.channel.id)
    assert await place.post(at_home, original) == Closed(error="is_inactive")


@pytest.mark.parametrize("trouble", ["reset", "status", "delay"])
async def test_a_lost_answer_to_an_edit_is_harmless(
    place: Place, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = await posted(place, NoticeKind.REQUEST_CARD)
    faults = place.slack.faults
    if trouble == "delay":
        monkeypatch.setattr(place.notifier.client, "timeout", 0.2)
        faults.delay("chat.update", 1.0)
    else:
        getattr(faults, trouble)("chat.update", accepted=True)
    outcome = await place.post(place.item(NoticeKind.REQUEST_CARD, edits=1), original)
    assert isinstance(outcome, Unknown)
    assert outcome.harmless
    again = place.item(NoticeKind.REQUEST_CARD, edits=1, repeats=1)
    assert isinstance(await place.post(again, original), Posted)
    assert not place.channel.messages[0].says("Repeat:")


async def test_an_edit_of_what_was_never_posted_is_a_new_message(place: Place) -> None:
    original = place.item(NoticeKind.REQUEST_CARD)
    await place.post(place.item(NoticeKind.REQUEST_CARD, edits=1), original)
    assert len(place.channel.messages) == 1


async def test_an_answer_to_a_click_is_seen_by_that_person_only(place: Place) -> None:
    assert await place.post(place.item(NoticeKind.CLICK_ANSWER, visible_to=OLIVIA)) == Posted()
    assert not place.channel.messages
    assert place.olivia.ephemerals[0].says("was first")


async def test_an_answer_to_somebody_who_left_the_channel_is_a_direct_message(
    place: Place,
) -> None:
    place.channel.members.remove(OLIVIA)
    await place.post(place.item(NoticeKind.CLICK_ANSWER, visible_to=OLIVIA))
    assert place.olivia.dm.messages[0].says("was first")
    assert not place.olivia.ephemerals


async def test_an_answer_in_a_channel_without_the_bot_is_a_direct_message(place: Place) -> None:
    place.channel.members.remove(place.slack.bot_user_id)
    await place.post(place.item(NoticeKind.CLICK_ANSWER, visible_to=OLIVIA))
    assert place.olivia.dm.messages[0].says("was first")


async def test_the_certificate_comes_as_a_file_with_its_fingerprint(place: Place) -> None:
    outcome = await place.post(place.item(NoticeKind.CERTIFICATE, OLIVIA))
    (message,) = place.olivia.dm.messages
    assert outcome == Posted(channel=place.olivia.dm.id)
    assert message.files[0].content == KEY_PAIR.certificate_pem.encode()
    assert message.files[0].name == "HQ-iPads-abcdabcd.pem"
    assert message.says(KEY_PAIR.fingerprint)


async def test_a_certificate_sent_again_says_so(place: Place) -> None:
    await place.post(place.item(NoticeKind.CERTIFICATE, OLIVIA, repeats=1))
    assert place.olivia.dm.messages[0].text.startswith("Repeat:")


async def test_the_used_file_is_deleted_where_slack_allows_it(place: Place) -> None:
    used = place.slack.files.by_id[UPLOAD.file_id]
    used.user_id = place.slack.bot_user_id
    assert await place.post(place.item(NoticeKind.FILE_CLEANUP, OLIVIA)) == Posted()
    assert used.deleted
    assert not place.olivia.dm.messages


async def test_the_uploader_is_asked_with_a_link_where_it_does_not(place: Place) -> None:
    outcome = await place.post(place.item(NoticeKind.FILE_CLEANUP, OLIVIA))
    used = place.slack.files.by_id[UPLOAD.file_id]
    (ask,) = place.olivia.dm.messages
    assert outcome == Posted(channel=place.olivia.dm.id, ts=ask.ts)
    assert ask.says(used.to_file()["permalink"])
    assert not used.deleted


async def test_a_file_that_is_gone_already_needs_nobody(place: Place) -> None:
    place.slack.files.by_id[UPLOAD.file_id].deleted = True
    assert await place.post(place.item(NoticeKind.FILE_CLEANUP, OLIVIA)) == Posted()
    assert not place.olivia.dm.messages


async def test_a_file_that_vanishes_between_two_calls_needs_nobody(place: Place) -> None:
    place.slack.faults.error("files.info", "file_deleted")
    outcome = await place.post(place.item(NoticeKind.FILE_CLEANUP, OLIVIA))
    assert not place.olivia.dm.messages
    assert outcome == Posted()


@pytest.mark.parametrize("method", ["files.delete", "files.info"])
async def test_a_cleanup_that_is_throttled_waits(place: Place, method: str) -> None:
    place.slack.faults.rate_limit(method, retry_after=7)
    outcome = await place.post(place.item(NoticeKind.FILE_CLEANUP, OLIVIA))
    assert outcome == NotNow(seconds=7, error=THROTTLED)


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        (NoticeKind.SYNC_RESULT, "chat.postMessage"),
        (NoticeKind.CERTIFICATE, "conversations.open"),
        (NoticeKind.CERTIFICATE, "files.getUploadURLExternal"),
        (NoticeKind.CERTIFICATE, "files.completeUploadExternal"),
    ],
)
async def test_too_many_calls_wait_as_long_as_slack_says(
    place: Place, kind: NoticeKind, method: str
) -> None:
    place.slack.faults.rate_limit(method, retry_after=11)
    assert await place.post(place.item(kind, OLIVIA)) == NotNow(seconds=11, error=THROTTLED)
    assert not place.olivia.dm.messages


async def test_a_channel_that_does_not_take_messages_is_closed(place: Place) -> None:
    item = place.item(NoticeKind.SYNC_RESULT)
    place.channel.members.remove(place.slack.bot_user_id)
    assert await place.post(item) == Closed(error="not_in_channel")
    place.channel.is_archived = True
    assert await place.post(item) == Closed(error="is_archived")
    place.channel.is_deleted = True
    assert await place.post(item) == Closed(error="channel_not_found")


async def test_a_person_who_left_is_never_written_to_again(place: Place) -> None:
    place.slack.faults.error("chat.postMessage", "user_disabled")
    outcome = await place.post(place.item(NoticeKind.STEPS, OLIVIA))
    assert outcome == Never(error="user_disabled")


@pytest.mark.parametrize("kind", [NoticeKind.SYNC_RESULT, NoticeKind.CERTIFICATE])
@pytest.mark.parametrize("accepted", [False, True])
async def test_a_lost_answer_is_unknown_and_the_repeat_says_so(
    place: Place, kind: NoticeKind, *, accepted: bool
) -> None:
    method = "chat.postMessage"
    if kind is NoticeKind.CERTIFICATE:
        method = "files.completeUploadExternal"
    place.slack.faults.reset(method, accepted=accepted)
    item = place.item(kind, OLIVIA)
    assert isinstance(await place.post(item), Unknown)
    assert len(place.olivia.dm.messages) == int(accepted)
    assert isinstance(await place.post(replace(item, repeats=1)), Posted)
    *before, again = place.olivia.dm.messages
    assert again.text.startswith("Repeat:")
    assert len(before) == int(accepted)


@pytest.mark.parametrize("accepted", [False, True])
async def test_a_server_error_leaves_it_unknown_whether_slack_has_it(
    place: Place, *, accepted: bool
) -> None:
    for status in (500, 502, 503):
        place.slack.faults.status("chat.postMessage", status, accepted=accepted)
        assert isinstance(await place.post(place.item(NoticeKind.SYNC_RESULT)), Unknown)
    assert len(place.channel.messages) == 3 * accepted


async def test_an_error_inside_slack_is_unknown(place: Place) -> None:
    for error in ("internal_error", "fatal_error", "service_unavailable"):
        place.slack.faults.error("chat.postMessage", error)
        assert await place.post(place.item(NoticeKind.SYNC_RESULT)) == Unknown(error=error)


async def test_a_lost_token_buries_no_message(place: Place) -> None:
    for error in ("invalid_auth", "token_revoked", "account_inactive", "missing_scope"):
        place.slack.faults.error("chat.postMessage", error)
        assert not isinstance(await place.post(place.item(NoticeKind.SYNC_RESULT)), Never), error


async def test_no_message_holds_what_is_sealed(place: Place) -> None:
    await place.post(place.item(NoticeKind.UPLOAD_REFUSED))
    await place.post(place.item(NoticeKind.CERTIFICATE, OLIVIA))
    assert place.olivia.dm.messages
    assert "v1:" in str(KEY_PAIR)
    assert "v1:" not in str(place.slack.requests)


async def test_the_digest_shows_its_picture_where_slack_takes_it(place: Place) -> None:
    await place.post(place.item(NoticeKind.DIGEST))
    (digest,) = place.channel.messages
    (image,) = [block for block in digest.blocks if block["type"] == "image"]
    file = place.slack.files.by_id[image["slack_file"]["id"]]
    assert file.content.startswith(b"\x89PNG")
    assert "HQ iPads" in image["alt_text"]
    assert not digest.thread


async def test_where_slack_takes_no_picture_in_a_message_it_is_in_the_thread(
    place: Place,
) -> None:
    place.slack.faults.error("chat.postMessage", "invalid_blocks")
    await place.post(place.item(NoticeKind.DIGEST))
    (digest,) = [one for one in place.channel.messages if one.blocks]
    assert not [block for block in digest.blocks if block["type"] == "image"]
    (reply,) = digest.thread
    assert reply.files[0].content.startswith(b"\x89PNG")


async def test_a_digest_whose_picture_cannot_be_sent_is_posted_without_it(place: Place) -> None:
    place.slack.faults.error("files.getUploadURLExternal", "internal_error", times=5)
    outcome = await place.post(place.item(NoticeKind.DIGEST))
    assert isinstance(outcome, Posted)
    (digest,) = place.channel.messages
    assert digest.says("Audit head")
    assert not digest.thread


async def test_the_picture_comes_as_a_file_with_what_it_shows_in_words(place: Place) -> None:
    await place.post(place.item(NoticeKind.PICTURE, OLIVIA))
    (message,) = place.olivia.dm.messages
    assert message.files[0].name == "tokens.png"
    assert message.says("1 HQ iPads:")


async def test_a_message_carries_a_mark_that_says_nothing(place: Place) -> None:
    await place.post(place.item(NoticeKind.SYNC_RESULT, mark=MARK))
    (message,) = place.channel.messages
    assert message.metadata == {
        "event_type": "enroll_token_notice",
        "event_payload": {"mark": MARK},
    }


async def test_every_kind_that_can_be_looked_for_has_its_mark_at_slack(place: Place) -> None:
    for kind in sorted(NoticeKind):
        await place.post(place.item(kind, OLIVIA, mark=MARK))
        message = place.olivia.dm.messages[-1]
        assert (message.metadata is None) == (kind in SENT_AS_FILES), kind


@pytest.mark.parametrize("error", ["metadata_too_large", "invalid_metadata_schema"])
async def test_a_mark_that_is_refused_is_left_out(place: Place, error: str) -> None:
    place.slack.faults.error("chat.postMessage", error)
    item = place.item(NoticeKind.SYNC_RESULT, mark=MARK)
    assert await place.post(item) == Unmarkable(error=error)
    assert isinstance(await place.post(replace(item, mark=None)), Posted)
    assert place.channel.messages[0].metadata is None


async def test_what_never_reached_slack_is_no_doubt(place: Place) -> None:
    place.notifier.client.base_url = "http://127.0.0.1:9/api/"
    for kind in (NoticeKind.SYNC_RESULT, NoticeKind.CERTIFICATE, NoticeKind.FILE_CLEANUP):
        assert isinstance(await place.post(place.item(kind, OLIVIA)), Unsent), kind


@pytest.mark.parametrize("status", [403, 404, 407])
async def test_a_refusal_of_something_in_between_is_no_doubt(place: Place, status: int) -> None:
    place.slack.faults.status("chat.postMessage", status)
    outcome = await place.post(place.item(NoticeKind.SYNC_RESULT))
    assert outcome == Unsent(error=f"HTTP {status}")


@pytest.mark.parametrize("error", ["rate_limited", "message_limit_exceeded"])
async def test_every_word_for_too_many_is_a_pause(place: Place, error: str) -> None:
    place.slack.faults.error("chat.postMessage", error)
    outcome = await place.post(place.item(NoticeKind.SYNC_RESULT))
    assert outcome == NotNow(seconds=30, error=THROTTLED)


# A channel that others see.


async def test_nothing_is_posted_into_a_channel_shared_with_another_organisation(
    place: Place,
) -> None:
    original = await posted(place, NoticeKind.REQUEST_CARD)
    place.channel.is_shared = True
    card = place.item(NoticeKind.REQUEST_CARD, edits=1)
    assert await place.post(card, original) == Closed(error=SHARED)
    assert await place.post(place.item(NoticeKind.SYNC_RESULT)) == Closed(error=SHARED)
    assert len(place.channel.messages) == 1
    assert not place.slack.calls("chat.update")
    place.channel.is_shared = False
    assert isinstance(await place.post(place.item(NoticeKind.SYNC_RESULT)), Posted)


async def test_an_answer_to_a_click_in_a_shared_channel_is_a_direct_message(place: Place) -> None:
    place.channel.is_shared = True
    await place.post(place.item(NoticeKind.CLICK_ANSWER, visible_to=OLIVIA))
    assert place.olivia.dm.messages[0].says("was first")
    assert not place.olivia.ephemerals


async def test_without_the_scope_nobody_looks_and_slacks_own_refusal_counts(place: Place) -> None:
    place.channel.is_shared = True
    place.slack.token.scopes -= {"channels:read", "groups:read"}
    assert isinstance(await place.post(place.item(NoticeKind.SYNC_RESULT)), Posted)
    asked = len(place.slack.calls("conversations.info"))
    await place.post(place.item(NoticeKind.SYNC_RESULT))
    # The answer to the first post told the scopes.
    assert len(place.slack.calls("conversations.info")) == asked
    error = "slack_connect_file_link_sharing_blocked"
    place.slack.faults.error("chat.postMessage", error)
    assert await place.post(place.item(NoticeKind.SYNC_RESULT)) == Closed(error=error)


async def test_a_channel_that_cannot_be_looked_at_gets_nothing(place: Place) -> None:
    item = place.item(NoticeKind.SYNC_RESULT)
    # aiohttp asks once more by itself where nothing can be posted twice.
    place.slack.faults.reset("conversations.info", times=2)
    assert isinstance(await place.post(item), Unsent)
    place.slack.faults.clear()
    place.slack.faults.status("conversations.info", 503)
    assert isinstance(await place.post(item), Unsent)
    place.slack.faults.rate_limit("conversations.info", retry_after=9)
    assert await place.post(item) == NotNow(seconds=9, error=THROTTLED)
    place.slack.faults.error("conversations.info", "channel_is_limited_access")
    assert await place.post(item) == Closed(error="channel_is_limited_access")
    assert not place.channel.messages


# Whether Slack has it.


async def in_doubt(place: Place, destination: str, *, accepted: bool) -> OutboxItem:
    """A message whose answer was lost."""
    place.slack.faults.reset("chat.postMessage", accepted=accepted)
    began = machine_now()
    item = place.item(NoticeKind.SYNC_RESULT, destination, mark=MARK)
    assert isinstance(await place.post(item), Unknown)
    return replace(item, unsure_since=began)


def let_look(place: Place, *scopes: str) -> None:
    place.slack.token.scopes |= set(scopes)
    place.notifier.granted.note({"x-oauth-scopes": ",".join(place.slack.token.scopes)})


@pytest.mark.parametrize("direct", [False, True])
async def test_a_message_that_slack_has_is_found_by_its_mark(place: Place, *, direct: bool) -> None:
    let_look(place, *LOOKING)
    item = await in_doubt(place, OLIVIA if direct else place.channel.id, accepted=True)
    where = place.olivia.dm if direct else place.channel
    (message,) = where.messages
    assert await place.notifier.find(item, None) == Posted(channel=where.id, ts=message.ts)


async def test_a_message_that_slack_does_not_have_is_absent(place: Place) -> None:
    let_look(place, *LOOKING)
    item = await in_doubt(place, place.channel.id, accepted=False)
    await place.post(place.item(NoticeKind.SYNC_RESULT, mark="o" * 32))
    assert await place.notifier.find(item, None) == Absent()


async def test_a_mark_that_somebody_else_copied_is_not_taken_for_ours(place: Place) -> None:
    let_look(place, *LOOKING)
    item = await in_doubt(place, place.channel.id, accepted=True)
    (ours,) = place.channel.messages
    ours.user_id = OLIVIA
    assert await place.notifier.find(item, None) == Absent()


async def test_without_a_scope_to_look_nothing_is_told_and_slack_is_not_asked(
    place: Place,
) -> None:
    item = await in_doubt(place, place.channel.id, accepted=True)
    assert await place.notifier.find(item, None) == Untold(why="no scope to look")
    assert not place.slack.calls("conversations.history")


async def test_scopes_that_are_not_told_are_tried(place: Place) -> None:
    place.slack.shows_scopes = False
    place.notifier.sightings.granted = Granted()
    item = await in_doubt(place, place.channel.id, accepted=True)
    assert await place.notifier.find(item, None) == Untold(why="missing_scope")
    place.slack.token.scopes |= {"channels:history"}
    assert isinstance(await place.notifier.find(item, None), Posted)


async def test_a_look_that_gets_no_answer_is_tried_again(place: Place) -> None:
    let_look(place, *LOOKING)
    item = await in_doubt(place, place.channel.id, accepted=True)
    place.slack.faults.rate_limit("conversations.history", retry_after=9)
    assert await place.notifier.find(item, None) == NotNow(seconds=9, error=THROTTLED)
    for make in (place.slack.faults.reset, place.slack.faults.status):
        make("conversations.history", times=2)
        assert isinstance(await place.notifier.find(item, None), Unsent)
        place.slack.faults.clear()
    place.channel.members.remove(place.slack.bot_user_id)
    assert await place.notifier.find(item, None) == Untold(why="not_in_channel")


async def test_a_look_goes_through_several_pages_and_no_further_back_than_needed(
    place: Place,
) -> None:
    let_look(place, *LOOKING)
    item = await in_doubt(place, place.channel.id, accepted=True)
    for number in range(250):
        place.slack.post(place.channel, OLIVIA, text=str(number))
    assert isinstance(await place.notifier.find(item, None), Posted)
    first, second = place.slack.calls("conversations.history")
    assert (first.get("cursor"), bool(second.get("cursor"))) == (None, True)
    age = item.unsure_since.timestamp() - float(first["oldest"]) if item.unsure_since else 0
    assert 300 <= age <= 600


async def test_what_has_no_mark_is_not_looked_for(place: Place) -> None:
    let_look(place, *LOOKING)
    item = await in_doubt(place, place.channel.id, accepted=True)
    for unmarked in (
        replace(item, mark=None),
        replace(item, kind=NoticeKind.CERTIFICATE),
        replace(item, visible_to=OLIVIA),
    ):
        assert isinstance(await place.notifier.find(unmarked, None), Untold)
