"""An office: the services of one process, over a database file and Apple's stand-in.

What many tests need is made once and copied: the schema, and a request that waits for its file.
"""

import asyncio
import shutil
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from services.apple.client import apple_http
from storage.database import Database
from storage.migrations import migrate
from storage.records import Request, Token
from storage.states import RequestState
from tests.sandbox.apple.server import Server
from tests.sandbox.apple.service import Apple
from tests.sandbox.serving import serve
from tests.services.office import APPLE_ID, Office, Outside
from tests.services.ports import Drawer, MovedClock, Pinboard, Workplace

NOWHERE = "http://127.0.0.1:9"
_REAL = apple_http(NOWHERE)
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # reading the trust store takes a while


class Stage:
    """Serves whichever Apple a test puts on it: one server, in a thread of its own, for all."""

    def __init__(self) -> None:
        self.apple = Apple()
        self.origin = ""
        self._up = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.apple.app(scope, receive, send)

    def open(self) -> None:
        self._thread.start()
        self._up.wait()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        async with serve(self) as self.origin:
            self._up.set()
            await self._over.wait()


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    opened = Stage()
    opened.open()
    yield opened
    opened.close()


@asynccontextmanager
async def surroundings() -> AsyncIterator[Outside]:
    clock = MovedClock()
    apple = Apple(clock=clock.now)
    async with httpx.AsyncClient(
        base_url=NOWHERE,
        headers=_REAL.headers,
        timeout=_REAL.timeout,
        verify=_NO_TLS,
        trust_env=False,
    ) as http:
        yield Outside(
            clock=clock,
            people=Workplace(),
            files=Drawer(),
            pinboard=Pinboard(),
            apple=apple,
            organisation=apple.add_organisation("Example Schools", admin=APPLE_ID, type="edu"),
            http=http,
        )


@pytest.fixture
async def newest_schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the newest schema and no rows."""
    path = tmp_path_factory.getbasetemp() / "newest-schema.db"
    if not path.exists():
        database = Database(f"sqlite+aiosqlite:///{path}")
        await migrate(database)
        await database.close()
    return path


@pytest.fixture
async def one_waiting(newest_schema: Path) -> Path:
    """A file with one request, which waits for its server token file."""
    path = newest_schema.with_name("one-waiting.db")
    if not path.exists():
        shutil.copy(newest_schema, path)
        database = Database(f"sqlite+aiosqlite:///{path}")
        async with surroundings() as outside:
            await Office(database, outside).waiting()
        await database.close()
    return path


@pytest.fixture
def template(newest_schema: Path) -> Path:
    """What a test's database begins with; modules may begin with more."""
    return newest_schema


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(template, tmp_path / "enroll-token.db"))


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{path}")
    yield database
    await database.close()


@pytest.fixture
async def second_database(path: Path) -> AsyncIterator[Database]:
    """The same file, as another process opens it."""
    database = Database(f"sqlite+aiosqlite:///{path}")
    yield database
    await database.close()


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    """All that a process meets; Apple can be reached in tests that are `online`."""
    async with surroundings() as made:
        yield made


@pytest.fixture
def online(outside: Outside, stage: Stage) -> None:
    """Apple's stand-in is served, and the processes' client knows where."""
    stage.apple = outside.apple
    outside.http.base_url = httpx.URL(stage.origin)


@pytest.fixture
def office(database: Database, outside: Outside) -> Office:
    return Office(database, outside)


@pytest.fixture
def second_office(second_database: Database, outside: Outside) -> Office:
    """Another process of the same deployment."""
    return Office(second_database, outside)


@pytest.fixture
async def waiting(office: Office) -> Request:
    """The request that waits for its file, where the template has one."""
    async with office.database.read() as tx:
        (found,) = await tx.requests.in_state(RequestState.AWAITING_UPLOAD)
    return found


@pytest.fixture
async def server(office: Office, waiting: Request) -> Server:
    """The server at the portal that the waiting request is about."""
    return await office.server(waiting)


@pytest.fixture
async def active(office: Office, waiting: Request, server: Server) -> Token:
    """The waiting request's token, in use."""
    await office.bring(waiting, server.download_token().content)
    return await office.token(waiting)
