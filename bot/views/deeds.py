"""An entry of the audit log in words: who did what when, and what it changed."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.views.blocks import cut
from bot.views.wording import escape, mention, minute
from services.request_deeds import INTUNE, SERVICE
from storage.records import AuditEntry

PERSON_ID = re.compile(r"[UW][A-Z0-9]{2,30}")
VALUE_LENGTH = 120
LINE_LENGTH = 2000
NAME = "{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An action in words: in a menu, and in a sentence about a token."""

    menu: str
    sentence: str


DEEDS = {
    "request.create": Told(menu="Asked", sentence="made a request for {name}"),
    "request.approve": Told(menu="Approved", sentence="approved the request for {name}"),
    "request.decline": Told(menu="Declined", sentence="declined the request for {name}"),
    "request.renew": Told(menu="Asked to renew", sentence="asked to renew {name}"),
    "request.replace": Told(
        menu="Asked for another server", sentence="asked for another server for {name}"
    ),
    "request.delete": Told(menu="Asked to delete", sentence="asked to delete {name}"),
    "request.remove": Told(
        menu="Asked to remove devices here", sentence="asked to remove the devices of {name} here"
    ),
    "request.cancel": Told(menu="Cancelled", sentence="cancelled the request for {name}"),
    "request.expire": Told(
        menu="Let a request expire", sentence="let the request for {name} expire"
    ),
    "request.fail": Told(
        menu="Could not carry a request out",
        sentence="could not carry out the request for {name}",
    ),
    "request.hand": Told(
        menu="Handed an upload on", sentence="handed the upload for {name} to somebody"
    ),
    "request.half_done": Told(
        menu="Noticed a half done renewal", sentence="noticed that {name} is half renewed"
    ),
    "request.by_hand": Told(
        menu="Turned to the steps by hand",
        sentence="turned the request for {name} to the steps by hand",
    ),
    "request.take_back": Told(
        menu="Took back what was begun in Intune",
        sentence="took back what was begun in Intune for {name}",
    ),
    "upload.hold": Told(
        menu="Brought what is kept", sentence="brought something for {name} that is kept"
    ),
    "upload.check": Told(menu="Had a file checked", sentence="had a file for {name} checked"),
    "token.disown": Told(
        menu="Said that a token is not ours", sentence="said that {name} is not ours"
    ),
    "token.renew": Told(menu="Renewed a token", sentence="renewed {name}"),
    "token.deleting": Told(menu="Began a deletion", sentence="began to delete {name}"),
    "token.delete": Told(menu="Deleted a token", sentence="deleted {name}"),
    "token.remove_devices": Told(
        menu="Removed devices here", sentence="removed the devices of {name} here"
    ),
    "request.prepare": Told(
        menu="Prepared the steps", sentence="prepared the steps of the request for {name}"
    ),
    "upload.refuse": Told(
        menu="Brought what was refused",
        sentence="brought something for {name} that was refused",
    ),
    "sync.ask": Told(menu="Asked for a sync", sentence="asked for a sync of {name}"),
    "devices.remove": Told(
        menu="Had missing devices marked as removed",
        sentence="had missing devices of {name} marked as removed",
    ),
    "devices.keep": Told(
        menu="Had missing devices kept", sentence="had missing devices of {name} kept"
    ),
    "token.activate": Told(menu="Brought a token into use", sentence="brought {name} into use"),
    "token.hand_over": Told(menu="Handed a token over", sentence="handed {name} over"),
    "token.take_over": Told(menu="Took a token over", sentence="answers for {name} from now on"),
    "token.import": Told(menu="Found a token", sentence="found {name} in Intune"),
    "token.rename": Told(menu="Renamed in Intune", sentence="renamed {name}"),
    "token.renewed_there": Told(menu="Renewed in Intune", sentence="renewed {name} there"),
    "token.changed_there": Told(menu="Changed in Intune", sentence="changed {name} there"),
    "token.deleted_there": Told(menu="Deleted in Intune", sentence="deleted {name} there"),
    "reminder.snooze": Told(menu="Snoozed reminders", sentence="snoozed the reminders of {name}"),
    "reminder.on_it": Told(menu="Was on it", sentence="said that they are on it for {name}"),
    "health.change": Told(
        menu="Noticed another health", sentence="noticed another health of {name}"
    ),
    "report.password": Told(
        menu="Reported a changed password",
        sentence="reported that the Apple ID's password changed for {name}",
    ),
    "report.leaves": Told(
        menu="Reported that an owner leaves",
        sentence="reported that {name} needs a new owner",
    ),
    "report.deactivated": Told(
        menu="Noticed a deactivated account",
        sentence="noticed that the account of the owner of {name} was deactivated",
    ),
    "connector.find": Told(
        menu="Found another Apple credential",
        sentence="found another Apple credential in Intune",
    ),
    "connector.renewed_there": Told(
        menu="Another Apple credential renewed",
        sentence="renewed another Apple credential in Intune",
    ),
    "connector.deleted_there": Told(
        menu="Another Apple credential deleted",
        sentence="deleted another Apple credential in Intune",
    ),
    "connector.snooze": Told(
        menu="Snoozed another Apple credential",
        sentence="snoozed the reminders of another Apple credential in Intune",
    ),
    "connector.on_it": Told(
        menu="Was on another Apple credential",
        sentence="said that they are on another Apple credential in Intune",
    ),
    "report.entra_password": Told(
        menu="Noticed a newer password in Entra",
        sentence="noticed in Entra that the Apple ID's password is newer than {name}",
    ),
    "report.entra_disabled": Told(
        menu="Noticed a disabled account in Entra",
        sentence="noticed in Entra that the account behind {name} is disabled",
    ),
    "report.entra_deleted": Told(
        menu="Noticed a deleted account in Entra",
        sentence="noticed in Entra that the account behind {name} was deleted",
    ),
    "report.entra_nobody": Told(
        menu="Noticed an Apple ID of nobody",
        sentence="noticed that Entra knows nobody with the Apple ID of {name}",
    ),
}
"""Every action that services write; a test proves that none is missing."""

