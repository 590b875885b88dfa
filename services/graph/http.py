"""HTTP towards Microsoft Graph: one call, or all pages of a list, with patience that ends.

A 401 is answered by one new access token. 429 (and 503 where nothing was written) is waited for
as long as Graph asks, or longer each time where it does not say; after a few waits the call fails
as THROTTLED. Source: Graph, "Microsoft Graph throttling guidance" and "Paging".
"""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from services.graph.answers import Page
from services.graph.errors import GraphError, GraphTrouble, read_refusal, trouble_of
from services.graph.exchange import JSON, Answer, exchange
from services.graph.limits import Budget
from services.graph.reading import Unreadable, read

PAGE_SIZE = 999
MOST_PAGES = 20_000
READS = frozenset({"GET"})
THROTTLED = frozenset({429, 503})
NO_CONTENT = 204
UNAUTHORISED = 401

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """Entra's access token for Graph, and the permissions (`roles`) written in it."""

    value: str
    roles: frozenset[str]
    fresh_until: float

    def __repr__(self) -> str:
        return f"AccessToken(roles={sorted(self.roles)}, ...)"


class AccessTokens(Protocol):
    """Where access tokens come from."""

    async def access_token(self, refused: AccessToken | None = None) -> AccessToken:
        """The one in use, or another one where Graph refused it. Raises GraphError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a throttled call waits, and how long, in seconds.

    `first_wait` doubles each time where Graph names no wait; one longer than `longest_wait` is
    left to the caller, whose row will be due later.
    """

    waits: int = 5
    first_wait: float = 1.0
    longest_wait: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    method: str
    url: str
    body: Mapping[str, object] | None = None
    eventual: bool = False
    patient: bool = True

    @property
    def name(self) -> str:
        """What the log calls it: without a query, which may hold an address."""
        return f"{self.method} {urlsplit(self.url).path}"


