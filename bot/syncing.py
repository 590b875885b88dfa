"""The services of syncs, wired; the command line runs them without Slack."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.audit import AuditLog
from services.clock import Clock
from services.losses import LossAnswers, Losses
from services.notices import Notices
from services.policy import People
from services.programs import Program
from services.sync import Sync
from services.sync_plan import Rhythm
from services.sync_run import SyncDesk
from services.sync_wishes import SyncWishes
from storage.database import Database
from storage.states import ProgramName


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncGround:
    """What a sync stands on."""

    database: Database
    programs: Mapping[ProgramName, Program]
    audit: AuditLog
    notices: Notices
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Syncing:
    """The services of syncs, with those that people talk to."""

    sync: Sync
    wishes: SyncWishes
    losses: LossAnswers


def sync_of(ground: SyncGround, rhythm: Rhythm) -> Sync:
    """The sync itself."""
    desk = SyncDesk(
        database=ground.database,
        notices=ground.notices,
        losses=Losses(ground.notices, ground.clock),
        clock=ground.clock,
        rhythm=rhythm,
    )
    return Sync(desk, programs=ground.programs, audit=ground.audit)


def syncing(ground: SyncGround, rhythm: Rhythm, people: People) -> Syncing:
    """Every service of syncs, once."""
    wishes = SyncWishes(
        database=ground.database,
        people=people,
        audit=ground.audit,
        notices=ground.notices,
        clock=ground.clock,
    )
    losses = LossAnswers(
        database=ground.database,
        people=people,
        audit=ground.audit,
        notices=ground.notices,
        clock=ground.clock,
    )
    return Syncing(sync=sync_of(ground, rhythm), wishes=wishes, losses=losses)
