"""The benchmark's page says what was measured, and says so where a claim is missed."""

from collections import Counter
from dataclasses import replace

import pytest

from tests.bench.load import Load, Outcome
from tests.bench.measure import Pressed, Start, Synced, _share
from tests.bench.report import Results, lines, page
from tests.sandbox.deployment import Transport

FEW = Synced(devices=10_000, seconds=1.0, idle_mib=120.0, peak_mib=130.0)
MANY = Synced(devices=100_000, seconds=8.0, idle_mib=120.0, peak_mib=134.0)
START = Start(ready_seconds=1.25, idle_mib=121.0)


def pressed(outcome: Outcome, syncing: float = 0.95) -> Results:
    one = Pressed(
        transport=Transport.HTTP, load=Load(), outcome=outcome, devices=100_000, syncing=syncing
    )
    return Results(
        start=START,
        few=FEW,
        many=MANY,
        pressed=[one],
        load_average=0.1,
        load_average_after=1.0,
    )


GOOD = pressed(Outcome(times=[0.01] * 990 + [0.3] * 10))


def missed(results: Results) -> list[str]:
    return [line.what for line in lines(results) if not line.holds]


def test_good_figures_miss_nothing() -> None:
    assert missed(GOOD) == []
    assert "missed" not in page(GOOD)
    assert "12,500 devices/s" in page(GOOD)


@pytest.mark.parametrize(
    ("results", "what"),
    [
        (pressed(Outcome(times=[0.01] * 980 + [0.6] * 20)), "answers over http"),
        (pressed(Outcome(times=[0.01] * 999 + [3.1])), "longest answer over http"),
        (pressed(Outcome(times=[0.01], errors=Counter(x=1))), "longest answer over http"),
        (pressed(Outcome(times=[0.01]), syncing=0.5), "share of that time"),
        (replace(GOOD, start=replace(START, ready_seconds=2.1)), "start to ready"),
        (replace(GOOD, start=replace(START, idle_mib=151)), "memory when idle"),
        (replace(GOOD, many=replace(MANY, peak_mib=200)), "peak memory"),
    ],
)
def test_a_missed_claim_is_said(results: Results, what: str) -> None:
    (found,) = missed(results)
    assert found.startswith(what)
    assert "**missed**" in page(results)


def test_a_sync_counts_as_far_as_it_ran_meanwhile() -> None:
    assert _share([(0, 12), (14, 30)], 10, 20) == pytest.approx(0.8)
