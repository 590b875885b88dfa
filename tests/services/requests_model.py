"""Requests, roles, decisions, expiry and restarts against a small model of them.

`python -m tests.services.requests_model` runs the whole and writes its statistics to
docs/approvals.md.
"""

import asyncio
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import httpx
from hypothesis import HealthCheck, settings, strategies
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from services.errands import Errand
from services.errors import NotAllowed, Refused
from services.policy import Approvals, Role
from services.programs import Beginning
from services.requests import PENDING_FOR
from storage.database import Database, Transaction
from storage.migrations import migrate
from storage.records import Request, Token
from storage.states import Evidence, ProgramName, RequestState, TokenState, Verdict
from tests.sandbox.apple.service import Apple
from tests.services.office import Office, Outside, click, form
from tests.services.ports import Drawer, Listing, MovedClock, Pinboard, Workplace

EVERYBODY = [f"U0PERSON{number}" for number in range(6)]
PAGE = Path(__file__).parents[2] / "docs" / "approvals.md"
BEGIN, END = "<!-- the model's statistics -->", "<!-- end of the model's statistics -->"
STEPS_A_RUN = 100
people = strategies.sampled_from(EVERYBODY)


class Quick(Listing):
    """A holder whose preparation takes no key."""

    async def begin(self, token: Token, errand: Errand) -> Beginning:  # noqa: ARG002 - the port's signature
        async def keep(_tx: Transaction) -> None:
            """Nothing is left."""

        return Beginning(evidence=Evidence.SERVER_TOKEN_FILE, certificate_id=None, keep=keep)


@dataclass
class Wish:
    """A request as the model knows it."""

    request: Request
    state: RequestState
    approved_by: set[str] = field(default_factory=set)
    prepared: int = 0


@dataclass(frozen=True)
class Click:
    """A click that Slack delivered and that is not weighed yet."""

    wish: Wish
    person: str
    verdict: Verdict
    stale: bool


