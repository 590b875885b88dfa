"""Large losses: a full list that lacks so many devices that a person has to say what it means."""

from services.audit import AuditLog, Deed
from services.clock import Clock
from services.errors import NotFound, Refused
from services.notices import Notices
from services.phrases import person as named
from services.policy import People, Role, require
from storage.database import Database, Transaction
from storage.records import SyncRun, new_id
from storage.states import LossState
from storage.sync_records import LossQuestion, SyncPlace

LARGEST_LOSS = 0.2
"""A full list that lacks a larger part of the devices removes nothing by itself."""


class Losses:
    """Marks what a full list lacks as removed, or asks first."""

    def __init__(self, notices: Notices, clock: Clock) -> None:
        self.notices = notices
        self.clock = clock

    async def settle(self, tx: Transaction, run: SyncRun, place: SyncPlace) -> int:
        """At the end of a full list: how many devices were marked as removed.

        A list with devices that could not be understood removes none: they may be among them.
        """
        await self._outdate(tx, run.token_id)
        unseen = await tx.devices.count_unseen(run.token_id, place.generation)
        if not unseen or run.failed:
            return 0
        known = await tx.devices.count(run.token_id)
        if unseen <= known * LARGEST_LOSS:
            return await tx.devices.remove_unseen(run.token_id, place.generation, self.clock.now())
        question = LossQuestion(
            id=new_id(),
            token_id=run.token_id,
            run_id=run.id,
            generation=place.generation,
            unseen=unseen,
            known=known,
            state=LossState.OPEN,
            removed=0,
            answered_by=None,
            asked_at=self.clock.now(),
            answered_at=None,
        )
        await tx.loss_questions.add(question)
        await self.notices.loss_question(tx, question)
        return 0

    async def _outdate(self, tx: Transaction, token_id: str) -> None:
        question = await tx.loss_questions.open_of(token_id)
        if question is None:
            return
        outdated = LossState.OUTDATED
        if await tx.loss_questions.answer(question.id, outdated, at=self.clock.now()):
            await self.notices.loss_question(tx, question, stage=outdated)


class LossAnswers:
    """Takes approvers' answers."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        audit: AuditLog,
        notices: Notices,
        clock: Clock,
    ) -> None:
        self.database = database
        self.people = people
        self.audit = audit
        self.notices = notices
        self.clock = clock

    async def answer(
        self, person: str, question_id: str, *, remove: bool, origin: str
    ) -> LossQuestion:
        """An approver's answer; the first one counts.

        Raises NotAllowed, NotFound, and Refused for a click that comes too late.
        """
        actor = await self.people.actor(person, fresh=True)
        holders = await self.people.holders(Role.APPROVER, fresh=True)
        require(actor, Role.APPROVER, holders)
        async with self.database.write() as tx:
            question = await _open(tx, question_id)
            answered = await self._answer(tx, question, person, remove=remove)
            await self.notices.loss_question(tx, answered)
            if answered.state is not LossState.OUTDATED:
                await self.audit.append(tx, _deed(answered, origin))
        if answered.state is LossState.OUTDATED:
            raise _too_late(answered)
        return answered

    async def _answer(
        self, tx: Transaction, question: LossQuestion, person: str, *, remove: bool
    ) -> LossQuestion:
        state, removed, now = LossState.REMOVED if remove else LossState.KEPT, 0, self.clock.now()
        place = await tx.sync_places.of(question.token_id)
        if place is None or place.generation != question.generation:
            # A newer full list is being read: what it has named carries its mark by now.
            await tx.loss_questions.answer(question.id, LossState.OUTDATED, at=now)
            return await tx.loss_questions.get(question.id) or question
        if remove:
            removed = await tx.devices.remove_unseen(question.token_id, question.generation, now)
        await tx.loss_questions.answer(question.id, state, at=now, by=person, removed=removed)
        return await tx.loss_questions.get(question.id) or question


async def _open(tx: Transaction, question_id: str) -> LossQuestion:
    question = await tx.loss_questions.get(question_id)
    if question is None:
        raise NotFound(
            f"no question {question_id!r}",
            user_message="This question is not known here (any more). Look at the newest messages.",
        )
    if question.state is not LossState.OPEN:
        raise _too_late(question)
    return question


def _too_late(question: LossQuestion) -> Refused:
    by = f"{named(question.answered_by)} was first" if question.answered_by else "It is over"
    return Refused(
        f"question {question.id} is {question.state}",
        user_message=f"{by}: {SAID[question.state]}. Nothing was done.",
    )


SAID = {
    LossState.REMOVED: "the devices were marked as removed",
    LossState.KEPT: "the devices were kept",
    LossState.OUTDATED: "a newer list of the devices came meanwhile",
}


def _deed(question: LossQuestion, origin: str) -> Deed:
    removed = question.state is LossState.REMOVED
    return Deed(
        actor=question.answered_by or "",
        action="devices.remove" if removed else "devices.keep",
        subject=f"sync:{question.run_id}",
        token_id=question.token_id,
        origin=origin,
        before={"missing": str(question.unseen), "devices": str(question.known)},
        after={"removed": str(question.removed)},
    )
