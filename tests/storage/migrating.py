"""A process of its own that migrates a database, and may be killed on its way.

`python -m tests.storage.migrating FILE [STATEMENT]`: `kill -9` before that statement of the
schema is executed, counted from 1, or before the commit where it says `commit`.
"""

import asyncio
import os
import signal
import sys
from itertools import count

from sqlalchemy import event

from storage.database import Database
from storage.migrations import migrate


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(file: str, moment: str) -> None:
    database = Database(f"sqlite+aiosqlite:///{file}")
    numbers = count(1)

    @event.listens_for(database.writer.sync_engine, "before_cursor_execute")
    def before(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "CREATE" in statement and str(next(numbers)) == moment:
            die()

    @event.listens_for(database.writer.sync_engine, "commit")
    def committing(_connection: object) -> None:
        if moment == "commit":
            die()

    await migrate(database)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""))
