"""A body counts as Slack's only with a signature that is right and fresh; junk is never a fault."""

import random
import time
from datetime import timedelta

import pytest

from bot.signature import OLDEST_SECONDS, signed
from services.clock import machine_now
from tests.sandbox.slack.delivery import signature

SECRET = "invented-secret"
BODY = b"token=x&text=payload"
NOISE = [*range(32, 127), *range(160, 256), 0x2028, 0x0663, 0xD800, 0x1F600]


def now() -> int:
    return int(machine_now().timestamp())


def holds(
    *, at: int | None = None, body: bytes = BODY, secret: str = SECRET, mark: str | None = None
) -> bool:
    headers = signature(SECRET, BODY, at if at is not None else now())
    given = headers["X-Slack-Signature"] if mark is None else mark
    return signed(secret, headers["X-Slack-Request-Timestamp"], given, body)


def test_what_slack_signed_just_now_is_taken() -> None:
    assert holds()


@pytest.mark.parametrize("age", [-OLDEST_SECONDS + 5, OLDEST_SECONDS - 5])
def test_a_clock_that_is_a_little_off_does_no_harm(age: int) -> None:
    assert holds(at=now() - age)


@pytest.mark.parametrize("age", [-OLDEST_SECONDS - 5, OLDEST_SECONDS + 5, 10**8])
def test_what_was_signed_long_ago_or_in_the_future_is_refused(age: int) -> None:
    assert not holds(at=now() - age)


def test_another_body_is_refused() -> None:
    assert not holds(body=BODY + b" ")


def test_another_secret_is_refused() -> None:
    assert not holds(secret=SECRET + "x")


def test_the_signature_of_another_time_stamp_is_refused() -> None:
    headers = signature(SECRET, BODY, now() - 1)
    assert not signed(SECRET, str(now()), headers["X-Slack-Signature"], BODY)


def test_only_the_version_and_the_case_that_slack_writes_are_taken() -> None:
    mark = signature(SECRET, BODY, now())["X-Slack-Signature"]
    for other in (mark.removeprefix("v0="), mark.replace("v0", "v1"), mark.upper(), mark + "0"):
        assert not holds(mark=other)
    assert not holds(mark=mark[:-1])


@pytest.mark.parametrize(
    "stamp",
    ["", "abc", "-1", "+1", "1" * 5000, "1e3", "0x10", " 1", "1_0", "\u0661\u0662", "\xb2", "1.0"],
)
def test_a_time_stamp_that_is_no_number_is_refused(stamp: str) -> None:
    assert not signed(SECRET, stamp, "v0=" + "0" * 64, BODY)


@pytest.mark.parametrize("mark", ["", "v0=", "\xff\u2028", "\ud800", "v0=" + "\u0661" * 64])
def test_a_signature_that_is_none_is_refused(mark: str) -> None:
    assert not holds(mark=mark)


def test_ten_thousand_random_headers_are_refused_in_a_moment() -> None:
    dice = random.Random(4711)  # noqa: S311 - a fixed sequence, not a secret
    began = time.monotonic()
    for _ in range(10_000):
        stamp, mark = noise(dice), noise(dice)
        assert not signed(SECRET, stamp, mark, BODY), (stamp, mark)
        assert not signed(SECRET, str(now()), mark, BODY), mark
    assert timedelta(seconds=time.monotonic() - began) < timedelta(seconds=3)


def noise(dice: random.Random) -> str:
    return "".join(chr(dice.choice(NOISE)) for _ in range(dice.randrange(80)))
