"""Who may do what: roles, and the rules of approval."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from services.errors import NotAllowed, Refused
from services.phrases import people
from storage.records import Decision, Request
from storage.states import Action


class Role(StrEnum):
    """What a person may do; roles do not include each other, except that each may view."""

    VIEWER = "viewer"
    """Sees tokens and their state."""
    OPERATOR = "operator"
    """Starts requests and syncs."""
    APPROVER = "approver"
    """Decides on requests."""
    ADMIN = "admin"
    """Gets incidents and the names of leavers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person as they are now: `member` is false for bots, guests, strangers, deactivated."""

    id: str
    member: bool
    roles: frozenset[Role]

    def may_view(self) -> bool:
        """Every role may view."""
        return bool(self.roles)


class People(Protocol):
    """Slack's people and groups, as roles. A look-up that fails raises UpstreamError."""

    async def actor(self, person: str, *, fresh: bool) -> Actor:
        """The person with their roles; `fresh` looks up now, else a minute's age will do."""
        ...

    async def holders(self, role: Role, *, fresh: bool) -> frozenset[str]:
        """The members who have the role."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """How many approvals each action needs."""

    default: int = 1
    by_action: Mapping[str, int]

    def needed(self, action: Action) -> int:
        """The number for that action."""
        return self.by_action.get(action.value, self.default)


def require(actor: Actor, role: Role, holders: frozenset[str]) -> None:
    """Raise NotAllowed, naming the role and who has it, unless the person has it."""
    if role in actor.roles:
        return
    _require_member(actor)
    raise NotAllowed(
        f"{actor.id} is not {role.value}",
        user_message=f"This takes the role *{role.value}*, which you do not have. "
        f"These people have it: {people(holders)}. Ask one of them, or your admin for the role.",
    )


def require_any(actor: Actor, holders: Mapping[Role, frozenset[str]]) -> None:
    """Raise NotAllowed, naming the roles and who has them, unless the person has one of them."""
    if actor.roles & holders.keys():
        return
    _require_member(actor)
    roles = " or ".join(f"*{role.value}*" for role in holders)
    raise NotAllowed(
        f"{actor.id} has none of {', '.join(holders)}",
        user_message=f"This takes the role {roles}, and you have neither. "
        f"These people have one: {people(frozenset().union(*holders.values()))}. Ask one of them.",
    )


def require_viewer(actor: Actor) -> None:
    """Raise NotAllowed unless the person has some role."""
    _require_member(actor)
    if not actor.may_view():
        raise NotAllowed(
            f"{actor.id} has no role",
            user_message="You have no role in this app, so it shows you nothing. "
            "Ask your admin to add you to VIEWERS, OPERATORS or APPROVERS.",
        )


def _require_member(actor: Actor) -> None:
    if not actor.member:
        raise NotAllowed(
            f"{actor.id} is no full member",
            user_message="Guests, apps and people of other workspaces cannot use this app.",
        )


def require_deciders(requester: str, approvers: frozenset[str], needed: int) -> None:
    """Raise Refused if nobody but the requester could approve."""
    others = approvers - {requester}
    if len(others) < needed:
        approvals = "an approval" if needed == 1 else f"{needed} approvals"
        there = "nobody else" if not others else f"only {people(others)}"
        raise Refused(
            f"{len(others)} other approvers, {needed} needed",
            user_message=f"Nothing was sent: this needs {approvals} by somebody else than you, and "
            f"{there} could give it. Ask your admin to add people to APPROVERS, or to set "
            "APPROVALS_REQUIRED=0.",
        )


def why_not_decide(request: Request, actor: Actor, counted: list[Decision]) -> str | None:
    """Why this person's click cannot count; None if it can. Says what to do instead."""
    if actor.id == request.requester:
        others = people(set(request.approvers) - {actor.id})
        return f"You asked for this yourself, so somebody else has to decide: {others}."
    if Role.APPROVER not in actor.roles:
        return (
            "Deciding takes the role *approver*, which you do not have. These people have it: "
            f"{people(request.approvers)}."
        )
    if actor.id not in request.approvers:
        return (
            "You became an approver after this was asked, so you cannot decide on it. "
            "Ask somebody who was an approver then."
        )
    if any(decision.person == actor.id for decision in counted):
        return "You have decided on this already. Another approver has to follow."
    return None
