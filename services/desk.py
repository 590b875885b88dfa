"""Everything that carries a request from wish to outcome, wired: the same for all who need it."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.audit import AuditLog
from services.calendar import Calendar
from services.clock import Clock
from services.conditions import ConditionReader
from services.decisions import Decisions
from services.deletions import Deletions
from services.notices import Notices
from services.offers import Offers
from services.organisations import Disowning, Organisations
from services.policy import Approvals, People
from services.preparation import Preparation
from services.programs import Program
from services.proving import FileSource, Proving
from services.renewals import Renewals
from services.request_life import RequestLife
from services.requests import Requests
from services.sealing import KeyRing
from services.uploads import Uploads
from storage.database import Database
from storage.states import ProgramName


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskGround:
    """What requests stand on; of the programs, only those `offered` get new tokens."""

    database: Database
    programs: Mapping[ProgramName, Program]
    offered: frozenset[ProgramName]
    people: People
    files: FileSource
    keys: KeyRing
    audit: AuditLog
    notices: Notices
    approvals: Approvals
    calendar: Calendar
    clock: Clock
    organisations: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The services of requests."""

    requests: Requests
    renewals: Renewals
    deletions: Deletions
    decisions: Decisions
    preparation: Preparation
    uploads: Uploads
    proving: Proving
    life: RequestLife
    disowning: Disowning
    offers: Offers


def desk_of(on: DeskGround) -> Desk:
    """Each service, once."""
    database, programs, people = on.database, on.programs, on.people
    audit, notices, clock = on.audit, on.notices, on.clock
    conditions = ConditionReader(database=database, programs=programs)
    requests = Requests(
        database=database,
        people=people,
        audit=audit,
        notices=notices,
        approvals=on.approvals,
        programs=on.offered,
        calendar=on.calendar,
        clock=clock,
    )
    return Desk(
        requests=requests,
        offers=Offers(requests=requests, programs=programs, offered=on.offered),
        renewals=Renewals(
            database=database,
            programs=programs,
            requests=requests,
            audit=audit,
            notices=notices,
            clock=clock,
        ),
        deletions=Deletions(
            database=database,
            programs=programs,
            requests=requests,
            conditions=conditions,
            audit=audit,
            notices=notices,
            calendar=on.calendar,
            clock=clock,
        ),
        decisions=Decisions(
            database=database,
            people=people,
            audit=audit,
            notices=notices,
            conditions=conditions,
            clock=clock,
        ),
        preparation=Preparation(
            database=database,
            programs=programs,
            audit=audit,
            notices=notices,
            calendar=on.calendar,
            clock=clock,
        ),
        uploads=Uploads(database=database, keys=on.keys, calendar=on.calendar, clock=clock),
        proving=Proving(
            database=database,
            programs=programs,
            files=on.files,
            people=people,
            audit=audit,
            notices=notices,
            keys=on.keys,
            organisations=Organisations(on.organisations),
            clock=clock,
        ),
        disowning=Disowning(
            database=database, programs=programs, people=people, audit=audit, notices=notices
        ),
        life=RequestLife(
            database=database,
            people=people,
            audit=audit,
            notices=notices,
            calendar=on.calendar,
            clock=clock,
        ),
    )
