"""Activation: what changes once something is proved. A new token, a renewed one, another server."""

from dataclasses import dataclass
from datetime import datetime

from services.audit import AuditLog, Deed
from services.clock import Clock
from services.lifecycle import TooLate, move_request, move_token
from services.notices import Notices
from services.organisations import Organisations
from services.phrases import quoted
from services.programs import Proof
from services.sync_plan import list_anew
from services.wrong_file import WrongFile, WrongFileReason
from storage.database import Transaction
from storage.records import Request, Token, Upload
from storage.states import Action, Evidence, Health, RequestState, StoryEvent, TokenState

WITHOUT_APPROVAL = "without approval, token already downloaded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An upload with what it is for."""

    upload: Upload
    request: Request
    token: Token


class Activation:
    """Puts a proved file into force, in the caller's transaction."""

    def __init__(
        self, *, audit: AuditLog, notices: Notices, organisations: Organisations, clock: Clock
    ) -> None:
        self.organisations = organisations
        self.audit = audit
        self.notices = notices
        self.clock = clock

    async def activate(self, tx: Transaction, task: Task, proof: Proof) -> None:
        """Request, token, secrets, audit entry and messages at once. Raises TooLate, WrongFile."""
        now = self.clock.now()
        check_identity(task, proof)
        self.organisations.check(proof.account)
        strange = await self.organisations.is_new(tx, task.token, proof.account)
        unapproved = task.request.state is RequestState.PENDING
        # What is said of the way there is over; what stays to be done is said with the outcome.
        await move_request(tx, task.request, RequestState.COMPLETED, now, detour=proof.note)
        await self._change_token(tx, task, proof, now)
        if proof.health is Health.OK:
            await tx.watch.healthy(task.token.id, now, proof.account.admin_id)
        await proof.keep(tx)
        await self.audit.append(tx, _deed(task, proof, unapproved=unapproved))
        await self._tell(tx, task, unapproved=unapproved)
        if strange:
            await self.notices.story(tx, task.request, StoryEvent.NEW_ORGANISATION)

    async def _change_token(self, tx: Transaction, task: Task, proof: Proof, now: datetime) -> None:
        facts = _facts(task, proof, now)
        if task.request.action is Action.CREATE:
            await move_token(tx, task.token, TokenState.ACTIVE, **facts)
            return
        other_server = replaces_server(task, proof)
        # What changed since the last sync is in no list that the old token's cursor leads to.
        await list_anew(tx, task.token.id, now, other_server=other_server)
        if other_server:
            # Another server's profiles, as its devices, have nothing to do with those of before.
            await tx.profiles.remove(task.token.id, now)
            facts |= {"last_synced_at": None, "removed_here_at": None}
        if not await tx.tokens.renewed(task.token.id, **facts):
            raise TooLate(f"token {task.token.id}")

    async def _tell(self, tx: Transaction, task: Task, *, unapproved: bool) -> None:
        request = task.request
        await self.notices.request_card(tx, request, RequestState.COMPLETED)
        await self.notices.steps(tx, request, RequestState.COMPLETED)
        await self.notices.token_active(tx, request)
        event = StoryEvent.UNAPPROVED if unapproved else StoryEvent.COMPLETED
        await self.notices.story(tx, request, event)
        if task.upload.file_id:
            await self.notices.file_cleanup(tx, task.upload)


def origin_of(upload: Upload) -> str:
    """Where what was brought came from, for the audit log."""
    if upload.evidence is Evidence.SERVER_TOKEN_FILE:
        return f"file:{upload.file_id or 'pasted'}"
    return f"{upload.evidence}:{upload.id}"


def replaces_server(task: Task, proof: Proof) -> bool:
    """Whether the file belongs to another server than the token did."""
    was, becomes = task.token.server_uuid, proof.account.server_uuid
    return was is not None and becomes is not None and was != becomes


def check_identity(task: Task, proof: Proof) -> None:
    """Raise WrongFile unless a renewal's file is of the same server and organisation, and newer."""
    token, account = task.token, proof.account
    if task.request.action is Action.CREATE:
        return
    if task.request.action is not Action.REPLACE:
        _check_same(token, proof)
    replaced = replaces_server(task, proof)
    older = token.expires_at and proof.expires_at and proof.expires_at < token.expires_at
    if older and not replaced:
        raise WrongFile(WrongFileReason.OLDER_FILE, account.server_uuid or "")


def _check_same(token: Token, proof: Proof) -> None:
    account = proof.account
    pairs = (
        (token.server_uuid, account.server_uuid),
        (token.org_id, account.org_id),
        (token.org_id_hash, account.org_id_hash),
    )
    if all(was == becomes or not was or not becomes for was, becomes in pairs):
        return
    theirs = f"{quoted(account.server_name or 'without a name')}"
    if account.org_name and account.org_name != token.org_name:
        theirs += f" of {quoted(account.org_name)}"
    ours = quoted(token.server_name)
    if token.org_name:
        ours += f" of {quoted(token.org_name)}"
    raise WrongFile(
        WrongFileReason.OTHER_SERVER,
        account.server_uuid or "",
        user_message=f"This file belongs to the server {theirs}; the token {quoted(token.name)} "
        f"belongs to {ours}. Open that server at the portal and download its file. If you mean to "
        "change servers, cancel this request and ask for *another server* in the form of "
        "`/enroll-token renew`.",
    )


def _facts(task: Task, proof: Proof, now: datetime) -> dict[str, object]:
    account = proof.account
    named = {"server_name": account.server_name} if account.server_name else {}
    if proof.holder_id is not None:
        named |= {"holder_id": proof.holder_id, "holder_name": proof.holder_name or ""}
    return {
        **named,
        "apple_id": task.upload.apple_id,
        "expires_at": proof.expires_at,
        "health": proof.health,
        "health_since": now,
        "server_uuid": account.server_uuid,
        "org_id": account.org_id,
        "org_id_hash": account.org_id_hash,
        "org_name": account.org_name,
        "admin_id": account.admin_id,
        "sync_due_at": now,
    }


def _deed(task: Task, proof: Proof, *, unapproved: bool) -> Deed:
    account, token = proof.account, task.token
    creates = task.request.action is Action.CREATE
    after = {
        "state": TokenState.ACTIVE.value,
        "apple_id": task.upload.apple_id,
        "admin_id": account.admin_id or "",
        "server_uuid": account.server_uuid or "",
        "org_name": account.org_name or "",
        "org_id": account.org_id or "",
        "expires_at": proof.expires_at.isoformat() if proof.expires_at else "",
    }
    before = {
        "state": token.state.value,
        "apple_id": token.apple_id,
        "admin_id": token.admin_id or "",
        "server_uuid": token.server_uuid or "",
        "expires_at": token.expires_at.isoformat() if token.expires_at else "",
    }
    return Deed(
        actor=task.upload.uploader,
        action="token.activate" if creates else "token.renew",
        subject=f"request:{task.request.id}",
        token_id=token.id,
        origin=origin_of(task.upload),
        before={name: value for name, value in before.items() if value},
        after=after | ({"approval": WITHOUT_APPROVAL} if unapproved else {}),
    )
