"""Words: what the portals call things this year, and how outside text becomes part of a message.

Portals rename things; a new name is shown here, the old one mentioned once.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.calendar import local_day
from services.phrases import PERSON_MARK
from services.uploads import WAITED_FOR, evidence_of
from storage.records import Request, Token
from storage.states import Health, Portal, ProgramName, RenewalCause, RequestState, TokenState

KEPT = "\n\u200d"
"""Line breaks, and the joiner that scripts and emoji are made with."""
MOST_NAMED = 10
FORMAT = re.compile(r"(?<![^\W_])[*_~`]+|[*_~`]+(?![^\W_])")
"""What may begin or end bold, italic, struck or code: Slack asks for the edge of a word."""
LOOKALIKES = str.maketrans("*_~`", "\u2217\uff3f\u223c\u02cb")
ANGLE = "\u203a"
COLON = "\u2236"
"""Looks like one, and makes neither an emoji nor a link."""
EMOJI = re.compile(r":(?=[a-z+_-][a-z0-9+_'-]*:)")
QUOTE = re.compile(r"^(\s*)&gt;", re.MULTILINE)
QUOTED = re.compile("“[^”]*”")
PERSON = re.compile(f"{PERSON_MARK}([UW][A-Z0-9]+){PERSON_MARK}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalWords:
    """What a portal calls itself and the things in it."""

    name: str
    formerly: str
    url: str
    server: str
    server_formerly: str
    menu: str
    add: str
    download: str


_MENU = "your name (bottom left) → *Preferences* → *Management Services*"

PORTALS = {
    Portal.BUSINESS: PortalWords(
        name="Apple Business",
        formerly="Apple Business Manager",
        url="https://business.apple.com",
        server="device management service",
        server_formerly="MDM server",
        menu=_MENU,
        add="Add",
        download="Download Token",
    ),
    Portal.SCHOOL: PortalWords(
        name="Apple School Manager",
        formerly="",
        url="https://school.apple.com",
        server="device management service",
        server_formerly="MDM server",
        menu=_MENU,
        add="Add",
        download="Download Token",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleWords:
    """What Intune's own console calls itself, and the way to the tokens in it."""

    name: str
    url: str
    menu: str
    create: str
    renew: str
    agree: str
    public_key: str
    apple_id: str
    file: str
    scope_tags: str

    @property
    def link(self) -> str:
        """The console as a link."""
        return f"<{self.url}|{self.name}>"


ADMIN_CENTER = ConsoleWords(
    name="Intune admin center",
    url="https://intune.microsoft.com",
    menu="*Devices* → *Enrollment* → *Apple mobile* (formerly *Apple*) → *Enrollment program "
    "tokens*",
    create="Create",
    renew="Renew token",
    agree="I agree",
    public_key="Download your public key",
    apple_id="Apple ID",
    file="Apple token",
    scope_tags="Scope tags",
)

HOLDERS = {ProgramName.APPLE: "Apple", ProgramName.INTUNE: "Intune"}
"""Whose word it is that a token is in use."""

HELD_BY = {
    ProgramName.APPLE: "this bot, for an MDM that cannot hold it",
    ProgramName.INTUNE: "Microsoft Intune",
}
"""The programs as choices of a menu."""

PROGRAMS = {
    ProgramName.APPLE: "this bot, for an MDM such as NanoMDM that cannot hold it",
    ProgramName.INTUNE: "Microsoft Intune",
}

STATUS_PAGES = {
    ProgramName.APPLE: "Apple's page *System Status*",
    ProgramName.INTUNE: "*Service health* in the Microsoft 365 admin center",
}
"""Where a holder says that it has trouble of its own."""

WARNING = (
    "For devices that Intune or another MDM manages this is the wrong choice: that MDM holds their "
    "token."
)


def escape(text: str) -> str:
    """Outside text as mrkdwn text: no mention, no link, no markup, nothing unseen.

    Line breaks stay. Slack has no way to write a `*` that never makes bold, so what would be
    markup is written with a character that looks the same.
    """
    return _unmarked(_harmless(text))


def said(sentence: str) -> str:
    """A sentence of the services as mrkdwn: escaped, its people mentioned.

    Markup is taken from what stands in quotes alone, since the sentence has some of its own.
    """
    parts = PERSON.split(sentence)
    texts = [QUOTED.sub(lambda found: _unmarked(found[0]), _harmless(part)) for part in parts[::2]]
    people = [mention(person) for person in parts[1::2]] + [""]
    return "".join(text + person for text, person in zip(texts, people, strict=True))


def _harmless(text: str) -> str:
    seen = "".join(mark for mark in text if mark in KEPT or unicodedata.category(mark)[0] != "C")
    return seen.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _unmarked(text: str) -> str:
    text = FORMAT.sub(lambda found: found[0].translate(LOOKALIKES), text)
    return QUOTE.sub(rf"\1{ANGLE}", EMOJI.sub(COLON, text)).replace("://", f"{COLON}//")


