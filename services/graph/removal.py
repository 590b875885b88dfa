"""What stands in the way of a deletion in Intune, and taking devices and the token out there.

Intune deletes a token only without devices, without devices on a default profile and without
profiles. Source: Intune, "Delete an enrollment program token"; Graph beta, the four default
navigations of `depOnboardingSetting`, `enrollmentProfiles` and `configurationPolicies`.
"""

import asyncio
import time
from contextlib import aclosing

from services.errors import Refused
from services.graph.errors import GraphError, GraphTrouble
from services.graph.intune import Intune
from services.graph.listing import held
from services.phrases import quoted
from services.programs import Counts, StillRemoving
from storage.records import Token

NOTHING = Counts(devices=0, in_default_profile=0, profiles=0)
UNTOLD = Counts(devices=0, in_default_profile=0, profiles=0, told=False)
POLICIES = "enrollment policies"
REMOVED_AT_ONCE = 4
WORKED_FOR = 10.0
"""Seconds of deleting devices until others get their turn; Intune takes five writes a second."""
LOOKS, LOOK_AGAIN = 5, 2.0
"""How often, in seconds, it is looked whether a deletion shows."""


async def count(intune: Intune, token: Token) -> Counts:
    """Count in Intune now, page by page; nothing under a token that is gone. Raises GraphError."""
    try:
        return await _count(intune, held(token))
    except GraphError as error:
        if error.trouble is GraphTrouble.NOT_FOUND and await intune.setting(held(token)) is None:
            return NOTHING
        raise


async def _count(intune: Intune, holder_id: str) -> Counts:
    defaults = (await intune.defaults(holder_id)).ids
    devices = in_default = released = 0
    async with aclosing(intune.identities(holder_id)) as pages:
        async for page in pages:
            there = [one for one in page if not one.released]
            devices += len(there)
            released += len(page) - len(there)
            in_default += sum(1 for one in there if one.profile_id in defaults)
    policies = await intune.policies(holder_id)
    # Each policy has a twin among the profiles.
    made = {one.id for one in await intune.profiles(holder_id)}
    made |= {one.id.lower() for one in policies or []}
    return Counts(
        devices=devices,
        in_default_profile=in_default,
        profiles=len(made),
        released=released,
        unseen=POLICIES if policies is None else "",
    )


async def take_devices_out(intune: Intune, token: Token) -> None:
    """Delete the token's devices in Intune, for as long as others can wait.

    Raises StillRemoving where some are left, GraphError.
    """
    ends_at = time.monotonic() + WORKED_FOR
    gate = asyncio.Semaphore(REMOVED_AT_ONCE)

    async def one(identity_id: str) -> None:
        async with gate:
            if time.monotonic() < ends_at:
                await intune.delete_identity(held(token), identity_id)

    # Lists shift while their parts are deleted: only a look that finds nothing is the end.
    async with aclosing(intune.identities(held(token))) as pages:
        async for page in pages:
            there = [each.id for each in page if not each.released]
            if there:
                await asyncio.gather(*(one(each) for each in there))
                raise StillRemoving


async def check_devices_are_out(intune: Intune, token: Token) -> None:
    """Raise Refused while Intune shows devices under the token; GraphError."""
    left = (await count(intune, token)).devices
    if left:
        raise Refused(
            f"{left} devices under token {token.id}",
            user_message=f"Intune still shows {left:,} devices under {quoted(token.name)}. Delete "
            "them there as the steps say, then press *Done* again.",
        )


async def delete(intune: Intune, token: Token) -> None:
    """Delete the token in Intune, and see that it is gone. Raises Refused, GraphError."""
    await intune.delete(held(token))
    for _ in range(LOOKS):
        if await intune.setting(held(token)) is None:
            return
        await asyncio.sleep(LOOK_AGAIN)
    raise Refused(
        f"setting {token.holder_id} stays",
        user_message=f"Intune took the deletion of {quoted(token.name)}, but still shows it. Look "
        "at it in the Intune admin center, and ask again in a few minutes.",
    )


async def check_gone(intune: Intune, token: Token) -> None:
    """Raise Refused while Intune shows the token; GraphError."""
    if await intune.setting(held(token)) is not None:
        raise Refused(
            f"setting {token.holder_id} is there",
            user_message=f"Intune still shows {quoted(token.name)}. Delete it there as the steps "
            "say, then press *Done* again.",
        )
