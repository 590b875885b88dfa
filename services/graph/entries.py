"""Entries in Intune that wait for a token: made by us, or by the person whom we guide.

An entry of ours is made before anything else, so it is looked for again after a crash, and taken
back if its request ends without a token in it.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from services.clock import machine_now
from services.errands import BegunElsewhere, Errand
from services.graph.errors import GraphError, GraphTrouble
from services.graph.found import is_called
from services.graph.ground import Ground
from services.graph.intune import Intune
from services.graph.messages import Setting
from services.graph.words import refusal_words
from services.programs import Beginning, TakenBack
from storage.database import Transaction
from storage.intune_records import IntuneStep
from storage.records import KeyPair, Token, new_id
from storage.states import Evidence, KeyPairState

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
"""So long one process may take to make an entry and its key."""
AGAIN = timedelta(minutes=5)
"""How soon an entry that could not be deleted is tried again."""


class Entries:
    """Makes entries, and takes them back."""

    def __init__(self, ground: Ground) -> None:
        self.on = ground

    async def take_back(self, tell: TakenBack) -> float | None:
        """Delete entries of ours that nobody needs. Returns in how many seconds more is due."""
        if self.on.intune is None:
            return None
        async with self.on.database.read() as tx:
            due = await tx.intune_steps.to_take_back(machine_now())
        for step in due:
            await self._take_back(self.on.intune, step, tell)
        async with self.on.database.read() as tx:
            at = await tx.intune_steps.next_take_back()
        return None if at is None else max(1.0, (at - machine_now()).total_seconds())

    async def wait_for(self, intune: Intune, token: Token) -> Beginning:
        """A person makes the entry; what is there already is not it. Raises GraphError."""
        seen = [one.id for one in await intune.settings()]

        async def keep(tx: Transaction) -> None:
            before = await tx.intune_steps.of(token.id)
            if before is None:
                await tx.intune_steps.put(replace(new_step(token), seen=seen))
            else:
                await tx.intune_steps.amend(token.id, unneeded=before.made, lease_until=None)

        return Beginning(evidence=Evidence.THEIR_WORD, certificate_id=None, keep=keep)

    async def enter(self, intune: Intune, token: Token, errand: Errand) -> Beginning:
        """Make the entry and its key; a person does it where Intune refuses.

        Raises GraphError, BegunElsewhere.
        """
        step = await self._claimed(intune, token)
        try:
            entry_id = step.setting_id or await self._entry(intune, token, errand, step)
            certificate = await self.on.strategy.certificate(intune, entry_id)
        except GraphError as error:
            await self._let_go(token)
            if error.retryable:
                raise
            if error.trouble is GraphTrouble.FORBIDDEN:
                self.on.modes.overrule()
            by_hand = await self.wait_for(intune, token)
            why = f"Intune took no new entry from me. {refusal_words(error)}"
            return replace(by_hand, detour=why)
        pair = _pair(token, certificate, self.on.clock.now())

        async def keep(tx: Transaction) -> None:
            await tx.key_pairs.add(pair)
            await tx.intune_steps.amend(token.id, lease_until=None)

        return Beginning(evidence=Evidence.SERVER_TOKEN_FILE, certificate_id=pair.id, keep=keep)

    async def _claimed(self, intune: Intune, token: Token) -> IntuneStep:
        """The step, ours for a while. Raises BegunElsewhere, GraphError."""
        until = machine_now() + LEASE
        async with self.on.database.read() as tx:
            step = await tx.intune_steps.of(token.id)
        if step is None:
            seen = [one.id for one in await intune.settings()]
            made = replace(new_step(token), seen=seen, made=True, lease_until=until)
            async with self.on.database.write(quiet=True) as tx:
                if await tx.intune_steps.of(token.id) is not None:
                    raise _elsewhere(token)
                await tx.intune_steps.put(made)
            return made
        if step.lease_until is not None and step.lease_until > machine_now():
            raise _elsewhere(token)
        async with self.on.database.write(quiet=True) as tx:
            if not await tx.intune_steps.claim(step, until):
                raise _elsewhere(token)
        return step

    async def _entry(self, intune: Intune, token: Token, errand: Errand, step: IntuneStep) -> str:
        """The entry that an earlier try made before it was cut off, else a new one."""
        before = await _unused(intune, token, step)
        entry_id = before.id if before else await self.on.strategy.enter(intune, token, errand)
        async with self.on.database.write(quiet=True) as tx:
            await tx.intune_steps.amend(token.id, setting_id=entry_id)
        return entry_id

    async def _let_go(self, token: Token) -> None:
        async with self.on.database.write(quiet=True) as tx:
            await tx.intune_steps.amend(token.id, lease_until=None)

    async def _take_back(self, intune: Intune, step: IntuneStep, tell: TakenBack) -> None:
        async with self.on.database.read() as tx:
            token = await tx.tokens.get(step.token_id)
        if token is None:
            return
        try:
            deleted = await self._delete(intune, token, step)
        except GraphError as error:
            log.warning("not_taken_back", extra={"token_id": token.id, "error": str(error)})
            if error.retryable:
                async with self.on.database.write(quiet=True) as tx:
                    await tx.intune_steps.amend(token.id, due_at=machine_now() + AGAIN)
                return
            await self._settle(step)
            await tell(token.id, done=False)
            return
        await self._settle(step)
        if deleted:
            await tell(token.id, done=True)

    async def _delete(self, intune: Intune, token: Token, step: IntuneStep) -> bool:
        """Delete the entry, unless somebody has put a token in it."""
        if step.setting_id is None:
            setting = await _unused(intune, token, step)
        else:
            setting = await intune.setting(step.setting_id)
        if setting is None or setting.expires_at is not None:
            return False
        await intune.delete(setting.id)
        return True

    async def _settle(self, step: IntuneStep) -> None:
        """What was seen at the beginning stays: the request may go on by hand."""
        nothing = {"made": False, "unneeded": False, "setting_id": None}
        async with self.on.database.write(quiet=True) as tx:
            await tx.intune_steps.amend(step.token_id, **nothing)


def new_step(token: Token) -> IntuneStep:
    """A step at which nothing is known yet."""
    return IntuneStep(
        token_id=token.id,
        setting_id=None,
        made=False,
        unneeded=False,
        seen=[],
        expires_at=None,
        modified_at=None,
        uploaded=None,
        lease_until=None,
        due_at=machine_now(),
    )


async def _unused(intune: Intune, token: Token, step: IntuneStep) -> Setting | None:
    """An entry without a token that came after the beginning and has the token's name."""
    for setting in await intune.settings():
        new = setting.id not in step.seen and setting.expires_at is None
        if new and is_called(token, setting):
            return setting
    return None


def _elsewhere(token: Token) -> BegunElsewhere:
    return BegunElsewhere(
        f"another process begins for token {token.id}",
        user_message="This is being prepared just now. Wait a moment.",
    )


def _pair(token: Token, certificate: x509.Certificate, now: datetime) -> KeyPair:
    """Intune's certificate, whose private key Intune keeps."""
    return KeyPair(
        id=new_id(),
        token_id=token.id,
        state=KeyPairState.STAGED,
        issuer=certificate.issuer.public_bytes(),
        serial=str(certificate.serial_number),
        certificate_pem=certificate.public_bytes(Encoding.PEM).decode(),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        data_key=None,
        private_key=None,
        created_at=now,
    )
