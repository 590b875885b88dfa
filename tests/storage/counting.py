"""A process of its own that reads a row and writes it back, one more, many times.

`python -m tests.storage.counting FILE TOKEN TIMES`
"""

import asyncio
import sys

from storage.database import Database, DatabaseBusy


async def count_up(database: Database, token_id: str) -> None:
    async with database.write() as tx:
        token = await tx.tokens.get(token_id)
        if token is None:
            raise AssertionError("the token is missing")
        await asyncio.sleep(0)
        more = str(int(token.server_name) + 1)
        await tx.tokens.change(tx.tokens.table.c.id == token_id, server_name=more)


async def main(file: str, token_id: str, times: int) -> None:
    database = Database(f"sqlite+aiosqlite:///{file}")
    done = 0
    while done < times:
        try:
            await count_up(database, token_id)
        except DatabaseBusy:
            continue  # nothing was written: trying again is safe
        done += 1
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
