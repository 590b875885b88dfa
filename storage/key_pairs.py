"""Key pairs, their private keys sealed."""

from sqlalchemy import delete

from storage import tables
from storage.records import KeyPair
from storage.rows import Rows
from storage.states import KeyPairState


class KeyPairs(Rows[KeyPair]):
    """The key pairs of all tokens: a file is matched against every one of them."""

    table = tables.key_pair
    record = KeyPair

    async def of_recipient(self, issuer: bytes, serial: str) -> KeyPair | None:
        """The key pair whose certificate has this issuer (DER) and serial (decimal digits)."""
        table = self.table.c
        return await self.one(table.issuer == issuer, table.serial == serial)

    async def newest_of(self, token_id: str) -> KeyPair | None:
        """The key pair that the token's next file should be made for."""
        table = self.table.c
        query = self.select(
            table.token_id == token_id, table.state.in_((KeyPairState.STAGED, KeyPairState.CURRENT))
        )
        query = query.order_by(table.created_at.desc(), table.state.desc()).limit(1)
        return next(iter(await self.all(query)), None)

    async def make_current(self, token_id: str, key_pair_id: str) -> None:
        """The pair that opened the token in use; the others of that token retire."""
        table = self.table.c
        others = (table.token_id == token_id) & (table.id != key_pair_id)
        await self.change(others, state=KeyPairState.RETIRED)
        await self.change(table.id == key_pair_id, state=KeyPairState.CURRENT)

    async def destroy(self, token_id: str) -> None:
        """Delete the token's key pairs; SQLite overwrites what is deleted."""
        table = self.table
        await self.connection.execute(delete(table).where(table.c.token_id == token_id))
