"""`GET /metrics` for Prometheus, on a port of its own.

Gauges are read from the database at each scrape; counters are kept in memory as things happen.
"""

import time
from collections.abc import Callable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.clock import Clock
from storage.database import Database, Transaction
from storage.states import Health, TokenState

DAY = 86400
ACK_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3)


class Metrics:
    """What is counted, and how it is told."""

    def __init__(self, database: Database, clock: Clock, tick_age: Callable[[], float]) -> None:
        self.database = database
        self.clock = clock
        self.tick_age = tick_age
        self.started_at = time.time()
        self.counted = CollectorRegistry()
        self._acks = Histogram(
            "enroll_token_slack_ack_seconds",
            "How long Slack's deliveries took to be acknowledged.",
            buckets=ACK_SECONDS,
            registry=self.counted,
        )
        self._calls = Counter(
            "enroll_token_holder_calls",
            "Calls to tokens' holders, by outcome: the HTTP status, or no_answer.",
            ["holder", "outcome"],
            registry=self.counted,
        )

    def acknowledged(self, seconds: float) -> None:
        """A delivery of Slack's was answered."""
        self._acks.observe(seconds)

    def called(self, holder: str, outcome: str) -> None:
        """A call to a holder ended so."""
        self._calls.labels(holder, outcome).inc()

    def asgi(self) -> Starlette:
        """The ASGI application with the one route."""
        return Starlette(routes=[Route("/metrics", self._scraped)])

    async def _scraped(self, _request: Request) -> Response:
        text = generate_latest(await self._gauges()) + generate_latest(self.counted)
        return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _gauges(self) -> CollectorRegistry:
        """A registry made for this scrape: a token that is gone leaves no series behind."""
        registry, now = CollectorRegistry(), self.clock.now()

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"enroll_token_{name}", text, labels, registry=registry)

        left = gauge("token_days_to_expiry", "Days until the token ends.", "token", "name")
        health = gauge(
            "token_health", "1 for the token's health, 0 for the others.", "token", "name", "health"
        )
        synced = gauge(
            "token_last_sync_age_seconds", "Seconds since the last whole sync.", "token", "name"
        )
        async with self.database.read() as tx:
            for token in await tx.tokens.living():
                if token.state is not TokenState.ACTIVE:
                    continue
                if token.expires_at is not None:
                    seconds = (token.expires_at - now).total_seconds()
                    left.labels(token.id, token.name).set(seconds / DAY)
                if token.last_synced_at is not None:
                    age = (now - token.last_synced_at).total_seconds()
                    synced.labels(token.id, token.name).set(age)
                for one in Health:
                    health.labels(token.id, token.name, one.value).set(token.health is one)
            depth, repeats = await tx.outbox.depth(), await tx.outbox.repeats()
            await self._connectors(tx, registry)
        gauge("last_tick_age_seconds", "Seconds since the last tick.").set(self.tick_age())
        gauge("outbox_depth", "Messages that wait.").set(depth)
        gauge("outbox_repeats", "Posts repeated because Slack's answer was lost.").set(repeats)
        return registry

    async def _connectors(self, tx: Transaction, registry: CollectorRegistry) -> None:
        left = Gauge(
            "enroll_token_connector_days_to_expiry",
            "Days until another Apple credential in Intune ends.",
            ("kind", "name"),
            registry=registry,
        )
        now = self.clock.now()
        for one in await tx.connectors.known():
            if one.expires_at is not None and one.gone_at is None:
                seconds = (one.expires_at - now).total_seconds()
                left.labels(one.kind.value, one.name).set(seconds / DAY)
