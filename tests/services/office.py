"""The services wired over one database file and Apple's stand-in, and the steps of the main job."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import httpx

from services.apple.program import AppleProgram
from services.apple.vault import Vault
from services.audit import AuditLog
from services.calendar import Calendar
from services.decisions import Click
from services.delivery import Delivery
from services.desk import DeskGround, desk_of
from services.losses import LossAnswers, Losses
from services.notices import Channels, Notices
from services.policy import Approvals
from services.programs import Program
from services.request_forms import CreateForm, DeleteForm, RenewForm
from services.sealing import EncryptionKey, KeyRing
from services.settling import Pace
from services.sync import Sync
from services.sync_plan import Rhythm
from services.sync_run import SyncDesk
from services.sync_wishes import SyncWishes
from services.uploads import UploadForm
from storage.database import Database
from storage.records import AuditEntry, Decision, OutboxItem, Request, Token, Upload
from storage.states import Action, NoticeKind, Portal, ProgramName, RenewalCause, Verdict
from tests.sandbox.apple.organisation import Organisation
from tests.sandbox.apple.server import Server
from tests.sandbox.apple.service import Apple
from tests.services.ports import (
    APPROVER,
    OPERATOR,
    OWNER,
    Drawer,
    MovedClock,
    Pinboard,
    Workplace,
)
from tests.storage import facts

APPLE_ID = "it-admin@schools.example"
ALERTS = "C0ALERTS"
APPROVALS = "C0APPROVALS"
KEYS = KeyRing((EncryptionKey(name="k1", key=bytes(range(32))),))

RHYTHM = Rhythm(every=timedelta(hours=12), pauses=(), jitter=lambda: 0.0)
"""Without second tries, so that a failure is one; without a spread of what is due."""
CALENDAR = Calendar(zone=ZoneInfo("UTC"), starts=time(9))

_numbers = count(1)


@dataclass(kw_only=True)
class Outside:
    """What every process of the deployment shares: people, files, Slack, Apple and time."""

    clock: MovedClock
    people: Workplace
    files: Drawer
    pinboard: Pinboard
    apple: Apple
    organisation: Organisation
    http: httpx.AsyncClient


class Office:
    """One process: its own connections to the database, its own services."""

    def __init__(  # noqa: PLR0913 - what differs from office to office
        self,
        database: Database,
        outside: Outside,
        *,
        keys: KeyRing = KEYS,
        approvals: Approvals | None = None,
        programs: Mapping[ProgramName, Program] | None = None,
        organisations: frozenset[str] = frozenset(),
        rhythm: Rhythm = RHYTHM,
    ) -> None:
        self.database = database
        self.outside = outside
        self.keys = keys
        self.vault = Vault(keys)
        self.clock = outside.clock
        self.apple = outside.apple
        self.audit = AuditLog(keys, self.clock)
        self.notices = Notices(Channels(alert=ALERTS, approval=APPROVALS))
        self.program = AppleProgram(database, outside.http, self.vault, self.clock)
        by_name: Mapping[ProgramName, Program] = programs or {ProgramName.APPLE: self.program}
        clock, notices, people = self.clock, self.notices, outside.people
        self.desk = desk_of(
            DeskGround(
                database=database,
                programs=by_name,
                offered=frozenset(by_name),
                people=people,
                files=outside.files,
                keys=keys,
                audit=self.audit,
                notices=notices,
                approvals=approvals or Approvals(by_action={}),
                calendar=CALENDAR,
                clock=clock,
                organisations=organisations,
            )
        )
        losses = Losses(notices, clock)
        self.sync_desk = SyncDesk(
            database=database, notices=notices, losses=losses, clock=clock, rhythm=rhythm
        )
        self.sync = Sync(self.sync_desk, programs=by_name, audit=self.audit)
        self.wishes = SyncWishes(
            database=database, people=people, audit=self.audit, notices=notices, clock=clock
        )
        self.losses = LossAnswers(
            database=database, people=people, audit=self.audit, notices=notices, clock=clock
        )
        self.requests, self.decisions = self.desk.requests, self.desk.decisions
        self.preparation, self.uploads = self.desk.preparation, self.desk.uploads
        self.proving, self.life = self.desk.proving, self.desk.life
        self.renewals, self.deletions = self.desk.renewals, self.desk.deletions
        self.delivery = Delivery(
            database=database,
            notifier=outside.pinboard,
            people=people,
            notices=notices,
            clock=clock,
            pace=Pace(look_again=timedelta()),
        )

    async def ask(self, name: str = "HQ iPads") -> Request:
        """The operator asks for a token."""
        return await self.requests.create(OPERATOR, form(name))

    async def click(
        self, request: Request, person: str = APPROVER, verdict: Verdict = Verdict.APPROVE
    ) -> Decision:
        """A click, recorded and weighed."""
        key = f"click-{next(_numbers)}"
        await self.decisions.record(click(request, person, verdict, key=key))
        await self.decisions.finish_recorded()
        async with self.database.read() as tx:
            decision = await tx.decisions.of_key(key)
        if decision is None:
            raise AssertionError("the click was not recorded")
        return decision

    async def waiting(self, name: str = "HQ iPads") -> Request:
        """A request that waits for its file: asked for, approved, prepared."""
        request = await self.ask(name)
        await self.click(request)
        await self.preparation.begin_approved()
        return await self.request(request.id)

    async def server(self, request: Request, name: str | None = None) -> Server:
        """A server at the portal with the certificate that was handed out for the request."""
        token = await self.token(request)
        async with self.database.read() as tx:
            pair = await tx.key_pairs.newest_of(token.id)
        if pair is None:
            raise AssertionError("no certificate was handed out")
        return self.outside.organisation.add_server(
            name or token.server_name, certificate_pem=pair.certificate_pem.encode()
        )

    async def submit(
        self, request: Request, file: bytes | Exception, *, person: str = OPERATOR
    ) -> Upload:
        """The operator, or that person, submits a file; it is not looked at yet."""
        number = next(_numbers)
        self.outside.files.files[f"F{number}"] = file
        return await self.uploads.submit(
            person,
            UploadForm(
                submission=f"upload-{number}",
                request_id=request.id,
                apple_id=APPLE_ID,
                file_id=f"F{number}",
                view_id=f"V{number}",
            ),
        )

    async def bring(self, request: Request, file: bytes | Exception) -> Upload:
        """The operator submits a file, and it gets its outcome."""
        upload = await self.submit(request, file)
        await self.proving.finish_due()
        async with self.database.read() as tx:
            return await tx.uploads.get(upload.id) or upload

    async def activate(self, name: str = "HQ iPads") -> tuple[Token, Server]:
        """A token in use, and its server."""
        request = await self.waiting(name)
        server = await self.server(request)
        await self.bring(request, server.download_token().content)
        return await self.token(request), server

    async def renew(self, token: Token, **fields: object) -> Request:
        """The operator asks to renew, for the yearly reason; one downloaded already begins."""
        request = await self.renewals.ask(OPERATOR, renew_form(token, **fields))
        if request.cause is RenewalCause.ALREADY_DOWNLOADED:
            await self.preparation.begin_approved()
        return await self.request(request.id)

    async def under_way(self, token: Token, **fields: object) -> Request:
        """A renewal that waits for its file: asked for, approved, prepared."""
        request = await self.renew(token, **fields)
        await self.click(request)
        await self.preparation.begin_approved()
        return await self.request(request.id)

    async def delete(
        self, token: Token, person: str = OPERATOR, *, action: Action = Action.DELETE
    ) -> Request:
        """The operator asks to delete the token, or to remove its devices here."""
        form = DeleteForm(
            submission=f"delete-{next(_numbers)}",
            token_id=token.id,
            action=action,
            typed=token.name,
            reason="The school moves to another MDM",
        )
        return await self.deletions.ask(person, form)

    async def stories(self, request: Request) -> list[str]:
        """What was told in the request's thread."""
        items = await self.outbox(NoticeKind.REQUEST_STORY)
        return [item.facts["event"] for item in items if item.subject_id == request.id]

    async def request(self, request_id: str) -> Request:
        """The request as it is now."""
        async with self.database.read() as tx:
            found = await tx.requests.get(request_id)
        if found is None:
            raise AssertionError("no such request")
        return found

    async def token(self, request: Request) -> Token:
        """The request's token as it is now."""
        async with self.database.read() as tx:
            found = await tx.tokens.get(request.token_id)
        if found is None:
            raise AssertionError("no such token")
        return found

    async def outbox(self, kind: NoticeKind | None = None) -> list[OutboxItem]:
        """The messages written so far, of that kind where one is given."""
        items = await facts.outbox(self.database)
        return [item for item in items if kind in {None, item.kind}]

    async def entries(self) -> list[AuditEntry]:
        """The whole audit log."""
        async with self.database.read() as tx:
            return await tx.audit.since(0, 1000)


def form(name: str = "HQ iPads", **fields: object) -> CreateForm:
    """A create form that has nothing wrong, but for what is given."""
    good = CreateForm(
        submission=f"create-{next(_numbers)}",
        program=ProgramName.APPLE,
        portal=Portal.SCHOOL,
        name=name,
        server_name="",
        apple_id=APPLE_ID,
        owner=OWNER,
        reason="New iPads for the primary school",
        consented=True,
    )
    return replace(good, **fields)  # type: ignore[arg-type]


def renew_form(token: Token, **fields: object) -> RenewForm:
    """A renew form that has nothing wrong, but for what is given."""
    good = RenewForm(
        submission=f"renew-{next(_numbers)}",
        token_id=token.id,
        cause=RenewalCause.YEARLY,
        apple_id=token.apple_id,
        reason="",
        replaces=False,
        rotate=False,
    )
    return replace(good, **fields)  # type: ignore[arg-type]


def click(request: Request, person: str, verdict: Verdict, *, key: str) -> Click:
    """A click on the request's card in the approvals channel."""
    return Click(
        request_id=request.id,
        person=person,
        verdict=verdict,
        origin=f"{APPROVALS}/1.0",
        key=key,
        digest=request.digest,
    )
