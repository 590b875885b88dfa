"""What was measured, as a page, and whether it is what we claim."""

import os
import platform
from dataclasses import dataclass

from tests.bench.measure import Pressed, Start, Synced

READY_SECONDS, IDLE_MIB = 2.0, 150.0
P99_SECONDS, LONGEST_SECONDS = 0.5, 3.0
GROWTH_MIB = 24.0
"""What a sync of ten times the devices may take more: less than 300 bytes a device more."""
SYNCING = 0.8
"""The share of the time in which a sync has to run, else the figures would say too little."""

PAGE = """\
# Benchmarks

`make bench` measures all of this anew and writes this page. It runs the real `serve` process, the
real database and signed requests or Socket Mode frames on loopback. The stand-ins for Slack and
Apple, and the people, are in one other process: what that one is late is counted against the bot.

Measured with Python {python} on {cores} cores. The machine's load average was {load:.1f} when it
began and {load_after:.1f} when it ended; where that is more than the cores, other work had a share
of the machine, and the times are longer than the bot's own.

| what | claim | measured |
| --- | --- | --- |
{rows}

What the answers were measured over: {a_second} things done a second for {seconds} s, each begun
when it was due, however late the ones before were answered: commands that answer (`list`, `status`,
`help`, `settings`), commands that open a form (`create`, `history`), and one in ten a form that was
submitted, which is a request, an audit entry and a message in the database before Slack gets its
answer. A sync of {devices:,} devices ran beside them, and began again whenever it ended, with every
device changed. *Error* is any answer that Slack would not take, and any form that was not kept.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One claim, and what was found."""

    what: str
    claim: str
    measured: str
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """All that was measured."""

    start: Start
    few: Synced
    many: Synced
    pressed: list[Pressed]
    load_average: float
    load_average_after: float


def lines(results: Results) -> list[Line]:
    """Each claim beside its figure."""
    return [
        *_start(results.start),
        *_sync(results.few, results.many),
        *(line for pressed in results.pressed for line in _answers(pressed)),
    ]


def page(results: Results) -> str:
    """The whole page."""
    cores, first = os.cpu_count() or 1, results.pressed[0]
    rows = "\n".join(
        f"| {line.what} | {line.claim} | {line.measured}{'' if line.holds else ' (**missed**)'} |"
        for line in lines(results)
    )
    return PAGE.format(
        python=platform.python_version(),
        cores=cores,
        load=results.load_average,
        load_after=results.load_average_after,
        rows=rows,
        a_second=first.load.a_second,
        seconds=first.load.seconds,
        devices=first.devices,
    )


def _start(start: Start) -> list[Line]:
    return [
        Line(
            what="start to ready (median)",
            claim="under 2 s",
            measured=f"{start.ready_seconds:.2f} s",
            holds=start.ready_seconds < READY_SECONDS,
        ),
        Line(
            what="memory when idle",
            claim="under 150 MiB",
            measured=f"{start.idle_mib:.0f} MiB",
            holds=start.idle_mib < IDLE_MIB,
        ),
    ]


def _sync(few: Synced, many: Synced) -> list[Line]:
    return [
        Line(
            what=f"first sync of {many.devices:,} devices",
            claim="",
            measured=f"{many.seconds:.1f} s, {many.a_second:,.0f} devices/s",
            holds=True,
        ),
        Line(
            what=f"peak memory, {few.devices:,} and {many.devices:,} devices",
            claim="does not grow with their number",
            measured=f"{few.peak_mib:.0f} and {many.peak_mib:.0f} MiB",
            holds=many.peak_mib - few.peak_mib < GROWTH_MIB,
        ),
    ]


def _answers(pressed: Pressed) -> list[Line]:
    outcome, over = pressed.outcome, f"over {pressed.transport.value}"
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    said = ", ".join(
        f"{name} {outcome.percentile(share) * 1000:.0f} ms" for name, share in shares.items()
    )
    longest, errors = max(outcome.times), outcome.errors.total()
    return [
        Line(
            what=f"answers {over}",
            claim="p99 under 500 ms",
            measured=said,
            holds=outcome.percentile(0.99) < P99_SECONDS,
        ),
        Line(
            what=f"longest answer {over}",
            claim="under 3 s, no errors",
            measured=f"{longest * 1000:.0f} ms, {errors} errors in {len(outcome.times):,}",
            holds=longest < LONGEST_SECONDS and not errors,
        ),
        Line(
            what=f"share of that time in which a sync ran, {over}",
            claim=f"over {SYNCING:.0%}",
            measured=f"{pressed.syncing:.0%}",
            holds=pressed.syncing > SYNCING,
        ),
    ]
