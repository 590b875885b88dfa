"""The sealed OAuth values of proved tokens."""

from sqlalchemy import delete

from storage import tables
from storage.records import Credentials
from storage.rows import Rows


class CredentialSets(Rows[Credentials]):
    """The credentials; one set of a token is in force."""

    table = tables.credentials
    record = Credentials

    async def in_force(self, token_id: str) -> Credentials | None:
        """The set that calls to Apple are signed with."""
        table = self.table.c
        return await self.one(table.token_id == token_id, table.in_force.is_(True))

    async def put_in_force(self, credentials: Credentials) -> None:
        """Add a set and use it from now on instead of the one before."""
        await self.change(self.table.c.token_id == credentials.token_id, in_force=False)
        await self.add(credentials)

    async def destroy(self, token_id: str) -> None:
        """Delete the token's credentials; SQLite overwrites what is deleted."""
        table = self.table
        await self.connection.execute(delete(table).where(table.c.token_id == token_id))
