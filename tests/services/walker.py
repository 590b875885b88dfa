"""Walks all devices under a token in a process of its own, and tells how its memory grew.

    python -m tests.services.walker ORIGIN TENANT CLIENT SECRET TOKEN

Prints the number of devices, then its peak in KiB after 20,000 of them and at the end.
"""

import asyncio
import sys
from pathlib import Path

from services.graph.entra import Application, ClientSecret, Entra
from services.graph.exchange import graph_http
from services.graph.http import Graph
from services.graph.intune import Intune

EARLY = 20_000


def peak() -> int:
    """The most memory that this program ever had, in KiB.

    getrusage would count what the process had before it became this program.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


async def walk(origin: str, application: Application, token: str) -> tuple[int, int, int]:
    """Count the devices."""
    seen = early = 0
    async with graph_http(origin) as http:
        intune = Intune(Graph(http, Entra(http, application)))
        async for page in intune.identities(token):
            seen += len(page)
            early = peak() if seen <= EARLY else early
    return seen, early, peak()


def main() -> None:
    """Walk as the command line says."""
    origin, tenant_id, client_id, secret, token = sys.argv[1:]
    application = Application(
        tenant_id=tenant_id,
        client_id=client_id,
        credential=ClientSecret(value=secret),
        resource=origin,
    )
    print(*asyncio.run(walk(origin, application, token)))  # noqa: T201 - its one line


if __name__ == "__main__":
    main()
