"""Tokens in use, whoever holds them: the same steps for Apple's and for Intune's."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from storage.database import Database
from storage.states import Health, ProgramName
from tests.journeys.steps import APPLE_ID, ask, register_at_apple, steps_message, upload
from tests.sandbox.apple.organisation import Organisation
from tests.sandbox.apple.server import Server
from tests.sandbox.deployment import Deployment
from tests.sandbox.graph.entries import TokenEntry
from tests.sandbox.slack.conversations import Channel, Message

SOON = 20.0
DAY = timedelta(days=1)
TROUBLES = [
    (ProgramName.APPLE, "superseded"),
    (ProgramName.APPLE, "revoked"),
    (ProgramName.APPLE, "account_forbidden"),
    (ProgramName.APPLE, "terms_unsigned"),
    (ProgramName.INTUNE, "terms_unsigned"),
    (ProgramName.INTUNE, "sync_error"),
]
"""What stops enrolment, by who holds the token."""


class Held(Protocol):
    """A token in use, and what can happen to it at its holder."""

    async def renew(self) -> None:
        """Another end, as a renewal leaves it; nobody tells the watch."""
        ...

    def falls_ill(self, trouble: str) -> str:
        """Let it happen; the words by which people recognise it."""
        ...

    def recovers(self) -> None:
        """The new terms are signed."""
        ...


async def in_use(
    deployed: Deployment, name: str, lifetime: timedelta, program: ProgramName
) -> Held:
    """A token in use that ends so soon, and that the operator answers for."""
    if program is ProgramName.INTUNE:
        return await _in_intune(deployed, name, lifetime)
    return await _by_ourselves(deployed, name, lifetime)


async def said(
    deployed: Deployment, where: Channel, *words: str, holds: Callable[[Message], bool] = bool
) -> Message:
    """The newest message there with these words, when there is one."""

    def found() -> Message | None:
        fits = [m for m in where.messages if all(m.says(word) for word in words) and holds(m)]
        return fits[-1] if fits else None

    return await deployed.slack.wait_for(found, within=SOON, what=f"{words} in #{where.name}")


async def found_in_intune(deployed: Deployment, name: str) -> Message:
    """What the channel is told once a token of the tenant was found."""
    return await said(deployed, deployed.alerts, "found in Intune", f"*{name}*:")


@dataclass(frozen=True, kw_only=True)
class _Apples:
    deployed: Deployment
    name: str
    server: Server

    async def renew(self) -> None:
        database = Database(f"sqlite+aiosqlite:///{self.deployed.database}")
        async with database.write() as tx:
            token = await tx.tokens.named(self.name)
            assert token is not None
            assert token.expires_at is not None
            changes = {"expires_at": token.expires_at + 365 * DAY, "health": Health.OK}
            await tx.tokens.change(tx.tokens.table.c.id == token.id, **changes)
        await database.close()

    def falls_ill(self, trouble: str) -> str:
        match trouble:
            case "superseded":
                self.server.download_token()
                return "a newer token of its server"
            case "revoked":
                self.server.revoke()
                return "revoked"
            case "account_forbidden":
                self._organisation().remove_admin(APPLE_ID)
                return "is gone or barred"
            case _:
                self._organisation().change_terms()
                return "new terms"

    def recovers(self) -> None:
        self._organisation().sign_terms()

    def _organisation(self) -> Organisation:
        apple = self.deployed.apple
        return next(one for one in apple.organisations if self.server in one.servers)


@dataclass(frozen=True, kw_only=True)
class _Intunes:
    entry: TokenEntry

    async def renew(self) -> None:
        assert self.entry.expires_at is not None
        self.entry.expires_at += 365 * DAY

    def falls_ill(self, trouble: str) -> str:
        if trouble == "terms_unsigned":
            self.entry.sync_error = 3
            return "new terms"
        self.entry.sync_error = 42
        return "syncs of it with Apple fail"

    def recovers(self) -> None:
        self.entry.sync_error = 0


async def _by_ourselves(deployed: Deployment, name: str, lifetime: timedelta) -> Held:
    olivia, amir = deployed.cast.operator, deployed.cast.approver
    card = await ask(deployed, name)
    await olivia.close()
    await amir.click("Approve", message=card)
    steps = await steps_message(deployed, name)
    server = register_at_apple(deployed, devices=3, name=name)
    file = server.download_token(lifetime=lifetime)
    await upload(deployed, steps, file.name, file.content)
    await said(deployed, deployed.alerts, f"*{name} is in use")
    await olivia.close()
    return _Apples(deployed=deployed, name=name, server=server)


async def _in_intune(deployed: Deployment, name: str, lifetime: timedelta) -> Held:
    """Somebody made it in the portal; it was found, the operator took it, and its end came near."""
    olivia = deployed.cast.operator
    entry = deployed.tenant.add_token(name, apple_id=APPLE_ID, days=300, devices=3)
    news = await found_in_intune(deployed, name)
    await olivia.click("I answer for it", message=news)
    await said(deployed, olivia.dm, "answers for", name)
    entry.expires_at = datetime.now(UTC) + lifetime
    return _Intunes(entry=entry)
