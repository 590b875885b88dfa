"""The chat methods: post, change and delete what the app says."""

from tests.sandbox.slack.conversations import Channel, Message
from tests.sandbox.slack.linter import lint_message
from tests.sandbox.slack.members import Kind
from tests.sandbox.slack.reading import Json
from tests.sandbox.slack.refusals import Refused, channel_for, need
from tests.sandbox.slack.team import Team

LONGEST_POST = 40_000
LONGEST_UPDATE = 4_000


def post_message(team: Team, arguments: Json) -> Json:
    """Post into a channel, a thread, or the direct messages of a person."""
    if {"username", "icon_emoji", "icon_url"} & arguments.keys():
        need(team, "chat:write.customize")
    channel = _destination(team, str(arguments["channel"]))
    content = checked_content(team, arguments, "chat.postMessage")
    if len(content["text"]) > LONGEST_POST:
        team.violate(f"chat.postMessage: a text of {len(content['text'])} characters was cut")
        content["text"] = content["text"][:LONGEST_POST]
    thread_ts = arguments.get("thread_ts")
    if thread_ts and channel.find(str(thread_ts)) is None:
        raise Refused("cannot_reply_to_message")
    message = team.post(
        channel,
        team.bot_user_id,
        thread_ts=thread_ts,
        metadata=_metadata(arguments),
        **content,
    )
    return {"channel": channel.id, "ts": message.ts, "message": message.to_message()}


def post_ephemeral(team: Team, arguments: Json) -> Json:
    """Show something to one person who is in the channel."""
    channel = channel_for(team, str(arguments["channel"]))
    _must_be_open(team, channel, scope=None)
    if arguments["user"] not in channel.members:
        raise Refused("user_not_in_channel")
    content = checked_content(team, arguments, "chat.postEphemeral")
    message = team.whisper(channel, str(arguments["user"]), **content)
    return {"message_ts": message.ts}


def update(team: Team, arguments: Json) -> Json:
    """Change one of the app's own messages in place."""
    channel, message = _own_message(team, arguments, "cant_update_message")
    if channel.is_archived:
        raise Refused("is_inactive")
    if len(str(arguments.get("text") or "")) > LONGEST_UPDATE:
        raise Refused("msg_too_long")
    content = checked_content(team, arguments, "chat.update")
    metadata = _metadata(arguments)
    # A text alone takes the blocks away; blocks alone leave no text behind.
    message.text, message.blocks = content["text"], team.stored(content["blocks"])
    message.metadata = metadata if "metadata" in arguments else message.metadata
    if not message.blocks:
        message.edited = {"user": team.bot_user_id, "ts": team.new_ts()}
    answer = {"channel": channel.id, "ts": message.ts, "text": message.text}
    return answer | {"message": message.to_message()}


def delete(team: Team, arguments: Json) -> Json:
    """Take one of the app's own messages away."""
    channel, message = _own_message(team, arguments, "cant_delete_message")
    remove(channel, message)
    return {"channel": channel.id, "ts": message.ts}


def get_permalink(team: Team, arguments: Json) -> Json:
    """Say where people find a message in their browser."""
    channel = channel_for(team, str(arguments["channel"]))
    message = channel.find(str(arguments["message_ts"]))
    if message is None:
        raise Refused("message_not_found")
    link = f"https://{team.domain}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}


def checked_content(team: Team, arguments: Json, what: str) -> Json:
    """Take text and blocks out of the arguments, or refuse them as Slack does."""
    blocks, text = arguments.get("blocks"), str(arguments.get("text") or "")
    markdown = str(arguments.get("markdown_text") or "")
    if arguments.get("attachments"):
        team.violate(f"{what}: attachments are legacy, and the stand-in shows none")
    if markdown and (text or blocks):
        raise Refused("markdown_text_conflict")
    if blocks is not None and not isinstance(blocks, list):
        raise Refused("invalid_blocks_format")
    reasons = team.hold_against(lint_message(blocks or []), what)
    reasons += [
        f"[ERROR] invalid slack file [{file_id}]"
        for block in blocks or []
        if (file_id := block.get("slack_file", {}).get("id")) and file_id not in team.files.by_id
    ]
    if reasons:
        raise Refused.for_reasons("invalid_blocks", reasons)
    if not (text or markdown or blocks):
        raise Refused("no_text")
    if not (text or markdown):
        team.violate(f"{what}: there is no text for notifications and screen readers")
    return {"text": text or markdown, "blocks": blocks or []}


def remove(channel: Channel, message: Message) -> None:
    """Take a message out of its channel and thread."""
    message.deleted = True
    channel.posted.remove(message)
    parent = channel.find(message.thread_ts) if message.thread_ts else None
    if parent is not None and message in parent.thread:
        parent.thread.remove(message)


def _destination(team: Team, place: str) -> Channel:
    person = team.people.get(place)
    if person is not None:
        if person.kind is Kind.BOT:
            raise Refused("cannot_dm_bot")
        if person.kind is Kind.DEACTIVATED:
            raise Refused("channel_not_found")
        if not team.has_messages_tab:
            raise Refused("messages_tab_disabled")
        return team.im_with(place)
    channel = channel_for(team, place)
    _must_be_open(team, channel, scope="chat:write.public")
    return channel


def _must_be_open(team: Team, channel: Channel, scope: str | None) -> None:
    if channel.is_archived:
        raise Refused("is_archived")
    allowed = scope in team.token.scopes and not channel.is_private
    if team.bot_user_id not in channel.members and not allowed:
        raise Refused("not_in_channel")


def _own_message(team: Team, arguments: Json, error: str) -> tuple[Channel, Message]:
    channel = channel_for(team, str(arguments["channel"]))
    message = channel.find(str(arguments["ts"]))
    if message is None:
        raise Refused("message_not_found")
    if message.user_id != team.bot_user_id:
        raise Refused(error)
    return channel, message


def _metadata(arguments: Json) -> Json | None:
    metadata = arguments.get("metadata")
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or metadata.keys() != {"event_type", "event_payload"}:
        raise Refused("invalid_metadata_format")
    return metadata
