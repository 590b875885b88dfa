"""From a Slack user to an actor with roles; implements the port `People`.

A look-up that fails refuses. Bots, guests, deactivated people and people of other workspaces never
have a role. What is drawn may use a look-up of a minute's age; a decision looks up anew.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack_errors import LOST, code_of, retry_after, throttled
from services.errors import UpstreamError
from services.policy import Actor, Role

FRESH_SECONDS = 60.0
LOOK_UP_SECONDS = 10.0
LONGEST_WAIT = 2.0

Found = TypeVar("Found")


class Identity:
    """Looks people and groups up at Slack, and remembers them for a minute."""

    def __init__(
        self, client: AsyncWebClient, team_id: str, assignments: Mapping[Role, Iterable[str]]
    ) -> None:
        self.client = client
        self.team_id = team_id
        self.assignments = {role: tuple(ids) for role, ids in assignments.items()}
        self._members = _Remembered(self._look_up_member)
        self._groups = _Remembered(self._look_up_group)

    def forget(self) -> None:
        """Look everybody up anew from now on: something changed at Slack."""
        self._members.forget()
        self._groups.forget()

    async def actor(self, person: str, *, fresh: bool) -> Actor:
        """The person with their roles now. Raises UpstreamError."""
        if not await self._members.get(person, fresh=fresh):
            return Actor(id=person, member=False, roles=frozenset())
        if fresh:
            self._groups.forget()
        # One look-up a group, however many roles name it.
        roles = [role for role in Role if person in await self._assigned(role, fresh=False)]
        return Actor(id=person, member=True, roles=frozenset(roles))

    async def holders(self, role: Role, *, fresh: bool) -> frozenset[str]:
        """The members who have the role now. Raises UpstreamError."""
        assigned = await self._assigned(role, fresh=fresh)
        members = await asyncio.gather(*(self._members.get(one, fresh=fresh) for one in assigned))
        return frozenset(one for one, member in zip(assigned, members, strict=True) if member)

    async def _assigned(self, role: Role, *, fresh: bool) -> list[str]:
        people: set[str] = set()
        for one in self.assignments.get(role, ()):
            if one.startswith("S"):
                people |= await self._groups.get(one, fresh=fresh)
            else:
                people.add(one)
        return sorted(people)

    async def _look_up_member(self, person: str) -> bool:
        try:
            answer = await _patiently(lambda: self.client.users_info(user=person))
        except SlackApiError as error:
            if code_of(error) in {"user_not_found", "user_not_visible"}:
                return False
            raise _unanswered("users.info", error) from error
        user: Mapping[str, Any] = answer["user"]
        barred = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger")
        return user.get("team_id") == self.team_id and not any(user.get(bar) for bar in barred)

    async def _look_up_group(self, group: str) -> frozenset[str]:
        try:
            answer = await _patiently(lambda: self.client.usergroups_users_list(usergroup=group))
        except SlackApiError as error:
            raise _unanswered("usergroups.users.list", error) from error
        return frozenset(answer["users"])


@dataclass(frozen=True, slots=True)
class _Entry(Generic[Found]):
    found: Found
    until: float


class _Remembered(Generic[Found]):
    """Answers of one look-up by id, each for a minute."""

    def __init__(self, look_up: Callable[[str], Awaitable[Found]]) -> None:
        self._look_up = look_up
        self._entries: dict[str, _Entry[Found]] = {}
        self._forgotten = 0

    def forget(self) -> None:
        """Look everything up anew from now on."""
        self._entries.clear()
        self._forgotten += 1

    async def get(self, asked: str, *, fresh: bool) -> Found:
        entry = self._entries.get(asked)
        if entry is not None and not fresh and time.monotonic() < entry.until:
            return entry.found
        begun = self._forgotten
        found = await self._look_up(asked)
        if begun == self._forgotten:
            self._entries[asked] = _Entry(found, time.monotonic() + FRESH_SECONDS)
        return found


async def _patiently(call: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401 - Slack's answer
    try:
        return await _in_time(call)
    except SlackApiError as error:
        wait = retry_after(error, LONGEST_WAIT + 1)
        if not throttled(error) or wait > LONGEST_WAIT:
            raise
    await asyncio.sleep(wait)
    return await _in_time(call)


async def _in_time(call: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401 - Slack's answer
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            return await call()
    except SlackApiError:
        raise
    except LOST as error:
        raise _unanswered("a look-up", error) from error


def _unanswered(method: str, error: Exception) -> UpstreamError:
    reason = code_of(error) if isinstance(error, SlackApiError) else None
    return UpstreamError(
        f"{method}: {reason or type(error).__name__}",
        system="Slack",
        retryable=True,
        user_message="Slack did not tell us your role just now, so nothing was done. Try again.",
    )
