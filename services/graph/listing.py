"""Syncs of a token that Intune holds: Intune is asked to sync, then its devices are listed.

Intune syncs with Apple by itself; a person's wish asks it to, once in 15 minutes at most. Whether
it is done shows in its times alone. Source: Graph beta, `syncWithAppleDeviceEnrollmentProgram` and
`importedAppleDeviceIdentities`; Intune, "Manage tokens": 15 minutes between syncs and for each.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta

from services.graph.errors import GraphError, GraphTrouble
from services.graph.intune import Intune
from services.graph.messages import TERMS_UNSIGNED, Identity, Setting
from services.programs import DevicePage, HolderSyncs, KeepPage, SyncEnd, SyncStart
from storage.database import Database
from storage.records import Device, Profile, Token, new_id

BETWEEN = timedelta(minutes=15)
"""How long Intune takes no other request, and what it may take for one."""
ERROR_STANDS = timedelta(minutes=2)
"""How long an error of Apple's may be one of before."""
NEVER = datetime(1, 1, 2, tzinfo=UTC)
ASSIGNED_AT_ONCE = 1000
HAS_PROFILE, NO_PROFILE = "assigned", "empty"
TOO_LONG = (
    "Intune did not end its sync with Apple within 15 minutes. Its devices stay as they were; look "
    "at the token in the Intune admin center."
)
TERMS = (
    "Apple does not let Intune sync it: new terms wait for a signature. An Administrator signs in "
    "at Apple's portal and accepts them; then sync again."
)


async def sync(
    intune: Intune, token: Token, start: SyncStart, keep_page: KeepPage, now: datetime
) -> SyncEnd:
    """List the token's devices; for a person's wish, once Intune itself has synced.

    Raises HolderSyncs while it does, GraphError.
    """
    if start.wish:
        await _let_intune_sync(intune, held(token), start.awaits_after, now)
    async with aclosing(intune.identities(held(token))) as pages:
        await _walk(pages, keep_page)
    return SyncEnd.COMPLETE


async def devices(intune: Intune, token: Token, serial_numbers: Sequence[str]) -> Sequence[Device]:
    """These devices as Intune has them; it can only be asked for all of them."""
    wanted = set(serial_numbers)
    found: dict[str, Device] = {}
    async with aclosing(intune.identities(held(token))) as pages:
        async for page in pages:
            kept = device_page(page).devices
            found |= {one.serial_number: one for one in kept if one.serial_number in wanted}
    return list(found.values())


async def keep_profiles(database: Database, intune: Intune, token: Token, now: datetime) -> None:
    """Take over which profiles the token has, and which are defaults. Raises GraphError."""
    holder_id = held(token)
    defaults = (await intune.defaults(holder_id)).ids
    seen = [
        Profile(
            id=new_id(),
            token_id=token.id,
            profile_uuid=one.id[:64],
            name=(one.name or one.id)[:125],
            is_default=one.id in defaults,
            created_at=now,
        )
        for one in await intune.profiles(holder_id)
    ]
    async with database.write(quiet=True) as tx:
        await tx.profiles.seen(token.id, seen, now)


async def assign(
    intune: Intune, token: Token, profile_id: str, serial_numbers: Sequence[str]
) -> None:
    """Give devices a profile, by their serial numbers; Intune tells Apple at its next sync.

    Profiles themselves are not made here: Microsoft replaces them by enrollment policies and has
    stopped to update them, so a new one is made in the admin center. Raises GraphError.
    """
    for first in range(0, len(serial_numbers), ASSIGNED_AT_ONCE):
        some = serial_numbers[first : first + ASSIGNED_AT_ONCE]
        await intune.assign_profile(held(token), profile_id, some)


def held(token: Token) -> str:
    """What Intune knows the token by."""
    if token.holder_id is None:
        raise AssertionError(f"token {token.id} has no entry in Intune")
    return token.holder_id


def device_page(identities: Sequence[Identity]) -> DevicePage:
    """Devices as they are kept; released ones are gone, and so is what has no serial number.

    Intune tells neither model nor colour; a serial number that stands twice counts once, in use.
    """
    known = [one for one in identities if one.serial_number]
    there = {one.serial_number: _device(one) for one in known if not one.released}
    released = [one for one in known if one.released and one.serial_number not in there]
    gone = {one.serial_number: _device(one) for one in released}
    return DevicePage(
        devices=list(there.values()),
        gone=list(gone.values()),
        failed=len(identities) - len(known),
        released=len(gone),
        cursor=None,
    )


