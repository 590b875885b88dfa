"""`enroll-token sync TOKEN`: a sync in this process, over the lease that `serve` uses too."""

import asyncio
import getpass
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr

from bot.bootstrap import Store, holders_of, keys_of
from bot.clock import clock_of
from bot.logs import set_up_logs
from bot.settings import Settings, load_settings
from bot.sync_drawing import sync_facts
from bot.syncing import SyncGround, sync_of
from bot.views.sync import progress_line, result_lines
from services.audit import AuditLog
from services.keys import open_keys
from services.notices import Channels, Notices
from services.sync import Sync
from services.sync_plan import Rhythm
from services.sync_run import SyncLost
from services.tokens import named_in
from storage.database import Database
from storage.migrations import require_newest
from storage.records import SyncRun, Token
from storage.states import SyncState

LOOK_SECONDS = 1.0
OPEN = (SyncState.WAITING, SyncState.RUNNING)


class SyncSettings(Settings):
    """The settings of a sync: Slack's token may be missing, its channel gets the result."""

    slack_bot_token: SecretStr = SecretStr("")


async def sync(name: str, *, full: bool) -> int:
    """Sync the token of that name, print its progress and its result; 1 if it failed."""
    settings = load_settings(SyncSettings)
    set_up_logs(settings.log_level, settings.log_format)
    async with _opened(settings) as (database, syncs):
        token = await _token(database, name)
        watch = asyncio.create_task(_show_progress(database, token))
        try:
            run = await _run(database, syncs, token, full=full)
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        async with database.read() as tx:
            shown = await sync_facts(tx, run.id)
    if run.state is SyncState.FAILED or shown is None:
        sys.stderr.write(f"enroll-token: {run.error}\n")
        return 1
    if run.state is SyncState.COMPLETED:
        _say(*result_lines(shown))
    else:
        _say("The holder syncs by itself; nothing was read here.")
    return 0


async def _run(database: Database, syncs: Sync, token: Token, *, full: bool) -> SyncRun:
    try:
        return await syncs.run_now(token, f"console:{getpass.getuser()}", full=full)
    except SyncLost:
        _say("Another process goes on with this sync.")
        return await _followed(database, token)


async def _followed(database: Database, token: Token) -> SyncRun:
    """The token's newest run, when it has ended in another process."""
    while True:
        async with database.read() as tx:
            run = await tx.sync_runs.open_of(token.id)
            ended = await tx.sync_runs.last_ended(token.id) if run is None else None
        if ended is not None:
            return ended
        await asyncio.sleep(LOOK_SECONDS)


async def _show_progress(database: Database, token: Token) -> None:
    said = ""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        async with database.read() as tx:
            run = await tx.sync_runs.open_of(token.id)
        if run is None:
            continue
        line = f"{run.error} " if run.error else ""
        line += f"{progress_line(run)}."
        if line != said:
            _say(line)
            said = line


async def _token(database: Database, name: str) -> Token:
    async with database.read() as tx:
        return named_in(name, await tx.tokens.living())


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[tuple[Database, Sync]]:
    database = Database(settings.database_url)
    try:
        await require_newest(database)
        keys = keys_of(settings)
        await open_keys(database, keys)
        store = Store(database=database, keys=keys)
        async with (
            clock_of(settings.clock_url) as clock,
            holders_of(settings, store, clock=clock) as holders,
        ):
            channels = Channels(alert=settings.alert_channel, approval=settings.requests_channel)
            ground = SyncGround(
                database=database,
                programs=holders.programs,
                audit=AuditLog(keys, clock),
                notices=Notices(channels),
                clock=clock,
            )
            yield database, sync_of(ground, Rhythm(every=settings.sync_interval))
    finally:
        await database.close()


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
