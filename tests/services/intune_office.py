"""The services over Apple's and Microsoft's stand-ins, and what people do in the admin center."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from services.graph.program import IntuneProgram
from services.graph.strategy import Strategy
from services.uploads import UploadForm
from storage.database import Database
from storage.records import Request, Token, Upload
from storage.states import Evidence, ProgramName
from tests.sandbox.apple.server import Server
from tests.sandbox.graph.applications import FULL, GUIDED
from tests.sandbox.graph.entries import TokenEntry
from tests.sandbox.graph.portal import CreateTab
from tests.services.microsoft import Microsoft, microsoft
from tests.services.office import APPLE_ID, Office, Outside, form
from tests.services.ports import OPERATOR

ROLES = {Evidence.SERVER_TOKEN_FILE: FULL, Evidence.THEIR_WORD: GUIDED}
ALL = frozenset(FULL)
DAY = timedelta(days=1)


class IntuneOffice(Office):
    """An office whose tokens are held by Intune; `microsoft` is None in recorded mode."""

    def __init__(
        self,
        database: Database,
        outside: Outside,
        microsoft: Microsoft | None,
        *,
        strategy: Strategy | None = None,
    ) -> None:
        clock, intune = outside.clock, microsoft.intune if microsoft else None
        self.intune = IntuneProgram(database, intune, clock, strategy=strategy)
        super().__init__(database, outside, programs={ProgramName.INTUNE: self.intune})
        self.there = microsoft
        self._clicks = 0

    @property
    def microsoft(self) -> Microsoft:
        """The stand-in, where there is one."""
        if self.there is None:
            raise AssertionError("nobody can ask Microsoft here")
        return self.there

    async def ask(self, name: str = "HQ iPads", **fields: object) -> Request:
        """The operator asks for a token that Intune shall hold."""
        asked = form(name, **{"program": ProgramName.INTUNE, **fields})
        return await self.requests.create(OPERATOR, asked)

    async def awaited(self, name: str = "HQ iPads", **fields: object) -> Request:
        """A request that waits for its person: asked for with these fields, approved, prepared."""
        request = await self.ask(name, **fields)
        await self.click(request)
        await self.preparation.begin_approved()
        return await self.request(request.id)

    def at_apple(self, certificate_pem: bytes, name: str = "HQ iPads") -> Server:
        """A new server at Apple's portal, with that certificate."""
        self._clicks += 1
        return self.outside.organisation.add_server(
            f"{name} {self._clicks}", certificate_pem=certificate_pem
        )

    def by_hand(self, name: str = "HQ iPads", *, tab: CreateTab | None = None) -> TokenEntry:
        """A person makes the token in the admin center."""
        portal = self.microsoft.tenant.portal
        tab = tab or portal.open_create()
        file = self.at_apple(tab.certificate_pem, name).download_token().content
        return portal.create_token(tab, file, apple_id=APPLE_ID, name=name)

    def forbid(self, *roles: str) -> None:
        """An admin takes permissions away; without any named, all of them."""
        self.microsoft.application.roles.difference_update(roles or ALL)
        self.microsoft.tenant.revoke_access()

    def renewed_by_hand(self, entry: TokenEntry) -> None:
        """A person renews it there; a newer file ends later."""
        self.clock.pass_time(DAY)
        file = self.newer_file(entry)
        self.microsoft.tenant.portal.renew_token(entry, file, apple_id=APPLE_ID)

    def newer_file(self, entry: TokenEntry) -> bytes:
        """A server token file for the entry's certificate."""
        return self.at_apple(entry.key_pair().certificate_pem).download_token().content

    async def bring_word(self, request: Request) -> Upload:
        """The operator presses *Done*, and it gets its outcome."""
        return await self._bring(request, Evidence.THEIR_WORD)

    async def bring_date(self, request: Request, on: datetime) -> Upload:
        """The operator enters the date that the admin center shows."""
        day = f"{on:%Y-%m-%d}"
        return await self._bring(request, Evidence.EXPIRY_DATE, apple_id=APPLE_ID, expires_on=day)

    async def look(self, request: Request, file: bytes) -> Upload:
        """The operator has a file checked."""
        self._clicks += 1
        self.outside.files.files[f"FC{self._clicks}"] = file
        return await self._bring(
            request,
            Evidence.SERVER_TOKEN_FILE,
            file_id=f"FC{self._clicks}",
            only_check=True,
        )

    async def again(self, upload: Upload) -> Upload:
        """Its next try is due."""
        async with self.database.write() as tx:
            kept = await tx.uploads.get(upload.id)
            assert kept is not None
            await tx.uploads.change(due_at=kept.submitted_at - DAY)
        await self.proving.finish_due()
        async with self.database.read() as tx:
            return await tx.uploads.get(upload.id) or upload

    async def out_of_patience(self, upload: Upload) -> Upload:
        """The time for which it is tried again is over."""
        async with self.database.write() as tx:
            kept = await tx.uploads.get(upload.id)
            assert kept is not None
            assert kept.kept_until is not None
            await tx.uploads.change(kept_until=kept.kept_until - DAY)
        return await self.again(upload)

    async def activated(self, name: str = "HQ iPads") -> tuple[Token, TokenEntry]:
        """A token in use, made as the mode has it, and its entry."""
        request = await self.awaited(name)
        if request.evidence is Evidence.THEIR_WORD:
            entry = self.by_hand(name)
            await self.bring_word(request)
        else:
            server = await self.server(request)
            await self.bring(request, server.download_token().content)
            entry = self.microsoft.tenant.token(name)
        return await self.token(request), entry

    async def _bring(self, request: Request, evidence: Evidence, **fields: object) -> Upload:
        self._clicks += 1
        given = UploadForm(
            submission=f"brought-{self._clicks}-{request.id}",
            request_id=request.id,
            evidence=evidence,
        )
        upload = await self.uploads.submit(
            OPERATOR,
            replace(given, **fields),  # type: ignore[arg-type]
        )
        await self.proving.finish_due()
        async with self.database.read() as tx:
            return await tx.uploads.get(upload.id) or upload


@asynccontextmanager
async def intune_office(
    database: Database,
    outside: Outside,
    evidence: Evidence,
    *,
    strategy: Strategy | None = None,
) -> AsyncIterator[IntuneOffice]:
    """An office in the mode in which that evidence is brought."""
    if evidence is Evidence.EXPIRY_DATE:
        yield IntuneOffice(database, outside, None, strategy=strategy)
        return
    async with microsoft(clock=outside.clock.now, roles=ROLES[evidence]) as there:
        yield IntuneOffice(database, outside, there, strategy=strategy)
