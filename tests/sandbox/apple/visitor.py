"""A well-behaved client of the service, to try the stand-in with; badly behaved on request."""

import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
from oauthlib.oauth1 import Client

from tests.sandbox.apple.credentials import Credentials
from tests.sandbox.apple.service import Apple

HEADERS = {
    "User-Agent": "visitor/1.0",
    "Content-Type": "application/json;charset=UTF8",
    "X-Server-Protocol-Version": "10",
}
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # reading the trust store takes a while


class Visitor:
    """Somebody who holds the five values of a server token."""

    def __init__(self, http: httpx.AsyncClient, credentials: Credentials) -> None:
        self.http = http
        self.credentials = credentials

    def authorization(self, **changes: str) -> str:
        """Sign `GET /session`; `changes` are arguments of oauthlib's client."""
        credentials = self.credentials
        client = Client(
            credentials.consumer_key,
            **{
                "client_secret": credentials.consumer_secret,
                "resource_owner_key": credentials.access_token,
                "resource_owner_secret": credentials.access_secret,
                "realm": "ADM",
                **changes,
            },
        )
        _, headers, _ = client.sign(str(self.http.base_url.join("/session")))
        return str(headers["Authorization"])

    async def ask_session(self, authorization: str | None = None) -> httpx.Response:
        """Call `/session`, with a header of one's own where given."""
        headers = {"Authorization": authorization or self.authorization()}
        return await self.http.get("/session", headers=headers)

    async def enter(self) -> None:
        """Open a session and use it from now on."""
        answer = await self.ask_session()
        answer.raise_for_status()
        self.http.headers["X-ADM-Auth-Session"] = answer.json()["auth_session_token"]

    async def send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        """Make any call."""
        extra = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request(method, path, json=body, headers=extra)

    async def fetch(self, **body: object) -> httpx.Response:
        """Call `POST /server/devices`."""
        return await self.send("POST", "/server/devices", body)

    async def sync(self, **body: object) -> httpx.Response:
        """Call `POST /devices/sync`."""
        return await self.send("POST", "/devices/sync", body)

    async def fetch_all(self, *, limit: int = 1000) -> tuple[list[dict[str, Any]], str]:
        """Fetch to the end; returns the devices and the cursor to sync with."""
        devices: list[dict[str, Any]] = []
        page: dict[str, Any] = (await self.fetch(limit=limit)).raise_for_status().json()
        devices += page["devices"]
        while page["more_to_follow"]:
            answer = await self.fetch(limit=limit, cursor=page["cursor"])
            page = answer.raise_for_status().json()
            devices += page["devices"]
        return devices, str(page["cursor"])


@contextlib.asynccontextmanager
async def visiting(apple: Apple, credentials: Credentials) -> AsyncIterator[Visitor]:
    """Serve `apple` and let a visitor with these credentials in."""
    async with (
        apple.serve() as origin,
        httpx.AsyncClient(
            base_url=origin, headers=HEADERS, verify=_NO_TLS, trust_env=False
        ) as http,
    ):
        yield Visitor(http, credentials)
