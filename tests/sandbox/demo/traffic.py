"""What went over the wires of the bot, newest first, for the page that shows it: no secrets."""

import json
import re
from datetime import UTC, datetime

from tests.sandbox.apple.call import RecordedRequest
from tests.sandbox.demo.house import House
from tests.sandbox.graph.call import RecordedRequest as GraphRequest
from tests.sandbox.slack.reading import Json
from tests.sandbox.slack.team import Ack, Request

SHOWN = 150
SLOW = 1.0
"""Seconds after which an acknowledgement is marked: Slack waits for three."""
TOO_SLOW = 3.0
LONGEST = 240
_SECRET = re.compile(r"(xox[a-z]-|xapp-|CS_|CK_|AT_|AS_)[\w-]{4,}|/actions/[^\s\"]+")
_HIDDEN_KEYS = {"token", "trigger_id", "view_token", "consumer_secret", "access_secret"}


def traffic(house: House) -> list[Json]:
    """List the last calls and deliveries, newest first."""
    slack, apple, microsoft = house.stage.slack, house.stage.apple, house.stage.microsoft
    lines = [_call(request) for request in slack.requests[-SHOWN:]]
    lines += [_delivery(ack) for ack in slack.acks[-SHOWN:]]
    lines += [_holder(request, "Apple") for request in apple.requests[-SHOWN:]]
    lines += [_holder(request, "Microsoft") for request in microsoft.requests[-SHOWN:]]
    return sorted(lines, key=lambda line: str(line["at"]), reverse=True)[:SHOWN]


def masked(text: str) -> str:
    """Cover everything that looks like a secret."""
    return _SECRET.sub("•••", text)


def _call(request: Request) -> Json:
    return {
        "at": _at(request.at),
        "way": "bot → Slack",
        "what": request.method,
        "about": _short(request.arguments),
        "answer": request.error or "ok",
        "bad": request.error is not None,
        "slow": False,
    }


def _delivery(ack: Ack) -> Json:
    return {
        "at": _at(ack.at),
        "way": "Slack → bot",
        "what": ack.kind,
        "about": "",
        "answer": f"{ack.status or 'no answer'} in {ack.seconds * 1000:,.0f} ms",
        "bad": not 200 <= ack.status < 300 or ack.seconds >= TOO_SLOW,
        "slow": ack.seconds >= SLOW,
    }


def _holder(request: RecordedRequest | GraphRequest, whose: str) -> Json:
    status = request.status or 0
    return {
        "at": request.at.isoformat(timespec="milliseconds"),
        "way": f"bot → {whose}",
        "what": f"{request.method} {request.path}",
        "about": _short(request.body) if isinstance(request.body, dict) else "",
        "answer": f"{request.status or 'no answer'} {request.code or ''}".strip(),
        "bad": not 200 <= status < 300,
        "slow": False,
    }


def _short(arguments: Json) -> str:
    shown = {
        key: "•••" if key in _HIDDEN_KEYS else value
        for key, value in arguments.items()
        if key not in ("blocks", "view")
    }
    text = masked(json.dumps(shown, ensure_ascii=False, default=str)) if shown else ""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
