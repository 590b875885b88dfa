"""`check`: looks at everything that a start needs, and says what to fix."""

import json
import sys
from collections.abc import AsyncIterator, Iterator

from slack_sdk.web.async_client import AsyncWebClient

from bot.bootstrap import keys_of
from bot.check_microsoft import microsoft_findings
from bot.findings import Finding
from bot.identity import Identity
from bot.preflight import SlackSide, preflight, preflight_sockets, role_assignments
from bot.scopes import LOOKING, SHARING
from bot.settings import NO_DELIVERY, Settings, load_settings, unknown_names
from bot.slack_http import slack_client
from services.errors import ServiceError, UpstreamError
from services.keys import prove_keys
from services.policy import Role
from storage.database import PRAGMAS, Database, StorageError
from storage.migrations import newest, revision
from storage.states import Action

EXPECTED = (ServiceError, UpstreamError, StorageError)


async def check(*, as_json: bool) -> int:
    """Print the findings; 0 if all are fine, else 1."""
    findings = [finding async for finding in _findings()]
    if as_json:
        rows = [{"about": one.about, "fine": one.fine, "said": one.said} for one in findings]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    else:
        for one in findings:
            sys.stdout.write(f"{'ok  ' if one.fine else 'FIX '} {one.about}: {one.said}\n")
    return 0 if all(one.fine for one in findings) else 1


async def _findings() -> AsyncIterator[Finding]:
    try:
        settings = load_settings()
    except ServiceError as error:
        yield Finding(about="settings", fine=False, said=error.user_message)
        return
    for finding in _settings(settings):
        yield finding
    async for finding in _slack(settings):
        yield finding
    async for finding in microsoft_findings(settings):
        yield finding
    async for finding in _database(settings):
        yield finding


def _settings(settings: Settings) -> list[Finding]:
    findings = [Finding(about="settings", fine=True, said="complete")]
    if settings.slack_app_token is None:
        fine = settings.slack_signing_secret is not None
        said = "HTTP mode, verified by SLACK_SIGNING_SECRET" if fine else NO_DELIVERY
        findings.append(Finding(about="delivery", fine=fine, said=said))
    if names := unknown_names():
        said = f"{', '.join(names)} in .env: no such setting. Look for a slip of the finger"
        findings.append(Finding(about="settings", fine=False, said=said))
    findings.extend(
        Finding(about="addresses", fine=True, said=f"{address} is not the default")
        for address in settings.other_addresses()
    )
    return findings


async def _slack(settings: Settings) -> AsyncIterator[Finding]:
    async with slack_client(settings) as client:
        async for finding in _asked(client, settings):
            yield finding


async def _asked(client: AsyncWebClient, settings: Settings) -> AsyncIterator[Finding]:
    try:
        side = await preflight(client, settings)
    except ServiceError as error:
        yield Finding(about="Slack", fine=False, said=error.user_message)
        return
    scopes = (
        "every scope that a start needs" if side.scopes is not None else "scopes not told by Slack"
    )
    yield Finding(about="Slack", fine=True, said=f"workspace {side.team}, {scopes}")
    if settings.slack_app_token is not None:
        yield await _sockets(client, settings)
    for finding in _more_scopes(side):
        yield finding
    people = Identity(client, side.team_id, role_assignments(settings))
    held: dict[Role, frozenset[str]] = {}
    for role in Role:
        try:
            held[role] = await people.holders(role, fresh=True)
        except UpstreamError as error:
            yield Finding(about=f"role {role}", fine=False, said=f"cannot be looked up: {error}")
            return
        yield _role(role, held[role])
    yield _deciders(settings, held)


async def _sockets(client: AsyncWebClient, settings: Settings) -> Finding:
    try:
        await preflight_sockets(client, settings)
    except ServiceError as error:
        return Finding(about="delivery", fine=False, said=error.user_message)
    return Finding(about="delivery", fine=True, said="Socket Mode, SLACK_APP_TOKEN is good")


def _more_scopes(side: SlackSide) -> Iterator[Finding]:
    if side.scopes is None:
        return
    if lacking := sorted(SHARING - side.scopes):
        said = (
            f"{', '.join(lacking)} not granted, so nobody looks whether a channel is shared with "
            "another organisation before a post. Add it under OAuth & Permissions and reinstall"
        )
        yield Finding(about="scopes", fine=False, said=said)
    looks = sorted(LOOKING.keys() - side.scopes)
    said = (
        f"without {', '.join(looks)} a message whose answer was lost is repeated, marked so"
        if looks
        else "a message whose answer was lost is looked for before it is posted again"
    )
    yield Finding(about="scopes", fine=True, said=said)


def _role(role: Role, holders: frozenset[str]) -> Finding:
    if holders:
        return Finding(about=f"role {role}", fine=True, said=f"{len(holders)} member(s)")
    name = {Role.VIEWER: "VIEWERS or OPERATORS"}.get(role, f"{role.value.upper()}S")
    said = f"nobody has it, so whatever takes it is refused. Set {name} to members or groups"
    return Finding(about=f"role {role}", fine=False, said=said)


def _deciders(settings: Settings, held: dict[Role, frozenset[str]]) -> Finding:
    needed = settings.approvals_required.needed(Action.CREATE)
    stuck = [
        person
        for person in sorted(held[Role.OPERATOR])
        if len(held[Role.APPROVER] - {person}) < needed
    ]
    if not stuck:
        return Finding(about="approvals", fine=True, said=f"{needed} needed, and can be had")
    said = (
        f"nobody but {', '.join(stuck)} could approve their own requests, which is never taken. "
        "Add people to APPROVERS, or set APPROVALS_REQUIRED=0"
    )
    return Finding(about="approvals", fine=False, said=said)


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    try:
        keys = keys_of(settings)
        database = Database(settings.database_url)
    except EXPECTED as error:
        yield Finding(about="keys", fine=False, said=_said(error))
        return
    if not database.path.is_file():
        yield Finding(about="keys", fine=True, said=f"{len(keys.names())}, sealing with the first")
        yield Finding(about="database", fine=True, said=f"{database.path} is made at first start")
        return
    try:
        yield await _schema(database)
        await prove_keys(database, keys)
        yield Finding(about="keys", fine=True, said="each opens what it sealed")
    except EXPECTED as error:
        yield Finding(about="keys", fine=False, said=_said(error))
    finally:
        await database.close()


async def _schema(database: Database) -> Finding:
    found = await revision(database)
    if found != newest():
        said = f"schema {found}, this release has {newest()}: run enroll-token migrate"
        return Finding(about="database", fine=False, said=said)
    wrong = {
        name: value for name, value in (await database.pragmas()).items() if value != PRAGMAS[name]
    }
    if wrong:
        return Finding(about="database", fine=False, said=f"SQLite did not take {sorted(wrong)}")
    return Finding(about="database", fine=True, said=f"{database.path}, schema {found}")


def _said(error: Exception) -> str:
    user_message = getattr(error, "user_message", None)
    return str(user_message or error)