FACTS = {
    "admin_id": "Apple ID by Apple's word",
    "apple_id": "Apple ID",
    "consent_text": "consent",
    "consent_version": "version of the consent",
    "expires_at": "expires",
    "org_id": "organisation's id",
    "org_name": "organisation",
    "server_uuid": "server's id",
}
"""What a fact is called where its own name would not be understood."""

PEOPLE = {"owner", "requester", "handed_to"}
STATES = {"kind", "state", "token", "program", "portal", "reason", "why", "health"}
"""Facts that may be a word of ours, in which _ stands for a space."""


def sentence(entry: AuditEntry, names: Mapping[str, str], zone: ZoneInfo) -> str:
    """Who did what when: `5 March 2027, 09:05 (CET): @Amir approved the request for HQ iPads`."""
    name = escape(names.get(entry.token_id or "", "a token that is not known here"))
    known = DEEDS.get(entry.action)
    did = known.sentence if known else _unknown(entry)
    return f"{minute(entry.at, zone)}: {actor(entry.actor)} {did.replace(NAME, name)}"


def actor(text: str) -> str:
    """A person as a mention, the service itself as `this bot`, a console's user as they are."""
    if text == SERVICE:
        return "this bot"
    if text == INTUNE:
        return "somebody in Intune"
    return mention(text) if PERSON_ID.fullmatch(text) else escape(cut(text, VALUE_LENGTH))


def _unknown(entry: AuditEntry) -> str:
    """An action that another release wrote is shown all the same."""
    did = f"did “{escape(cut(entry.action, 40))}”"
    return f"{did} for {NAME}" if entry.token_id else did


def changes(entry: AuditEntry, zone: ZoneInfo) -> str:
    """The entry's number and what it changed, before → after, on one line."""
    line = f"Entry {entry.number}"
    for part in _changes(entry, zone):
        if len(line) + len(part) > LINE_LENGTH:
            return f"{line} · …"
        line = f"{line} · {part}"
    return line


def _changes(entry: AuditEntry, zone: ZoneInfo) -> Iterator[str]:
    before, after = entry.before, entry.after
    for name in [*after, *(one for one in before if one not in after)]:
        was, becomes = (_value(name, facts.get(name), zone) for facts in (before, after))
        if was != becomes:
            label = FACTS.get(name) or escape(cut(name.replace("_", " "), VALUE_LENGTH))
            yield f"{label}: {was} → {becomes or 'none'}" if was else f"{label}: {becomes}"


def _value(name: str, value: object, zone: ZoneInfo) -> str:
    text = " ".join(str("" if value is None else value).split())
    if name in PEOPLE and PERSON_ID.fullmatch(text):
        return mention(text)
    if name.endswith("_at"):
        return _time(text, zone)
    spoken = text.replace("_", " ") if name in STATES else text
    return escape(cut(spoken, VALUE_LENGTH))


def _time(text: str, zone: ZoneInfo) -> str:
    try:
        return minute(datetime.fromisoformat(text), zone)
    except ValueError:
        return escape(cut(text, VALUE_LENGTH))
