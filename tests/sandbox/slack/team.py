"""The state of one workspace: who is there, what was said, what the app asked for."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.sandbox.slack.callbacks import ResponseUrl, Trigger
from tests.sandbox.slack.conversations import Channel, Message
from tests.sandbox.slack.faults import Faults
from tests.sandbox.slack.members import Directory, Group, Kind, Member
from tests.sandbox.slack.reading import Json, completed
from tests.sandbox.slack.rules import Finding
from tests.sandbox.slack.stored_files import Files
from tests.sandbox.slack.views import View, Views

Parts = Any
"""What a message is made of, by the names of Message's own fields."""


@dataclass(slots=True, kw_only=True)
class Token:
    """A token Slack knows, and the error it answers with once it is no longer good."""

    value: str = field(repr=False)
    kind: str
    scopes: set[str]
    error: str | None = None


@dataclass(slots=True, kw_only=True)
class Request:
    """One call of the Web API, and how it ended."""

    method: str
    arguments: Json
    at: float
    error: str | None = None


@dataclass(slots=True, kw_only=True)
class Ack:
    """How the app answered one delivery, and how soon."""

    kind: str
    seconds: float
    status: int
    at: float = field(default_factory=time.time)


@dataclass(kw_only=True, eq=False, repr=False)
class Team:
    """Everything the stand-in knows; the HTTP side only reads and changes this."""

    scopes: Iterable[str]
    signing_secret: str
    bot_token: str
    app_token: str = "xapp-1-A0SANDBOX01-invented"
    app_scopes: Iterable[str] = ("connections:write",)
    team_id: str = "T0SANDBOX01"
    domain: str = "sandbox"
    app_id: str = "A0SANDBOX01"
    bot_id: str = "B0SANDBOX01"
    bot_user_id: str = "U0SANDBOT01"
    bot_name: str = "Enroll Token"
    verification_token: str = "unused-verification-token"
    origin: str = ""
    shows_scopes: bool = True
    has_user_groups: bool = True
    has_messages_tab: bool = True
    has_home_tab: bool = True
    commands: frozenset[str] | None = None
    """The slash commands that are registered; None lets any through."""
    events: frozenset[str] | None = None
    """The events the app subscribed to; None lets any through."""
    escapes_commands: bool = False
    """Whether @Name and #channel in a command's text become ids (`should_escape`)."""
    open_socket: Callable[[], str] | None = None
    """Makes the address of one Socket Mode connection, where Socket Mode is served."""
    people: dict[str, Member] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    files: Files = field(default_factory=Files)
    views: Views = field(default_factory=Views)
    faults: Faults = field(default_factory=Faults)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    response_urls: dict[str, ResponseUrl] = field(default_factory=dict)
    ephemerals: list[Message] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    acks: list[Ack] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    clock: Callable[[], float] = time.time
    """The time that messages are stamped with, in seconds since 1970."""
    on_change: Callable[[], None] = lambda: None
    """Called after the app, or an answer of the app, may have changed something."""

    def __post_init__(self) -> None:
        self.last_number = 0
        self.last_ts = 0
        self.channel_names: dict[str, str] = {}
        self.directory = Directory(self.people, self.groups, self.channel_names)
        bot, app = set(self.scopes), set(self.app_scopes)
        self.tokens = {
            self.bot_token: Token(value=self.bot_token, kind="bot", scopes=bot),
            self.app_token: Token(value=self.app_token, kind="app", scopes=app),
        }
        self.add_member(self.bot_name, kind=Kind.BOT, user_id=self.bot_user_id)

    @property
    def token(self) -> Token:
        """The bot's token: its scopes and its error can be changed."""
        return self.tokens[self.bot_token]

    def new_id(self, prefix: str) -> str:
        """Make an id that nothing else in the workspace has."""
        return f"{prefix}0{self._next_number():09d}"

    def new_ts(self) -> str:
        """Make a message's time stamp, later than all before."""
        self.last_ts = max(self.last_ts + 1, int(self.clock() * 10**6))
        return f"{self.last_ts // 10**6}.{self.last_ts % 10**6:06d}"

    def violate(self, problem: str) -> None:
        """Note something that the app should not have done."""
        self.violations.append(problem)

    def hold_against(self, findings: list[Finding], what: str) -> list[str]:
        """Note all findings; return the words of those that Slack refuses."""
        self.violations += [f"{what}: {finding}" for finding in findings]
        return [f"[ERROR] {finding}" for finding in findings if finding.refused]

    def add_member(self, real_name: str, *, kind: Kind, user_id: str | None = None) -> Member:
        """Let somebody into the workspace, or let a stranger be seen from it."""
        member = Member(
            id=user_id or self.new_id("U"),
            team_id="T0STRANGE01" if kind is Kind.STRANGER else self.team_id,
            name=real_name.lower().replace(" ", "."),
            real_name=real_name,
            kind=kind,
            updated=int(time.time()),
        )
        member.email = f"{member.name}@sandbox.example"
        self.people[member.id] = member
        return member

    def open_channel(self, channel: Channel) -> Channel:
        """Add a conversation under its id."""
        self.channels[channel.id] = channel
        if not channel.is_im:
            self.channel_names[channel.id] = channel.name
        return channel

    def im_with(self, user_id: str) -> Channel:
        """Find or open the direct messages between the app and a person."""
        for channel in self.channels.values():
            if channel.im_user == user_id:
                return channel
        members = {user_id, self.bot_user_id}
        return self.open_channel(
            Channel(id=self.new_id("D"), name="", members=members, im_user=user_id)
        )

    def stored(self, blocks: list[Json] | None) -> list[Json]:
        """Copy blocks as Slack keeps them, with ids of its own where the app gave none."""
        return completed(blocks or [], lambda: f"auto{self._next_number()}")

    def post(self, channel: Channel, user_id: str, **parts: Parts) -> Message:
        """Put a message into a channel, into a thread if `thread_ts` is given."""
        message = self.message(channel, user_id, **parts)
        parent = channel.find(message.thread_ts) if message.thread_ts else None
        if parent is not None:
            message.thread_ts = parent.thread_ts = parent.thread_ts or parent.ts
            parent.thread.append(message)
        channel.posted.append(message)
        return message

    def whisper(self, channel: Channel, seen_by: str, **parts: Parts) -> Message:
        """Show the app's words to one person only."""
        message = self.message(channel, self.bot_user_id, seen_by=seen_by, **parts)
        self.ephemerals.append(message)
        return message

    def message(self, channel: Channel, user_id: str, **parts: Parts) -> Message:
        """Make a message that stands nowhere yet."""
        message = Message(
            ts=self.new_ts(),
            channel_id=channel.id,
            user_id=user_id,
            directory=self.directory,
            **parts,
        )
        message.blocks = self.stored(message.blocks)
        if user_id == self.bot_user_id:
            message.app_id, message.bot_id = self.app_id, self.bot_id
        return message

    def new_view(self, user_id: str, content: Json) -> View:
        """Make a view that is shown nowhere yet."""
        view = View(id=self.new_id("V"), user_id=user_id, directory=self.directory, content={})
        view.root_id = view.id
        self.show(view, content)
        return view

    def show(self, view: View, content: Json) -> None:
        """Replace what a view shows."""
        view.show(content | {"blocks": self.stored(content["blocks"])})

    def view_object(self, view: View) -> Json:
        """Make the view object of Slack's answers and payloads."""
        empty: Json = {"private_metadata": "", "callback_id": "", "external_id": ""}
        empty |= {"title": None, "close": None, "submit": None}
        empty |= {"clear_on_close": False, "notify_on_close": False}
        return (
            empty
            | view.content
            | {
                "id": view.id,
                "team_id": self.team_id,
                "state": view.state(),
                "hash": view.hash,
                "previous_view_id": view.previous_id,
                "root_view_id": view.root_id,
                "app_id": self.app_id,
                "bot_id": self.bot_id,
                "app_installed_team_id": self.team_id,
            }
        )

    def new_trigger(self, user_id: str) -> Trigger:
        """Give the right to open a modal for this person."""
        trigger = Trigger(user_id=user_id)
        self.triggers[trigger.id] = trigger
        return trigger

    def new_response_url(
        self, user_id: str, channel_id: str, message: Message | None = None
    ) -> str:
        """Give the right to answer this person, and the address for it."""
        url = ResponseUrl(user_id=user_id, channel_id=channel_id, message=message)
        self.response_urls[url.id] = url
        return f"{self.origin}/actions/{self.team_id}/{url.id}"

    def _next_number(self) -> int:
        self.last_number += 1
        return self.last_number
