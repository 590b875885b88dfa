"""People who use the bot, so many things a second, whether it keeps up or not."""

import asyncio
import copy
import itertools
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.journeys.steps import APPLE_ID
from tests.sandbox.deployment import Deployment
from tests.sandbox.slack import payloads
from tests.sandbox.slack.delivery import Envelope, Form
from tests.sandbox.slack.reading import Json

SUBMIT = "(a form)"
MIX = ("list", "status", "help", "create", SUBMIT, "list", "status", "help", "history", "settings")
"""What they do by turns: one in ten submits a form, which is a request that has to be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How often something is done, and for how long."""

    a_second: int = 100
    seconds: int = 30


@dataclass(slots=True, kw_only=True)
class Outcome:
    """How the bot answered; times in seconds from when each thing was due to be done."""

    times: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    forms: int = 0
    """Forms whose person was told that the request is made."""

    def percentile(self, share: float) -> float:
        """The time that this share of the answers did not exceed."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def press(deployed: Deployment, token: str, load: Load) -> Outcome:
    """Do what the mix says at even distances; an answer that is late delays nothing after it."""
    outcome = Outcome()
    envelopes = _envelopes(deployed, token, await _filled(deployed))
    loop = asyncio.get_running_loop()
    began, under_way = loop.time(), []
    for number in range(load.a_second * load.seconds):
        due_at = began + number / load.a_second
        await asyncio.sleep(max(0.0, due_at - loop.time()))
        under_way.append(
            asyncio.create_task(_deliver(deployed, next(envelopes), due_at=due_at, into=outcome))
        )
    await asyncio.gather(*under_way)
    return outcome


async def _deliver(
    deployed: Deployment, envelope: Envelope, *, due_at: float, into: Outcome
) -> None:
    answer = await deployed.slack.courier.delivery.deliver(envelope)
    into.times.append(time.monotonic() - due_at)
    if not answer.ok:
        into.errors[f"{envelope.kind}: {answer.status} {answer.body[:80]}"] += 1
    elif envelope.kind == SUBMIT:
        made = "The request for" in answer.body
        into.forms += made
        if not made:
            into.errors[f"{SUBMIT}: {answer.body[:200]}"] += 1


def _envelopes(deployed: Deployment, token: str, form: Json) -> Iterator[Envelope]:
    slack, olivia = deployed.slack, deployed.cast.operator
    for number in itertools.count():
        word = MIX[number % len(MIX)]
        if word == SUBMIT:
            payload = _another(form, number)
            yield Envelope(form=Form.INTERACTION, kind=word, payload=payload)
            continue
        text = f"{word} {token}" if word == "status" else word
        payload = payloads.command(slack, olivia.member, olivia.dm, "/enroll-token", text)
        yield Envelope(form=Form.COMMAND, kind=word, payload=payload)


async def _filled(deployed: Deployment) -> Json:
    """A create form as it would be submitted."""
    olivia, slack = deployed.cast.operator, deployed.slack
    await olivia.command("/enroll-token", "create")
    await slack.wait_for(lambda: olivia.view and olivia.view.submit, within=30, what="the form")
    for label, text in {"Token name": "Form", "Apple ID": APPLE_ID, "Reason": "Why"}.items():
        olivia.fill(label, text)
    olivia.fill("Your agreement", "I agree")
    assert olivia.view is not None
    return payloads.view_submission(slack, olivia.member, olivia.view)


def _another(first: Json, number: int) -> Json:
    """The same form, filled in once more under another name."""
    payload = copy.deepcopy(first)
    payload["trigger_id"] = f"trigger-{number}"
    payload["view"]["id"] = f"V{number}"
    payload["view"]["state"]["values"]["name"]["name"]["value"] = f"Form {number}"
    return payload