async def _walk(pages: AsyncIterator[list[Identity]], keep_page: KeepPage) -> None:
    """Hand every page over, in order; the next is fetched while one is stored."""
    page = await anext(pages, None)
    while page is not None:
        following = asyncio.ensure_future(_next(pages))
        try:
            await keep_page(device_page(page))
            page = await following
        except BaseException:
            following.cancel()
            with suppress(asyncio.CancelledError, GraphError):
                await following
            raise


async def _next(pages: AsyncIterator[list[Identity]]) -> list[Identity] | None:
    return await anext(pages, None)


async def _let_intune_sync(
    intune: Intune, holder_id: str, awaits_after: datetime | None, now: datetime
) -> None:
    """Return once Intune has synced since it was asked; ask it where nobody has."""
    setting = await intune.setting(holder_id)
    if setting is None:
        raise GraphError(GraphTrouble.NOT_FOUND, f"setting {holder_id}")
    if awaits_after is None:
        raise await _ask(intune, setting, now)
    if (setting.synced_at or NEVER) <= awaits_after:
        raise _waits(setting, awaits_after)


async def _ask(intune: Intune, setting: Setting, now: datetime) -> HolderSyncs:
    last = setting.synced_at or NEVER
    triggered = setting.sync_triggered_at
    if triggered is None or now - triggered >= BETWEEN:
        try:
            await intune.sync(setting.id)
        except GraphError as error:
            if error.trouble is GraphTrouble.FORBIDDEN:
                return _not_ours_to_ask(setting)
            if error.trouble is not GraphTrouble.TOO_SOON:
                raise
        else:
            return _waits(setting, last)
    return _too_soon(setting, now)


def _too_soon(setting: Setting, now: datetime) -> HolderSyncs:
    """It was asked a short while ago: by somebody else, by its own period, or in the console."""
    triggered, last = setting.sync_triggered_at, setting.synced_at or NEVER
    left = BETWEEN if triggered is None else max(BETWEEN - (now - triggered), timedelta(minutes=1))
    minutes = min(15, -(-int(left.total_seconds()) // 60))
    note = (
        "Intune syncs a token with Apple once in 15 minutes, and was asked before you. It can be "
        f"asked again in {minutes} min. "
    )
    if triggered is not None and triggered > last:
        return _waits(setting, last, note=f"{note}That sync is awaited.")
    done = f"Its last sync ended at {last:%H:%M} UTC; what it found is shown."
    return _waits(setting, last - timedelta(seconds=1), note=f"{note}{done}")


def _not_ours_to_ask(setting: Setting) -> HolderSyncs:
    """We may look and not write: what Intune knows by now is shown."""
    last = setting.synced_at or NEVER
    when = f"It last did so at {last:%Y-%m-%d %H:%M} UTC. " if setting.synced_at else ""
    note = (
        f"This app may not ask Intune to sync with Apple. {when}To have it do so now, press *Sync* "
        "at the token in the Intune admin center; by itself it syncs every 12 hours. What Intune "
        "knows is shown."
    )
    return _waits(setting, last - timedelta(seconds=1), note=note)


def _waits(setting: Setting, after: datetime, *, note: str | None = None) -> HolderSyncs:
    error = setting.sync_error
    if not error:
        return HolderSyncs(after, patience=BETWEEN, gives_up=TOO_LONG, note=note)
    said = f"Apple reported error {error} to Intune, which does not tell what it means."
    why = TERMS if error == TERMS_UNSIGNED else f"{said} Look at the token in the admin center."
    return HolderSyncs(after, patience=ERROR_STANDS, gives_up=why, note=note)


def _device(identity: Identity) -> Device:
    has_one = identity.profile_id is not None
    return Device(
        serial_number=identity.serial_number or "",
        model="",
        description="",
        color="",
        asset_tag="",
        device_family="",
        os=identity.platform,
        profile_status=HAS_PROFILE if has_one else NO_PROFILE,
        profile_uuid=identity.profile_id or "",
        device_assigned_by="",
        device_assigned_date="",
        op_date="",
    )
