"""The keys at start: wrong or missing ones are told before anything is sealed or opened."""

from services.errors import SealBroken
from services.sealing import KeyRing
from storage.database import Database
from storage.records import KeyCheck


async def prove_keys(database: Database, keys: KeyRing) -> set[str]:
    """Prove every key that ever sealed here; their names. Raises SealBroken."""
    async with database.read() as tx:
        checks = await tx.key_checks.every()
        sealed = await tx.key_checks.sealed_anything()
    if sealed and not checks:
        raise SealBroken(
            "sealed rows, but no key check",
            user_message="The database holds sealed secrets but no check of their key: it was "
            "changed by hand. Restore it from a backup.",
        )
    for check in checks:
        keys.open_check(check.key_name, check.sealed)
    return {check.key_name for check in checks}


async def open_keys(database: Database, keys: KeyRing) -> None:
    """Prove the keys, and leave a check for the first one. Raises SealBroken."""
    if keys.first.name not in await prove_keys(database, keys):
        check = KeyCheck(key_name=keys.first.name, sealed=keys.seal_check())
        async with database.write() as tx:
            await tx.key_checks.add(check)
