"""Records as the database would give them: a typical set, and one that outsiders wrote."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar, get_origin, get_type_hints
from zoneinfo import ZoneInfo

from bot.views.request_card import RequestFacts
from services.consents import consent
from services.errands import Offer
from services.offers import CreateLook
from services.phrases import person, quoted
from services.tokens import TokenView
from storage.records import Decision, KeyPair, OutboxItem, Request, SyncRun, Token, Upload
from storage.states import (
    Action,
    DecisionState,
    Evidence,
    Health,
    KeyPairState,
    LossState,
    NoticeKind,
    OutboxState,
    Portal,
    ProgramName,
    RequestState,
    SyncKind,
    SyncState,
    TokenState,
    UploadState,
    Verdict,
)
from storage.sync_records import LossQuestion

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 6, 9, 30, tzinfo=UTC)
RecordT = TypeVar("RecordT")
NEUTRAL: dict[object, object] = {str: "", int: 0, bool: False, datetime: NOW}


def made(record: type[RecordT], **known: object) -> RecordT:
    """A record with these fields; what is not given is None, empty or 0."""
    kinds = get_type_hints(record)
    return record(**{name: known.get(name, neutral(kind)) for name, kind in kinds.items()})


def neutral(kind: object) -> object:
    """What a field of that type holds when it does not matter."""
    empty = get_origin(kind)
    return empty() if empty in (list, dict) else NEUTRAL.get(kind)


OLIVIA, AMIR, BEA, OTTO = "U0OLIVIA", "U0AMIR", "U0BEA", "U0OTTO"
CONSENT = consent(ProgramName.APPLE)

TOKEN = made(
    Token,
    id="t" * 32,
    name="HQ iPads",
    program=ProgramName.APPLE,
    portal=Portal.SCHOOL,
    server_name="HQ iPads",
    apple_id="it-admin@schools.example",
    owner=OTTO,
    state=TokenState.ACTIVE,
    health=Health.OK,
    health_since=NOW,
    expires_at=NOW + timedelta(days=364),
    server_uuid="5E6F0000",
    org_id="1234567",
    org_id_hash="ab12",
    org_name="Example Schools",
    admin_id="it-admin@schools.example",
    last_synced_at=NOW - timedelta(hours=3),
    sync_due_at=NOW + timedelta(hours=9),
    created_at=NOW - timedelta(days=1),
)

REQUEST = made(
    Request,
    id="r" * 32,
    token_id=TOKEN.id,
    action=Action.CREATE,
    state=RequestState.PENDING,
    requester=OLIVIA,
    reason="New iPads for the primary school.\nThey come on Monday.",
    consent_text=CONSENT.text,
    consent_version=CONSENT.version,
    approvals_required=1,
    approvers=[AMIR, BEA],
    dedupe_key="V1",
    created_at=NOW,
    expires_at=NOW + timedelta(days=7),
    ended_at=None,
)

DECISION = made(
    Decision,
    id="d" * 32,
    request_id=REQUEST.id,
    person=AMIR,
    verdict=Verdict.APPROVE,
    state=DecisionState.COUNTED,
    refusal=None,
    origin="C0APPROVE/1.2",
    dedupe_key="d",
    recorded_at=NOW + timedelta(minutes=20),
)

UPLOAD = made(
    Upload,
    evidence=Evidence.SERVER_TOKEN_FILE,
    id="u" * 32,
    request_id=REQUEST.id,
    uploader=OLIVIA,
    apple_id=TOKEN.apple_id,
    file_id="F0FILE",
    view_id="V0VIEW",
    state=UploadState.REFUSED,
    reason="web_page",
    answer=f"Only {person(OLIVIA)} can upload it. Download it again.",
    attempts=1,
    due_at=NOW,
    dedupe_key="V2",
    submitted_at=NOW,
    ended_at=NOW,
)

RUN = made(
    SyncRun,
    id="s" * 32,
    token_id=TOKEN.id,
    state=SyncState.COMPLETED,
    kind=SyncKind.DELTA,
    asked_by="schedule",
    pages=3,
    seen=2345,
    added=2000,
    changed=12,
    removed=1,
    failed=0,
    error=None,
    lease_until=NOW,
    started_at=NOW,
    ended_at=NOW + timedelta(seconds=4.2),
)

QUESTION = made(
    LossQuestion,
    id="q" * 32,
    token_id=TOKEN.id,
    run_id=RUN.id,
    generation="g" * 32,
    unseen=1100,
    known=2345,
    state=LossState.OPEN,
    removed=0,
    answered_by=None,
    asked_at=NOW,
    answered_at=None,
)

KEY_PAIR = made(
    KeyPair,
    id="k" * 32,
    token_id=TOKEN.id,
    state=KeyPairState.STAGED,
    issuer=b"issuer",
    serial="4711",
    certificate_pem="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    fingerprint=":".join(["AB", "CD"] * 16),
    data_key="v1:k1:AAAA",
    private_key="v1:data_key:AAAA",
    created_at=NOW,
)

ITEM = made(
    OutboxItem,
    id=1,
    kind=NoticeKind.REQUEST_CARD,
    destination="C0APPROVE",
    subject_id=REQUEST.id,
    dedupe_key="request_card",
    facts={},
    visible_to=None,
    edits=None,
    state=OutboxState.SENDING,
    attempts=1,
    repeats=0,
    due_at=NOW,
    lease_until=NOW,
    posted_channel=None,
    posted_ts=None,
    error=None,
    created_at=NOW,
    sent_at=None,
)


def a_look(program: ProgramName, offer: Offer | None = None) -> CreateLook:
    """What the create form is drawn from: one program, or a choice where Intune is among them."""
    both = [ProgramName.APPLE, ProgramName.INTUNE]
    offered = both if program is ProgramName.INTUNE else [program]
    shown = offer or Offer(evidence=Evidence.SERVER_TOKEN_FILE)
    return CreateLook(program=program, offered=offered, offer=shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One set of records that belong together."""

    token: Token
    request: Request
    decision: Decision
    upload: Upload
    run: SyncRun
    key_pair: KeyPair
    typed: str
    closed_error: str
    permalink: str

    def shown(self, state: RequestState = RequestState.PENDING, *deciders: str) -> RequestFacts:
        """The request in some state, with those who approved it."""
        ended = NOW + timedelta(hours=2) if state is RequestState.COMPLETED else None
        return RequestFacts(
            request=replace(self.request, state=state, ended_at=ended),
            token=self.token,
            decisions=[replace(self.decision, person=one) for one in deciders],
        )

    def declined(self) -> RequestFacts:
        """The request after an approver said no."""
        no = replace(self.decision, verdict=Verdict.DECLINE)
        request = replace(self.request, state=RequestState.DECLINED)
        return RequestFacts(request=request, token=self.token, decisions=[no])

    def looked_at(self, request: Request | None = None, run: SyncRun | None = None) -> TokenView:
        """The token as `list` and `status` take it."""
        return TokenView(
            token=self.token, devices=2345, days_left=364, request=request, last_run=run
        )


