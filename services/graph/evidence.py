"""What a person brings for a token in Intune: the file, their word, or the date, and its proof.

A file is matched to Intune's certificate before Intune sees it, and is proved when Intune shows the
new end. Their word is proved by what Intune shows. A date is taken as it is.
"""

import logging
from datetime import datetime
from hashlib import sha256
from typing import assert_never

from services.errands import Brought, Errand, GoesOnByHand, Purpose
from services.graph import words, wrong_files
from services.graph.errors import GraphError, GraphTrouble
from services.graph.found import kept_name
from services.graph.ground import Ground
from services.graph.holding import account_of, judge
from services.graph.intune import Intune
from services.graph.messages import Setting
from services.graph.new_entry import new_entry, not_shown
from services.graph.recipients import Match, Recipients
from services.phrases import quoted
from services.programs import AccountDetail, Proof
from storage.database import Transaction
from storage.intune_records import IntuneStep
from storage.records import Token
from storage.states import Evidence

log = logging.getLogger(__name__)

NOBODY = AccountDetail(
    server_uuid=None, server_name=None, org_id=None, org_id_hash=None, org_name=None, admin_id=None
)


class Proofs:
    """Checks and proves what is brought."""

    def __init__(self, ground: Ground) -> None:
        self.on = ground

    async def check(self, token: Token, file: bytes, errand: Errand) -> str:
        """Whose the file is, in words. Raises WrongFile, GraphError."""
        intune, creates = self._asked(), errand.purpose is Purpose.CREATE
        match = await Recipients(self.on.database, intune).match(token, file, token.holder_id)
        if match is Match.OURS:
            return f"It is the right file: it was made for the certificate of {quoted(token.name)}."
        if creates:
            return (
                "It is a whole server token file, and for none of the tokens that Intune shows: as "
                "it should be for a new one. Choose it in the tab from which you took the public "
                "key."
            )
        if match is Match.UNTOLD:
            return (
                "It is a whole server token file, and for no other token. Intune shows no "
                f"certificate for {quoted(token.name)}, so more cannot be told before the upload."
            )
        raise wrong_files.foreign()

    async def prove(self, token: Token, brought: Brought, errand: Errand) -> Proof:
        """Prove it. Raises WrongFile, NotShown, GoesOnByHand, Refused, GraphError."""
        if brought.expires_at is not None:
            return self._by_date(token, brought.expires_at)
        intune = self._asked()
        async with self.on.database.read() as tx:
            step = await tx.intune_steps.of(token.id)
        if step is None:
            raise AssertionError(f"nothing was begun for token {token.id}")
        try:
            if brought.file is not None:
                return await self._file(intune, token, brought, errand, step)
            return await self._word(intune, token, errand, step)
        except GraphError as error:
            if error.retryable:
                raise
            raise self._unreadable(error) from error

    def _by_date(self, token: Token, expires_at: datetime) -> Proof:
        async def keep(tx: Transaction) -> None:
            # An entry of ours that the person did not use is taken back once Intune can be read.
            step = await tx.intune_steps.of(token.id)
            if step is not None:
                await tx.intune_steps.amend(token.id, unneeded=step.made)

        return Proof(account=NOBODY, health=None, expires_at=expires_at, keep=keep)

    def _asked(self) -> Intune:
        if self.on.intune is None:
            raise GoesOnByHand(
                "no access to Intune is set up",
                user_message="This app has no access to Intune any more, so nobody can look. Do "
                "the steps in the admin center, then enter the date that it shows.",
                evidence=Evidence.EXPIRY_DATE,
            )
        return self.on.intune

    def _unreadable(self, error: GraphError) -> GoesOnByHand:
        return GoesOnByHand(
            str(error),
            user_message=f"I cannot look at Intune any more. {words.refusal_words(error)} Do the "
            "steps in the admin center, then enter the date that it shows.",
            evidence=Evidence.EXPIRY_DATE,
        )

    async def _file(
        self, intune: Intune, token: Token, brought: Brought, errand: Errand, step: IntuneStep
    ) -> Proof:
        file, entry_id = brought.file or b"", step.setting_id
        if entry_id is None:
            raise AssertionError(f"token {token.id} has no entry")
        await self._check_match(intune, token, file, entry_id)
        setting = await self._there(intune, token, errand, entry_id)
        tags = frozenset(errand.scope_tags or setting.scope_tags)
        if step.uploaded != sha256(file).hexdigest():
            await self._hand_in(intune, token, brought, step)
        note = await self._tag(intune, entry_id, tags)
        setting = await self._there(intune, token, errand, entry_id)
        if not _ends_later(setting, step):
            raise not_shown(_took(setting))
        return self._proof(token, setting, step, note=note)

    async def _check_match(self, intune: Intune, token: Token, file: bytes, entry_id: str) -> None:
        match await Recipients(self.on.database, intune).match(token, file, entry_id):
            case Match.OURS:
                return
            case Match.NOBODYS:
                raise wrong_files.foreign()
            case Match.UNTOLD:
                raise GoesOnByHand(f"no key of {entry_id}", user_message=words.NO_CERTIFICATE)
            case _ as never:
                assert_never(never)

    async def _hand_in(
        self, intune: Intune, token: Token, brought: Brought, step: IntuneStep
    ) -> None:
        file, entry_id = brought.file or b"", step.setting_id or ""
        digest = sha256(file).hexdigest()
        unsure = f"?{digest[1:]}"
        await self._mark(token, unsure)
        try:
            await self.on.strategy.hand_in(intune, entry_id, apple_id=brought.apple_id, file=file)
        except GraphError as error:
            if error.retryable:
                raise
            if step.uploaded != unsure:
                raise await self._turned(token, entry_id, error) from error
            # An earlier try was cut off: this refusal may be of a file that is there already.
            log.warning("second_upload_refused", extra={"error": str(error)})
        log.info("file_handed_in", extra={"token_id": token.id, "bytes": len(file)})
        await self._mark(token, digest)

    async def _mark(self, token: Token, uploaded: str) -> None:
        async with self.on.database.write(quiet=True) as tx:
            await tx.intune_steps.amend(token.id, uploaded=uploaded)

    async def _turned(self, token: Token, entry_id: str, error: GraphError) -> GoesOnByHand:
        """The entry that we made stays empty, so it is taken back; one that is renewed stays."""
        if error.trouble is GraphTrouble.FORBIDDEN:
            self.on.modes.overrule()
        async with self.on.database.write() as tx:
            step = await tx.intune_steps.of(token.id)
            made = step is not None and step.made and step.setting_id == entry_id
            await tx.intune_steps.amend(token.id, unneeded=made, uploaded=None)
        return GoesOnByHand(
            str(error),
            user_message=f"Intune did not take the file from me. {words.refusal_words(error)}",
        )

    async def _tag(self, intune: Intune, entry_id: str, tags: frozenset[str]) -> str | None:
        """What is to be said where Intune does not take the scope tags; the token is in use."""
        why = ""
        try:
            if await self.on.strategy.tag(intune, entry_id, tags):
                return None
        except GraphError as error:
            if error.retryable:
                raise
            log.warning("scope_tags_refused", extra={"error": str(error)})
            why = words.refusal_words(error)
        wanted = quoted(", ".join(sorted(tags)))
        said = f"Intune did not take the scope tags {wanted}: set them in the admin center. {why}"
        return said.strip()

    async def _word(self, intune: Intune, token: Token, errand: Errand, step: IntuneStep) -> Proof:
        if errand.purpose is Purpose.CREATE:
            setting = await new_entry(self.on.database, intune, token, step)
        else:
            setting = await self._there(intune, token, errand, token.holder_id or "")
            if not _ends_later(setting, step):
                raise not_shown(words.still(setting, step.modified_at))
        wanted = set(errand.scope_tags)
        other = wanted and set(setting.scope_tags) != wanted
        note = words.other_tags(setting, wanted) if other else None
        return self._proof(token, setting, step, note=note)

    async def _there(self, intune: Intune, token: Token, errand: Errand, entry_id: str) -> Setting:
        setting = await intune.setting(entry_id)
        if setting is not None:
            return setting
        if errand.purpose is Purpose.CREATE:
            raise GoesOnByHand(f"entry {entry_id} is gone", user_message=words.entry_gone(token))
        raise words.deleted_there(token)

    def _proof(
        self, token: Token, setting: Setting, step: IntuneStep, *, note: str | None = None
    ) -> Proof:
        health, _ = judge(setting, self.on.clock.now())
        unneeded = step.made and setting.id != step.setting_id

        async def keep(tx: Transaction) -> None:
            await tx.intune_steps.amend(token.id, unneeded=unneeded)
            pair = await tx.key_pairs.newest_of(token.id)
            if pair is not None and setting.id == step.setting_id:
                await tx.key_pairs.make_current(token.id, pair.id)

        return Proof(
            account=account_of(setting),
            health=health,
            expires_at=setting.expires_at,
            keep=keep,
            holder_id=setting.id,
            holder_name=kept_name(setting),
            note=note,
        )


def _ends_later(setting: Setting, step: IntuneStep) -> bool:
    if setting.expires_at is None:
        return False
    return step.expires_at is None or setting.expires_at > step.expires_at


def _took(setting: Setting) -> str:
    name = quoted(setting.name or "without a name")
    return (
        f"Intune took the file for {name}, but does not show the new expiry date. Look at it in "
        "the admin center."
    )
