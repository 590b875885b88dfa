"""The workspace as a test or a story uses it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Self, TypeVar

from tests.sandbox.serving import serve
from tests.sandbox.slack.conversations import Channel
from tests.sandbox.slack.delivery import Answer, Courier, SignedHttp
from tests.sandbox.slack.manifest import Manifest
from tests.sandbox.slack.members import Group, Kind
from tests.sandbox.slack.payloads import event
from tests.sandbox.slack.person import Person
from tests.sandbox.slack.reading import Json
from tests.sandbox.slack.sockets import Sockets
from tests.sandbox.slack.team import Team
from tests.sandbox.slack.web import make_web

T = TypeVar("T")

POLL_SECONDS = 0.01


@dataclass(kw_only=True, eq=False, repr=False)
class Workspace(Team):
    """A workspace with one app installed: add people and channels, serve it, act in it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        nowhere = SignedHttp(url="http://127.0.0.1:9/", signing_secret=self.signing_secret)
        self.courier = Courier(team=self, delivery=nowhere)

    @classmethod
    def installing(cls, manifest: Manifest, *, signing_secret: str, bot_token: str) -> Self:
        """Make a workspace that installed the app as its manifest asks."""
        return cls(
            scopes=manifest.scopes,
            commands=manifest.commands,
            events=manifest.events,
            escapes_commands=manifest.escapes_commands,
            signing_secret=signing_secret,
            bot_token=bot_token,
        )

    @property
    def request_url(self) -> str:
        """Where commands, interactions and events are posted to."""
        delivery = self.courier.delivery
        return delivery.url if isinstance(delivery, SignedHttp) else ""

    @request_url.setter
    def request_url(self, url: str) -> None:
        self.courier.delivery = SignedHttp(url=url, signing_secret=self.signing_secret)

    @contextlib.asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[str]:
        """Serve Slack's side on 127.0.0.1 and yield the origin; the API is under `/api/`."""
        async with serve(make_web(self), port) as origin:
            self.origin = origin
            yield origin

    @contextlib.asynccontextmanager
    async def serve_sockets(self) -> AsyncIterator[Sockets]:
        """Serve Socket Mode too: from now on everything goes to the app's own connections."""
        sockets = Sockets(self)
        async with sockets.serve():
            self.courier.delivery = sockets
            yield sockets

    def add_person(
        self,
        real_name: str,
        *,
        kind: Kind = Kind.MEMBER,
        user_id: str | None = None,
        tz: str = "Europe/Berlin",
    ) -> Person:
        """Add somebody who can act; strangers come from another workspace."""
        member = self.add_member(real_name, kind=kind, user_id=user_id)
        member.tz = tz
        return Person(team=self, courier=self.courier, member=member)

    def add_group(self, group_id: str, members: Iterable[Person], *, handle: str = "") -> Group:
        """Add a user group."""
        ids = [person.id for person in members]
        group = Group(id=group_id, handle=handle or group_id.lower(), members=ids)
        self.groups[group_id] = group
        return group

    def add_channel(
        self,
        name: str,
        *,
        members: Iterable[Person] = (),
        bot_is_member: bool = True,
        channel_id: str | None = None,
        is_private: bool = False,
        is_shared: bool = False,
    ) -> Channel:
        """Add a channel."""
        ids = {person.id for person in members} | ({self.bot_user_id} if bot_is_member else set())
        return self.open_channel(
            Channel(
                id=channel_id or self.new_id("C"),
                name=name,
                members=ids,
                is_private=is_private,
                is_shared=is_shared,
            )
        )

    def channel(self, name: str) -> Channel:
        """Find a channel by its name or id."""
        return next(c for c in self.channels.values() if name in (c.name, c.id))

    def dm(self, person: Person) -> Channel:
        """The direct messages between the app and a person."""
        return self.im_with(person.id)

    async def happen(self, happened: Json) -> Answer:
        """Tell the app of an event, given without its wrapping."""
        return await self.courier.tell(event(self, happened))

    def calls(self, method: str) -> list[Json]:
        """List the arguments of all calls of one method so far."""
        return [request.arguments for request in self.requests if request.method == method]

    async def wait_for(
        self, condition: Callable[[], T | None], *, within: float = 5.0, what: str = ""
    ) -> T:
        """Wait until the condition holds, and return what it returned.

        An IndexError counts as "not yet". What happened instead is told on failure.
        """
        deadline = time.monotonic() + within
        while True:
            with contextlib.suppress(IndexError):
                found = condition()
                if found:
                    return found
            if time.monotonic() > deadline:
                raise AssertionError(self._told(what or "the condition", within))
            await asyncio.sleep(POLL_SECONDS)

    def _told(self, what: str, within: float) -> str:
        calls = [f"  {r.method} -> {r.error or 'ok'}" for r in self.requests[-8:]]
        acks = [f"  {a.kind} -> {a.status} in {a.seconds:.2f} s" for a in self.acks[-5:]]
        said = [
            f"  #{channel.name or 'direct'}: {message.text[:100]}"
            for channel in self.channels.values()
            for message in channel.posted[-3:]
        ]
        modals = [
            f"  {self.people[user].real_name}: {stack[-1].title}"
            for user, stack in self.views.stacks.items()
            if stack
        ]
        parts = {
            "Last deliveries": acks,
            "Last calls": calls,
            "Last messages": said,
            "Open modals": modals,
            "Violations": [f"  {violation}" for violation in self.violations],
        }
        told = [f"Waited {within:g} s for {what}."]
        for title, lines in parts.items():
            told += [f"{title}:", *(lines or ["  none"])]
        return "\n".join(told)