class RequestMachine(RuleBasedStateMachine):
    """Whatever people, time and crashes do, the database tells what the model tells."""

    wishes: Bundle[Wish] = Bundle("wishes")
    statistics: ClassVar[Counter[str]] = Counter()
    template: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="requests-model-"))
        self.path = Path(shutil.copy(self.template, self.folder / "model.db"))
        self.numbers = count(1)
        self.known: list[Wish] = []
        self.waiting: list[Click] = []
        self.outside = Outside(
            clock=MovedClock(),
            people=Workplace(),
            files=Drawer(),
            pinboard=Pinboard(),
            apple=Apple(),
            organisation=Apple().add_organisation("Example Schools", admin="a@schools.example"),
            http=httpx.AsyncClient(trust_env=False),
        )

    def run(self, work: Any) -> Any:  # noqa: ANN401 - whatever the coroutine returns
        self.statistics["steps"] += 1
        return self.loop.run_until_complete(work)

    @initialize(needed=strategies.integers(0, 2))
    def begin(self, needed: int) -> None:
        self.needed = needed
        roles = self.outside.people.roles
        roles[Role.OPERATOR] = set(EVERYBODY[:4])
        roles[Role.APPROVER] = set(EVERYBODY[1:])
        self._start()

    def _start(self) -> None:
        self.database = Database(f"sqlite+aiosqlite:///{self.path}")
        self.office = Office(
            self.database,
            self.outside,
            approvals=Approvals(default=self.needed, by_action={}),
            programs={ProgramName.APPLE: Quick()},
        )

    @rule()
    def restart(self) -> None:
        """The process dies: what was delivered is weighed by the next one."""
        self.run(self.database.close())
        self._start()
        self.statistics["restarts"] += 1

    @rule(target=wishes, person=people)
    def ask(self, person: str) -> Wish | Any:  # noqa: ANN401 - hypothesis' own for nothing
        allowed = person in self.outside.people.roles[Role.OPERATOR]
        others = self.outside.people.roles[Role.APPROVER] - {person}
        wish = form(f"Token {next(self.numbers)}")
        try:
            request = self.run(self.office.requests.create(person, wish))
        except (NotAllowed, Refused):
            assert not allowed or len(others) < self.needed
            self.statistics["asks refused"] += 1
            return multiple()
        assert allowed
        assert len(others) >= self.needed
        made = Wish(request=request, state=request.state)
        self.known.append(made)
        self.statistics["asks"] += 1
        return made

    @rule(person=people, role=strategies.sampled_from([Role.APPROVER] * 3 + [Role.OPERATOR]))
    def change_role(self, person: str, role: Role) -> None:
        self.outside.people.roles[role] ^= {person}
        self.statistics["role changes"] += 1

    @rule(
        wish=wishes,
        person=people,
        verdict=strategies.sampled_from([Verdict.APPROVE] * 4 + [Verdict.DECLINE]),
        stale=strategies.sampled_from([False] * 5 + [True]),
        twice=strategies.booleans(),
    )
    def press(self, wish: Wish, person: str, verdict: Verdict, *, stale: bool, twice: bool) -> None:
        """A click is delivered, perhaps twice, perhaps from a card with other facts."""
        made = click(wish.request, person, verdict, key=f"k{next(self.numbers)}")
        made = replace(made, digest="0" * 16) if stale else made
        for _ in range(1 + twice):
            self.run(self.office.decisions.record(made))
        self.waiting.append(Click(wish, person, verdict, stale))
        self.statistics["clicks"] += 1

    @rule(wish=wishes, who=strategies.lists(people, min_size=1, max_size=4, unique=True))
    def several_press(self, wish: Wish, who: list[str]) -> None:
        """Some people approve, one after the other, and it is weighed at once."""
        for person in who:
            self.press(wish, person, Verdict.APPROVE, stale=False, twice=False)
        self.weigh()

    @rule()
    def weigh(self) -> None:
        """Every delivered click gets its effect or its refusal."""
        self.run(self.office.decisions.finish_recorded())
        for one in self.waiting:
            self._expect(one)
        self.waiting.clear()

    def _expect(self, one: Click) -> None:
        wish, request = one.wish, one.wish.request
        counts = (
            wish.state is RequestState.PENDING
            and one.person != request.requester
            and one.person in self.outside.people.roles[Role.APPROVER]
            and one.person in request.approvers
            and one.person not in wish.approved_by
            and not one.stale
        )
        if not counts:
            self.statistics["clicks refused"] += 1
            return
        if one.verdict is Verdict.DECLINE:
            wish.state = RequestState.DECLINED
            self.statistics["declined"] += 1
            return
        wish.approved_by.add(one.person)
        self.statistics["approvals counted"] += 1
        if len(wish.approved_by) >= request.approvals_required:
            wish.state = RequestState.APPROVED

    @rule()
    def prepare(self) -> None:
        """What is approved goes on."""
        self.run(self.office.preparation.begin_approved())
        for wish in self.known:
            if wish.state is RequestState.APPROVED:
                wish.state = RequestState.AWAITING_UPLOAD
                wish.prepared += 1
                self.statistics["prepared"] += 1

    @rule(wish=wishes, person=people)
    def cancel(self, wish: Wish, person: str) -> None:
        open_ones = {RequestState.PENDING, RequestState.APPROVED, RequestState.AWAITING_UPLOAD}
        try:
            self.run(self.office.life.cancel(person, wish.request.id, origin="click:1"))
        except (NotAllowed, Refused):
            assert person != wish.request.requester or wish.state not in open_ones
            return
        assert person == wish.request.requester
        wish.state = RequestState.CANCELLED
        self.statistics["cancelled"] += 1

    @rule(days=strategies.integers(1, 15))
    def pass_time(self, days: int) -> None:
        """Days go by, and what is out of time ends."""
        self.outside.clock.pass_time(timedelta(days=days))
        self.run(self.office.life.sweep())
        now = self.outside.clock.now()
        for wish in self.known:
            if wish.state in {RequestState.PENDING, RequestState.AWAITING_UPLOAD}:
                fresh = self.run(self.office.request(wish.request.id))
                if fresh.expires_at <= now:
                    wish.state = RequestState.EXPIRED
                    self.statistics["expired"] += 1
                else:
                    assert wish.state is not RequestState.PENDING or (
                        fresh.created_at + PENDING_FOR > now
                    )

    @rule(wish=consumes(wishes))
    def forget(self, wish: Wish) -> None:
        """Nobody clicks on it any more; what became of it must hold all the same."""

    @invariant()
    def the_database_tells_what_the_model_tells(self) -> None:
        if not self.known or self.waiting:
            return
        for wish in self.known[-3:]:
            self.loop.run_until_complete(self._compare(wish))

    async def _compare(self, wish: Wish) -> None:
        async with self.database.read() as tx:
            request = await tx.requests.get(wish.request.id)
            counted = await tx.decisions.counted(wish.request.id)
            token = await tx.tokens.get(wish.request.token_id)
        assert request is not None
        assert token is not None
        assert request.state is wish.state
        yes = [one.person for one in counted if one.verdict is Verdict.APPROVE]
        assert sorted(yes) == sorted(wish.approved_by)
        assert request.requester not in {one.person for one in counted}
        gone = wish.state in {
            RequestState.DECLINED,
            RequestState.CANCELLED,
            RequestState.EXPIRED,
        }
        assert (token.state is TokenState.CANCELLED) == gone
        self.statistics["comparisons"] += 1

    def teardown(self) -> None:
        self.loop.run_until_complete(self._audited())
        self.loop.run_until_complete(self.outside.http.aclose())
        self.loop.run_until_complete(self.database.close())
        self.loop.close()
        shutil.rmtree(self.folder)

    async def _audited(self) -> None:
        """Nothing was done twice: each preparation has one audit entry, and the chain holds."""
        async with self.database.read() as tx:
            entries = await tx.audit.since(0, 100_000)
        prepared = Counter(one.subject for one in entries if one.action == "request.prepare")
        assert prepared == Counter(
            {f"request:{wish.request.id}": wish.prepared for wish in self.known if wish.prepared}
        )
        assert await self.office.audit.verify(self.database) is None
        assert len({item.dedupe_key for item in await self.office.outbox()}) == len(
            await self.office.outbox()
        )
        self.statistics["runs"] += 1


def run_model(*, runs: int) -> Counter[str]:
    """Run the machine so often; what happened, by count. Raises what contradicts the model."""
    RequestMachine.statistics = Counter()
    with tempfile.TemporaryDirectory(prefix="requests-model-") as folder:
        RequestMachine.template = Path(folder) / "template.db"
        asyncio.run(_make(RequestMachine.template))
        run_state_machine_as_test(
            RequestMachine,
            settings=settings(
                max_examples=runs,
                stateful_step_count=STEPS_A_RUN,
                deadline=None,
                database=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
    return RequestMachine.statistics


async def _make(path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{path}")
    await migrate(database)
    await database.close()


def write(statistics: Counter[str]) -> None:
    """Put the statistics into docs/approvals.md."""
    rows = [f"| {what} | {number:,} |" for what, number in sorted(statistics.items())]
    table = "\n".join(["| what | count |", "| --- | --- |", *rows])
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    found = run_model(runs=int(sys.argv[1]) if len(sys.argv) > 1 else 800)
    print(dict(found))  # noqa: T201 - a command's output
    write(found)
