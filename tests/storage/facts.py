"""Records as the tests need them: whole, and different only where a claim is about it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from storage.database import Database
from storage.records import (
    Credentials,
    Decision,
    Device,
    KeyPair,
    Notice,
    OutboxItem,
    Request,
    SyncRun,
    Token,
    Upload,
    new_id,
)
from storage.states import (
    Action,
    DecisionState,
    KeyPairState,
    NoticeKind,
    Portal,
    ProgramName,
    RequestState,
    SyncKind,
    SyncState,
    TokenState,
    UploadState,
    Verdict,
)

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def token(name: str = "HQ iPads", **facts: Any) -> Token:  # noqa: ANN401 - any field of the record
    whole = Token(
        id=new_id(),
        name=name,
        program=ProgramName.APPLE,
        portal=Portal.SCHOOL,
        server_name=name,
        apple_id="it-admin@schools.example",
        owner="U0OWNER",
        state=TokenState.REQUESTED,
        health=None,
        health_since=None,
        expires_at=None,
        server_uuid=None,
        org_id=None,
        org_id_hash=None,
        org_name=None,
        admin_id=None,
        last_synced_at=None,
        sync_due_at=None,
        created_at=NOON,
    )
    return replace(whole, **facts)


def request(token_id: str, **facts: Any) -> Request:  # noqa: ANN401 - any field of the record
    whole = Request(
        id=new_id(),
        token_id=token_id,
        action=Action.CREATE,
        state=RequestState.PENDING,
        requester="U0OPERATOR",
        reason="New iPads",
        consent_text="I agree",
        consent_version="apple-1",
        approvals_required=1,
        approvers=["U0APPROVER", "U0SECOND"],
        dedupe_key=new_id(),
        created_at=NOON,
        expires_at=NOON + timedelta(days=7),
        ended_at=None,
    )
    return replace(whole, **facts)


def decision(request_id: str, person: str = "U0APPROVER", **facts: Any) -> Decision:  # noqa: ANN401 - any field of the record
    whole = Decision(
        id=new_id(),
        request_id=request_id,
        person=person,
        verdict=Verdict.APPROVE,
        state=DecisionState.RECORDED,
        refusal=None,
        origin="C0APPROVALS/1.0",
        dedupe_key=new_id(),
        recorded_at=NOON,
    )
    return replace(whole, **facts)


def key_pair(token_id: str, **facts: Any) -> KeyPair:  # noqa: ANN401 - any field of the record
    whole = KeyPair(
        id=new_id(),
        token_id=token_id,
        state=KeyPairState.STAGED,
        issuer=b"issuer",
        serial=new_id(),
        certificate_pem="certificate",
        fingerprint="fingerprint",
        data_key="sealed",
        private_key="sealed",
        created_at=NOON,
    )
    return replace(whole, **facts)


def credentials(token_id: str, key_pair_id: str, **facts: Any) -> Credentials:  # noqa: ANN401 - any field of the record
    whole = Credentials(
        id=new_id(),
        token_id=token_id,
        key_pair_id=key_pair_id,
        data_key="sealed",
        consumer_key="sealed",
        consumer_secret="sealed",
        access_token="sealed",
        access_secret="sealed",
        expires_at=NOON + timedelta(days=365),
        in_force=True,
        created_at=NOON,
    )
    return replace(whole, **facts)


def upload(request_id: str, **facts: Any) -> Upload:  # noqa: ANN401 - any field of the record
    whole = Upload(
        id=new_id(),
        request_id=request_id,
        uploader="U0OPERATOR",
        apple_id="it-admin@schools.example",
        file_id="F0FILE",
        view_id="V0VIEW",
        state=UploadState.RECEIVED,
        reason=None,
        answer=None,
        attempts=0,
        due_at=NOON,
        dedupe_key=new_id(),
        submitted_at=NOON,
        ended_at=None,
    )
    return replace(whole, **facts)


def device(serial_number: str, **facts: str) -> Device:
    whole = Device(
        serial_number=serial_number,
        model="iPad (10th generation)",
        description="IPAD 10TH GEN",
        color="SILVER",
        asset_tag="A-1",
        device_family="iPad",
        os="iPadOS",
        profile_status="empty",
        profile_uuid="",
        device_assigned_by="it-admin@schools.example",
        device_assigned_date="2026-03-01T00:00:00Z",
        op_date="",
    )
    return replace(whole, **facts)


def devices(number: int) -> list[Device]:
    return [device(f"X{index:011d}") for index in range(number)]


def sync_run(token_id: str, **facts: Any) -> SyncRun:  # noqa: ANN401 - any field of the record
    whole = SyncRun(
        id=new_id(),
        token_id=token_id,
        state=SyncState.RUNNING,
        kind=SyncKind.FULL,
        asked_by="schedule",
        pages=0,
        seen=0,
        added=0,
        changed=0,
        removed=0,
        failed=0,
        tries=0,
        error=None,
        fence=1,
        due_at=None,
        lease_until=NOON + MINUTE,
        started_at=NOON,
        ended_at=None,
    )
    return replace(whole, **facts)


def notice(destination: str = "C0ALERTS", **facts: Any) -> Notice:  # noqa: ANN401 - any field of the record
    whole = Notice(
        kind=NoticeKind.TOKEN_ACTIVE,
        destination=destination,
        subject_id=new_id(),
        dedupe_key=new_id(),
        facts={},
    )
    return replace(whole, **facts)


async def put(database: Database, *notices: Notice) -> list[OutboxItem]:
    """Put notices into the outbox; all its items, in their order."""
    async with database.write() as tx:
        for one in notices:
            await tx.outbox.put(one, NOON)
    return await outbox(database)


async def outbox(database: Database) -> list[OutboxItem]:
    """Every item of the outbox, in their order."""
    async with database.read() as tx:
        return await tx.outbox.all(tx.outbox.select().order_by(tx.outbox.table.c.id))