TYPICAL = Sample(
    token=TOKEN,
    request=REQUEST,
    decision=DECISION,
    upload=UPLOAD,
    run=RUN,
    key_pair=KEY_PAIR,
    typed="renwe",
    closed_error="not_in_channel",
    permalink="https://sandbox.slack.com/files/U0OLIVIA/F0FILE/token.p7m",
)

CROWD = [f"U0CROWD{number:03}" for number in range(400)]
ATTACK = "<!channel> <@U123> <https://evil.example|x> *bold* _it_ ~s~ `c` &amp; \u202egnp\u200f"
HOSTILE_NAME = (ATTACK + "A" * 80)[:80]
HOSTILE_REASON = (ATTACK + "\n> quote\n" + "Warum? " * 80)[:500]
HOSTILE_APPLE_ID = "<!channel>@" + "a" * 300 + ".example"
HOSTILE_ORGANISATION = ATTACK + "<" * 10_000

HOSTILE = Sample(
    token=replace(
        TOKEN,
        name=HOSTILE_NAME,
        server_name=HOSTILE_NAME,
        apple_id=HOSTILE_APPLE_ID[:320],
        org_name=HOSTILE_ORGANISATION,
        admin_id=(ATTACK + "@evil.example" + "b" * 320)[:320],
    ),
    request=replace(
        REQUEST,
        reason=HOSTILE_REASON,
        consent_text=f"{CONSENT.text} {ATTACK}",
        approvers=CROWD,
    ),
    decision=DECISION,
    upload=replace(UPLOAD, answer=f"{ATTACK} {'Long. ' * 1000}"),
    run=replace(RUN, state=SyncState.FAILED, error=f"{ATTACK} {'Long. ' * 1000}"),
    key_pair=KEY_PAIR,
    typed=ATTACK.replace(" ", ""),
    closed_error="<!channel>",
    permalink="https://sandbox.slack.com/files/U0OLIVIA/F0FILE/token.p7m",
)


def outsiders(text: str) -> Sample:
    """Every field that outsiders write, filled with that text, however long.

    Sentences of the services hold such text in quotes.
    """
    sentence = f"Apple says {quoted(text)}. Try again."
    return Sample(
        token=replace(
            TOKEN,
            name=text,
            server_name=text,
            apple_id=text,
            org_name=text,
            org_id=text,
            server_uuid=text,
            admin_id=text,
        ),
        request=replace(REQUEST, reason=text, consent_text=text, apple_id=text, failure=sentence),
        decision=replace(DECISION, reason=text),
        upload=replace(UPLOAD, answer=sentence, apple_id=text),
        run=replace(RUN, error=sentence),
        key_pair=KEY_PAIR,
        typed=text,
        closed_error=text,
        permalink=TYPICAL.permalink,
    )


LONG = 10_000
OUTSIDERS = {
    "channel": "<!channel> <!here> <!subteam^S123|@all> <!date^1^{date}|x> & <#C123>",
    "person": "<@U123> <@W123|Olivia> @olivia",
    "link": "<https://evil.example|our portal> https://evil.example <mailto:a@evil.example>",
    "markup": "*bold* _it_ ~struck~ `code` ```block``` *a _b_* **",
    "quote": "> quoted\n>>> all of it\n\n&gt; more",
    "emoji": ":boom: :+1: :fire::fire:",
    "unseen": "\u202egnp.exe\u202c \u2066x\u2069 \u200f\u200e\u200b \x00\x07\x1b[31m "
    "\ue000U123\ue000",
    "long": "A" * LONG,
    "long marks": "<" * LONG,
    "long lines": "a\n" * (LONG // 2),
    "long emoji": "\U0001f469\u200d\U0001f4bb" * (LONG // 3),
}
