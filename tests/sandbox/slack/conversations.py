"""Channels, direct messages, and what was posted there."""

from dataclasses import dataclass, field

from tests.sandbox.slack.members import Directory
from tests.sandbox.slack.reading import Button, Json, buttons_of, texts_of
from tests.sandbox.slack.stored_files import StoredFile


@dataclass(slots=True, kw_only=True, eq=False)
class Message:
    """One message, changed in place when it is edited."""

    ts: str
    channel_id: str
    user_id: str
    directory: Directory = field(repr=False)
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    app_id: str | None = None
    bot_id: str | None = None
    thread_ts: str | None = None
    thread: list["Message"] = field(default_factory=list, repr=False)
    files: list[StoredFile] = field(default_factory=list)
    metadata: Json | None = None
    edited: Json | None = None
    seen_by: str | None = None
    deleted: bool = False

    @property
    def is_ephemeral(self) -> bool:
        """Whether only one person sees it."""
        return self.seen_by is not None

    @property
    def buttons(self) -> list[Button]:
        """The buttons that stand under it now."""
        return buttons_of(self.blocks)

    def texts(self) -> list[str]:
        """List its texts as the app sent them: the fallback, then those of the blocks."""
        return [self.text, *texts_of(self.blocks)]

    def says(self, words: str) -> bool:
        """Whether the words stand anywhere in it."""
        return any(words in text for text in self.texts())

    def to_message(self) -> Json:
        """Make the message object of Slack's answers and payloads."""
        message: Json = {"type": "message", "user": self.user_id, "ts": self.ts, "text": self.text}
        if self.app_id:
            message |= {"app_id": self.app_id, "bot_id": self.bot_id}
        if self.blocks:
            message["blocks"] = self.blocks
        if self.thread_ts:
            message["thread_ts"] = self.thread_ts
        if self.files:
            message["files"] = [file.to_file() for file in self.files]
        if self.edited:
            message["edited"] = self.edited
        return message


@dataclass(slots=True, kw_only=True, eq=False)
class Channel:
    """A channel, or the direct messages between the app and one person."""

    id: str
    name: str
    members: set[str] = field(default_factory=set)
    is_private: bool = False
    is_archived: bool = False
    is_shared: bool = False
    is_deleted: bool = False
    im_user: str | None = None
    posted: list[Message] = field(default_factory=list, repr=False)

    @property
    def is_im(self) -> bool:
        """Whether it is a conversation of the app and one person."""
        return self.im_user is not None

    @property
    def messages(self) -> list[Message]:
        """What stands in the channel itself, oldest first, without the threads."""
        return [m for m in self.posted if m.thread_ts in (None, m.ts)]

    @property
    def kind(self) -> str:
        """The prefix of the scopes that read it: channels, groups or im."""
        if self.is_im:
            return "im"
        return "groups" if self.is_private else "channels"

    @property
    def shown_name(self) -> str:
        """What a slash command calls it."""
        return {"im": "directmessage", "groups": "privategroup"}.get(self.kind, self.name)

    def find(self, ts: str) -> Message | None:
        """Find a message of the channel or of its threads."""
        return next((m for m in self.posted if m.ts == ts), None)

    def to_channel(self) -> Json:
        """Make the object that conversations.info answers with."""
        channel: Json = {
            "id": self.id,
            "is_im": self.is_im,
            "is_archived": self.is_archived,
            "is_org_shared": False,
            "created": 1_700_000_000,
        }
        if self.is_im:
            return channel | {"user": self.im_user, "is_user_deleted": False}
        return channel | {
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": not self.is_private,
            "is_group": self.is_private,
            "is_mpim": False,
            "is_private": self.is_private,
            "is_general": False,
            "is_shared": self.is_shared,
            "is_ext_shared": self.is_shared,
            "is_pending_ext_shared": False,
        }
