"""What is begun in Intune for a request, and what a form has to know before."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from services.errands import Errand, Offer, Purpose, ScopeTag
from services.graph import words
from services.graph.entries import Entries, new_step
from services.graph.errors import GraphError
from services.graph.ground import Ground, nothing
from services.graph.intune import Intune
from services.graph.modes import IntuneMode
from services.programs import Beginning
from storage.database import Transaction
from storage.records import Token
from storage.states import Evidence

log = logging.getLogger(__name__)

OFFER_SECONDS = 1.5
EVIDENCE = {
    IntuneMode.FULL: Evidence.SERVER_TOKEN_FILE,
    IntuneMode.GUIDED: Evidence.THEIR_WORD,
    IntuneMode.RECORDED: Evidence.EXPIRY_DATE,
}
"""What is brought in each mode; a test proves that none is missing."""


class Beginnings:
    """Begins as far as Intune lets us."""

    def __init__(self, ground: Ground) -> None:
        self.on = ground
        self.entries = Entries(ground)

    async def offer(self, token: Token | None) -> Offer:
        """What would be brought now, and the tenant's scope tags where they can be read."""
        offer = Offer(evidence=None, takes_scope_tags=True, scope_tags=None)
        try:
            async with asyncio.timeout(OFFER_SECONDS):
                offer = replace(offer, evidence=EVIDENCE[await self.on.modes.told()])
                tags, chosen = await self._tags(), await self._chosen(token)
                return replace(offer, scope_tags=tags, chosen=chosen)
        except TimeoutError:
            log.warning("offer_slow")
        except GraphError as error:
            log.warning("offer_unknown", extra={"error": str(error)})
            if offer.evidence is None and not error.retryable:
                return replace(offer, evidence=Evidence.EXPIRY_DATE)
        return offer

    async def begin(self, token: Token, errand: Errand) -> Beginning:
        """Begin as far as Intune lets us. Raises GraphError, BegunElsewhere, Refused."""
        untracked = errand.purpose is not Purpose.CREATE and token.holder_id is None
        if self.on.intune is None or untracked:
            return Beginning(evidence=Evidence.EXPIRY_DATE, certificate_id=None, keep=nothing)
        try:
            return await self._begin(self.on.intune, token, errand)
        except GraphError as error:
            if error.retryable:
                raise
            why = (
                f"I cannot look at Intune: {words.refusal_words(error)} So do the steps, then "
                "enter the date that the admin center shows."
            )
            return Beginning(
                evidence=Evidence.EXPIRY_DATE, certificate_id=None, keep=nothing, detour=why
            )

    async def _begin(self, intune: Intune, token: Token, errand: Errand) -> Beginning:
        mode = await self.on.modes.told()
        if errand.purpose is not Purpose.CREATE:
            return await self._renew(intune, token, mode)
        if mode is IntuneMode.FULL:
            return await self.entries.enter(intune, token, errand)
        return await self.entries.wait_for(intune, token)

    async def _tags(self) -> Sequence[ScopeTag] | None:
        found = await self.on.intune.scope_tags() if self.on.intune else None
        return None if found is None else [ScopeTag(id=one.id, name=one.name) for one in found]

    async def _chosen(self, token: Token | None) -> Sequence[str]:
        if self.on.intune is None or token is None or token.holder_id is None:
            return ()
        setting = await self.on.intune.setting(token.holder_id)
        return setting.scope_tags if setting else ()

    async def _renew(self, intune: Intune, token: Token, mode: IntuneMode) -> Beginning:
        setting = await intune.setting(token.holder_id or "")
        if setting is None:
            raise words.deleted_there(token)
        step = replace(new_step(token), setting_id=setting.id, modified_at=setting.modified_at)
        # A renewal that was done before it was asked for moved the date already.
        ends = [one for one in (token.expires_at, setting.expires_at) if one is not None]
        step = replace(step, expires_at=min(ends, default=None))

        async def keep(tx: Transaction) -> None:
            await tx.intune_steps.put(step)

        detour = None
        if mode is IntuneMode.FULL and await intune.public_key(setting.id) is None:
            mode, detour = IntuneMode.GUIDED, words.NO_CERTIFICATE
        evidence = EVIDENCE[mode]
        return Beginning(evidence=evidence, certificate_id=None, keep=keep, detour=detour)