def mention(person: str) -> str:
    """A person by their Slack id, who is notified."""
    return f"<@{person}>"


def owner(person: str) -> str:
    """Who answers for a token; a token that was found at its holder may have nobody yet."""
    return mention(person) if person else "nobody yet"


def mentions(people: Sequence[str], word: str = "and") -> str:
    """Several people; more than ten are counted, since a cut mention would be no mention."""
    named = [mention(person) for person in people[:MOST_NAMED]]
    if len(people) > MOST_NAMED:
        return f"{', '.join(named)} {word} {len(people) - MOST_NAMED} more"
    return f" {word} ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def number(count: int) -> str:
    """A count, in groups of three digits above 999: 2,345."""
    return f"{count:,}"


def devices(count: int) -> str:
    """A count of devices."""
    return "1 device" if count == 1 else f"{number(count)} devices"


def pages(count: int) -> str:
    """A count of pages."""
    return "1 page" if count == 1 else f"{number(count)} pages"


def days(count: int) -> str:
    """A count of days left, or past."""
    if count == 0:
        return "ends today"
    unit = "day" if abs(count) == 1 else "days"
    return f"{number(count)} {unit} left" if count >= 0 else f"{number(-count)} {unit} ago"


def request_state(request: Request) -> str:
    """A request's state in words; while somebody has to act, what is waited for."""
    if request.state is RequestState.AWAITING_UPLOAD:
        return f"Approved; waits for {WAITED_FOR[evidence_of(request)]}"
    return REQUEST_STATES[request.state]


def day(at: datetime, zone: ZoneInfo) -> str:
    """A date as people write it: 5 March 2027."""
    on = local_day(at, zone)
    return f"{on.day} {on:%B} {on.year}"


def minute(at: datetime, zone: ZoneInfo) -> str:
    """A time as people write it: 5 March 2027, 09:05 (CET)."""
    try:
        return f"{day(at, zone)}, {at.astimezone(zone):%H:%M (%Z)}"
    except OverflowError:
        # Near the first or the last year there is no local time.
        return f"{day(at, zone)}, {at:%H:%M} (UTC)"


def token_state(state: TokenState, health: Health | None) -> str:
    """A token's state in words."""
    if state in WAITING:
        return WAITING[state]
    if state is TokenState.ACTIVE and health is not Health.OK and health is not None:
        return f"active, but {HEALTH[health]}"
    return state.value.replace("_", " ")


CAUSES = {
    RenewalCause.YEARLY: "Its year is almost over",
    RenewalCause.PASSWORD_CHANGED: "The Apple ID's password was changed",
    RenewalCause.OWNER_LEFT: "The person whose Apple ID downloaded it has left",
    RenewalCause.ALREADY_DOWNLOADED: "A newer token was downloaded already",
    RenewalCause.OTHER: "Another reason",
}
"""Why somebody renews; a test proves that none is missing."""


def state_and_end(token: Token, left: int | None, zone: ZoneInfo) -> str:
    """A token's state and when it ends, as a list says it."""
    state = token_state(token.state, token.health)
    if token.expires_at is None or left is None:
        return state
    end = day(token.expires_at, zone)
    if token.health is Health.EXPIRED:
        return f"expired {end} ({days(left) if left else 'today'})"
    verb = "expires" if left >= 0 else "expired"
    return f"{state}, {verb} {end} ({days(left)})"


HEALTH = {
    Health.OK: "fine",
    Health.TERMS_UNSIGNED: "new terms unsigned",
    Health.SUPERSEDED: "ended by a newer one",
    Health.REVOKED: "revoked",
    Health.ACCOUNT_FORBIDDEN: "Apple ID gone or barred",
    Health.EXPIRED: "expired",
    Health.SYNC_ERROR: "its syncs fail",
    Health.STALE: "not synced for long",
    Health.THROTTLED: "told to wait",
    Health.UNREACHABLE: "no answer",
}
"""What is wrong with a token, short enough for a list; a test proves that none is missing."""

WAITING = {
    TokenState.REQUESTED: "waits for approval",
    TokenState.AWAITING_TOKEN: "approved; not in use yet",
}

REQUEST_STATES = {
    RequestState.PENDING: "Waits for approval",
    RequestState.APPROVED: "Approved",
    RequestState.AWAITING_UPLOAD: "Approved; waits for the steps at the portal",
    RequestState.VERIFYING: "Being verified",
    RequestState.COMPLETED: "Done",
    RequestState.DECLINED: "Declined",
    RequestState.CANCELLED: "Cancelled",
    RequestState.EXPIRED: "Expired",
    RequestState.FAILED: "Failed",
}
"""A request's states in words; a test proves that none is missing."""