class Graph:
    """Calls to one tenant's Graph. Every method raises GraphError."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        tokens: AccessTokens,
        *,
        budget: Budget | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.http = http
        self.tokens = tokens
        self.budget = budget or Budget()
        self.patience = patience or Patience()

    async def roles(self) -> frozenset[str]:
        """The permissions in the access token in use."""
        return (await self.tokens.access_token()).roles

    async def find(self, path: str, kind: type[Kind]) -> Kind | None:
        """One thing; None where Graph says that there is none: 404, 204 or null."""
        try:
            answer = await self._ask(_Call(method="GET", url=path))
        except GraphError as error:
            if error.trouble is GraphTrouble.NOT_FOUND:
                return None
            raise
        if answer.status == NO_CONTENT or answer.body.strip() == b"null":
            return None
        return _decoded(answer, kind)

    async def pages(
        self, path: str, kind: type[Kind], *, eventual: bool = False
    ) -> AsyncIterator[list[Kind]]:
        """A list, page by page; only one page is in memory at a time."""
        page = await self._first_page(path, Page[kind], eventual=eventual)  # type: ignore[valid-type]
        followed: set[str] = set()
        while True:
            yield page.value
            if not page.next_link:
                return
            url = self._followed(page.next_link, path)
            if url in followed or len(followed) == MOST_PAGES:
                raise GraphError(GraphTrouble.GARBLED, f"{path}: the list comes to no end")
            followed.add(url)
            call = _Call(method="GET", url=url, eventual=eventual)
            page = _decoded(await self._ask(call), Page[kind])  # type: ignore[valid-type]

    async def post(self, path: str, body: Mapping[str, object] | None, kind: type[Kind]) -> Kind:
        """Make something, or have something done that has an answer."""
        return _decoded(await self._ask(_Call(method="POST", url=path, body=body)), kind)

    async def act(
        self, path: str, body: Mapping[str, object] | None = None, *, patient: bool = True
    ) -> None:
        """Have something done; without patience a 429 is an answer like any other."""
        await self._ask(_Call(method="POST", url=path, body=body, patient=patient))

    async def patch(self, path: str, body: Mapping[str, object]) -> None:
        """Change properties."""
        await self._ask(_Call(method="PATCH", url=path, body=body))

    async def delete(self, path: str) -> None:
        """Delete; what is gone already is fine."""
        try:
            await self._ask(_Call(method="DELETE", url=path))
        except GraphError as error:
            if error.trouble is not GraphTrouble.NOT_FOUND:
                raise

    async def _first_page(self, path: str, kind: type[Kind], *, eventual: bool) -> Kind:
        sign = "&" if "?" in path else "?"
        large = _Call(method="GET", url=f"{path}{sign}$top={PAGE_SIZE}", eventual=eventual)
        try:
            return _decoded(await self._ask(large), kind)
        except GraphError as error:
            if error.trouble is not GraphTrouble.REFUSED:
                raise
        # The largest page that may be asked for is not documented for every list.
        return _decoded(await self._ask(_Call(method="GET", url=path, eventual=eventual)), kind)

    def _followed(self, link: str, path: str) -> str:
        try:
            there = httpx.URL(link)
        except httpx.InvalidURL:
            raise GraphError(GraphTrouble.GARBLED, f"{path}: nextLink is no address") from None
        here = self.http.base_url
        if (there.scheme, there.host, there.port) != (here.scheme, here.host, here.port):
            raise GraphError(GraphTrouble.STRAYED, f"{path}: nextLink to {there.host!r}")
        return link

    async def _ask(self, call: _Call) -> Answer:
        waited = 0
        while True:
            answer = await self._authorised(call)
            if answer.status < 300:  # noqa: PLR2004 - the HTTP class
                return answer
            error = _refused(call, answer)
            wait = self._wait(call, answer, waited)
            if wait is None:
                raise error
            waited += 1
            await asyncio.sleep(wait)

    def _wait(self, call: _Call, answer: Answer, waited: int) -> float | None:
        """Seconds to wait before the call is made again; None where it is not."""
        again = THROTTLED if call.method in READS else {429}
        if answer.status not in again or not call.patient or waited >= self.patience.waits:
            return None
        if answer.retry_after is not None:
            return answer.retry_after if answer.retry_after <= self.patience.longest_wait else None
        longest = min(self.patience.first_wait * (1 << waited), self.patience.longest_wait)
        return longest * random.uniform(0.75, 1.0)  # noqa: S311 - spreads callers, hides nothing

    async def _authorised(self, call: _Call) -> Answer:
        token = await self.tokens.access_token()
        answer = await self._send(call, token)
        if answer.status != UNAUTHORISED:
            return answer
        return await self._send(call, await self.tokens.access_token(refused=token))

    async def _send(self, call: _Call, token: AccessToken) -> Answer:
        headers = {"Authorization": f"Bearer {token.value}"}
        if call.eventual:
            headers["ConsistencyLevel"] = "eventual"
        content = None
        if call.body is not None:
            headers["Content-Type"] = JSON
            content = msgspec.json.encode(call.body)
        request = self.http.build_request(call.method, call.url, headers=headers, content=content)
        async with self.budget.call(write=call.method not in READS):
            return await exchange(self.http, request, call.name)


def _refused(call: _Call, answer: Answer) -> GraphError:
    refusal = read_refusal(
        answer.status,
        answer.body,
        request_id=answer.request_id,
        retry_after=answer.retry_after,
    )
    return GraphError(trouble_of(refusal), call.name, refusal=refusal)


def _decoded(answer: Answer, kind: type[Kind]) -> Kind:
    if not answer.is_json:
        raise GraphError(GraphTrouble.GARBLED, "the answer is not JSON")
    try:
        return read(answer.body, kind)
    except Unreadable as error:
        raise GraphError(GraphTrouble.GARBLED, f"the answer's form: {error}") from None
