"""A process of its own in which people click at the same moment as those of another.

`python -m tests.services.racing FILE`: each line of standard input is a request's id, its facts'
fingerprint, and the people who click, then a `go`; what came of it is a line of output.
"""

import asyncio
import sys
from uuid import uuid4

import httpx

from services.decisions import Click
from services.policy import Role
from storage.database import Database, DatabaseBusy
from storage.states import Verdict
from tests.sandbox.apple.service import Apple
from tests.services.office import Office, Outside
from tests.services.ports import Drawer, MovedClock, Pinboard, Workplace


async def main(file: str) -> None:
    apple = Apple()
    people = Workplace()
    async with httpx.AsyncClient(trust_env=False) as http:
        outside = Outside(
            clock=MovedClock(),
            people=people,
            files=Drawer(),
            pinboard=Pinboard(),
            apple=apple,
            organisation=apple.add_organisation("Example Schools", admin="a@schools.example"),
            http=http,
        )
        database = Database(f"sqlite+aiosqlite:///{file}")
        office = Office(database, outside)
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := (await reader.readline()).decode().split():
            request_id, digest, *clickers = line
            people.roles[Role.APPROVER] |= set(clickers)
            await asyncio.gather(
                *(press(office, request_id, digest, person) for person in clickers)
            )
            await weigh(office)
            print("done", flush=True)  # noqa: T201 - the parent reads it
        await database.close()


async def press(office: Office, request_id: str, digest: str, person: str) -> None:
    """One click, tried again where the other process held the database too long."""
    made = Click(
        request_id=request_id,
        person=person,
        verdict=Verdict.APPROVE,
        origin="C0APPROVALS/1.0",
        key=uuid4().hex,
        digest=digest,
    )
    while True:
        try:
            await office.decisions.record(made)
        except DatabaseBusy:
            continue
        return


async def weigh(office: Office) -> None:
    """Weigh what was recorded, by whichever process."""
    while True:
        try:
            await office.decisions.finish_recorded()
        except DatabaseBusy:
            continue
        return


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
