"""The part of `check` about Microsoft: what the app registration may do, and whether it can.

Each missing permission is named with its id and what it is for. They are application permissions of
Microsoft Graph; source: Graph, "Microsoft Graph permissions reference".
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta

from bot.findings import Finding
from bot.microsoft import Microsoft, application_of, microsoft_of
from bot.settings import Settings
from services.clock import machine_now
from services.errors import ServiceError
from services.graph.entra import ClientCertificate
from services.graph.errors import GraphError
from services.graph.http import Patience
from storage.states import ProgramName

SOON = timedelta(days=30)
PATIENCE = Patience(waits=1, longest_wait=5)
"""Somebody waits in front of a terminal."""
NOBODY = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """A permission of Microsoft Graph, granted to the application itself."""

    name: str
    id: str
    use: str

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"


READ = Permission(
    name="DeviceManagementServiceConfig.Read.All",
    id="06a5fe6d-c49d-46a7-b082-56b1b14103c7",
    use="see the tokens, their devices, profiles and expiry dates",
)
WRITE = Permission(
    name="DeviceManagementServiceConfig.ReadWrite.All",
    id="5ac13192-7ace-4fcf-b828-1a26f28068ee",
    use="create, renew, sync and delete tokens itself",
)
CONFIGURATION = Permission(
    name="DeviceManagementConfiguration.Read.All",
    id="dc377aa6-52d8-4e23-b271-2a7ae04cedf3",
    use="see enrollment policies, which may stand in the way of a deletion, scope tags, and in "
    "guided mode the Apple push certificate",
)
USERS = Permission(
    name="User.Read.All",
    id="df021288-bdef-4463-88db-98f22de89214",
    use="look Apple IDs up in Entra (ENTRA_WATCH)",
)
OPTIONAL = frozenset({"User-LifeCycleInfo.Read.All", "DeviceManagementRBAC.Read.All"})
"""What makes some answers fuller, and is not asked for."""
USEFUL = frozenset({one.name for one in (READ, WRITE, CONFIGURATION, USERS)}) | OPTIONAL


async def microsoft_findings(settings: Settings) -> AsyncIterator[Finding]:
    """Look at the app registration, its permissions, Intune and Entra."""
    offered = ", ".join(settings.programs)
    yield Finding(about="programs", fine=True, said=f"{offered}: what new tokens may be held by")
    try:
        application = application_of(settings)
    except ServiceError as error:
        yield Finding(about="Microsoft", fine=False, said=error.user_message)
        return
    if application is None:
        if ProgramName.INTUNE in settings.programs:
            yield _recorded()
        return
    if isinstance(application.credential, ClientCertificate):
        yield _certificate(application.credential)
    async with microsoft_of(settings, patience=PATIENCE) as microsoft:
        if microsoft is not None:
            async for finding in _asked(microsoft, settings):
                yield finding


def _recorded() -> Finding:
    said = (
        "recorded mode: no app registration is set, so people enter what the admin center shows. "
        "See docs/intune.md for one"
    )
    return Finding(about="Intune", fine=True, said=said)


def _certificate(credential: ClientCertificate) -> Finding:
    ends = credential.certificate.not_valid_after_utc
    fine = ends - machine_now() > SOON
    said = f"ENTRA_CLIENT_CERTIFICATE is good until {ends:%Y-%m-%d}"
    if not fine:
        said += ": make another, add it to the app registration, then set it here"
    return Finding(about="Microsoft", fine=fine, said=said)


async def _asked(microsoft: Microsoft, settings: Settings) -> AsyncIterator[Finding]:
    try:
        roles = await microsoft.intune.roles()
    except GraphError as error:
        yield Finding(about="Microsoft", fine=False, said=_words(error))
        return
    yield Finding(about="Microsoft", fine=True, said=f"signed in to the tenant {microsoft.tenant}")
    for finding in _permissions(roles, settings):
        yield finding
    if ProgramName.INTUNE in settings.programs and roles & {READ.name, WRITE.name}:
        yield await _intune(microsoft)
    if settings.entra_watch and USERS.name in roles:
        yield await _entra(microsoft)


def _permissions(roles: frozenset[str], settings: Settings) -> Iterator[Finding]:
    if ProgramName.INTUNE in settings.programs:
        yield _mode(roles)
        if CONFIGURATION.name not in roles:
            said = f"without {CONFIGURATION} it cannot {CONFIGURATION.use}: people look there"
            yield Finding(about="permissions", fine=True, said=said)
    elif not settings.entra_watch:
        said = "not used: PROGRAMS does not name intune, and ENTRA_WATCH is off"
        yield Finding(about="Microsoft", fine=True, said=said)
    if settings.entra_watch and USERS.name not in roles:
        said = f"{USERS} is missing, to {USERS.use}. {_GRANT}"
        yield Finding(about="permissions", fine=False, said=said)
    if more := sorted(roles - USEFUL):
        said = f"{', '.join(more)} not needed: take it away from the app registration"
        yield Finding(about="permissions", fine=True, said=said)


_GRANT = "Add it under *API permissions* of the app registration, then *Grant admin consent*"


def _mode(roles: frozenset[str]) -> Finding:
    if WRITE.name in roles:
        said = f"full mode: the bot can {WRITE.use}"
        return Finding(about="Intune", fine=True, said=said)
    if READ.name in roles:
        said = (
            "guided mode: people upload in the admin center, and the bot sees the result. With "
            f"{WRITE} it could {WRITE.use} (full mode)"
        )
        return Finding(about="Intune", fine=True, said=said)
    said = (
        f"no mode: {READ} is missing, to {READ.use} (guided mode); {WRITE}, to {WRITE.use} too "
        f"(full mode). {_GRANT}"
    )
    return Finding(about="Intune", fine=False, said=said)


async def _intune(microsoft: Microsoft) -> Finding:
    try:
        tokens = await microsoft.intune.settings()
    except GraphError as error:
        return Finding(about="Intune", fine=False, said=_words(error))
    count = len(tokens)
    return Finding(
        about="Intune", fine=True, said=f"{count} token{'' if count == 1 else 's'} found there"
    )


async def _entra(microsoft: Microsoft) -> Finding:
    try:
        await microsoft.users.get(NOBODY)
    except GraphError as error:
        said = f"the watch over Entra finds nothing meanwhile. {_words(error)}"
        return Finding(about="Entra", fine=False, said=said)
    return Finding(about="Entra", fine=True, said="people can be looked up, every hour")


def _words(error: GraphError) -> str:
    """What to do, with Microsoft's own words and its number for the call."""
    number = f"request-id {error.request_id}" if error.request_id else ""
    details = ", ".join(part for part in (error.code, number) if part)
    return f"{error.user_message}{f' ({details})' if details else ''}"
