"""What stands in the way of a deletion at Apple, and taking the profiles off the devices there."""

import logging

from services.apple.client import PAGE_LIMIT, AppleConnection
from services.apple.errors import AppleError
from services.programs import Counts
from storage.database import Database
from storage.devices import NO_PROFILE
from storage.records import Device, Token

log = logging.getLogger(__name__)


async def count(database: Database, connection: AppleConnection, token: Token) -> Counts:
    """Count on Apple's first page, and in the store for what is beyond it. Raises AppleError.

    A device that was removed here counts as gone, though Apple lists it until it is moved or
    unassigned at the portal.
    """
    page = await connection.fetch(None)
    listed = page.records()
    async with database.read() as tx:
        here = await tx.devices.removed_here(token.id, [one.serial_number for one in listed])
        default = await tx.profiles.default_of(token.id)
        uuid = default.profile_uuid if default else ""
        there = [one for one in listed if one.serial_number not in here]
        devices = len(there)
        profiled = sum(1 for one in there if _has(one, uuid))
        if page.more_to_follow:
            devices = max(devices, await tx.devices.count(token.id))
            profiled = max(profiled, await tx.devices.count_with_profile(token.id, uuid))
        return Counts(
            devices=devices,
            in_default_profile=profiled,
            profiles=await tx.profiles.count(token.id),
        )


async def take_profiles_off(database: Database, connection: AppleConnection, token: Token) -> None:
    """Take the profiles off at Apple, up to 1,000 devices a call. Raises AppleError.

    Each batch is stored before the next is sent, so that a restart goes on behind it. A token
    that Apple takes no more cannot take anything off: then the profiles stay at Apple.
    """
    while True:
        async with database.read() as tx:
            batch = await tx.devices.with_any_profile(token.id, PAGE_LIMIT)
        if not batch:
            return
        serials = [device.serial_number for device in batch]
        try:
            await connection.unassign(serials)
        except AppleError as error:
            if error.retryable:
                raise
            log.warning("profiles_stay", extra={"token_id": token.id, "error": str(error)})
            return
        async with database.write(quiet=True) as tx:
            await tx.devices.profile_gone(token.id, serials)


def _has(device: Device, profile_uuid: str) -> bool:
    # Apple leaves the profile's id beside a status of `removed`.
    has_one = bool(profile_uuid) and device.profile_uuid == profile_uuid
    return has_one and device.profile_status not in NO_PROFILE
