"""Prism (@stoplight/prism-cli) as a proxy that judges what passes through it."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import yaml

START_SECONDS = 60.0
VIOLATIONS = "sl-violations"


@contextlib.asynccontextmanager
async def prism(
    command: Path, description: dict[str, Any], folder: Path, *, upstream: str
) -> AsyncIterator[str]:
    """Run the proxy before `upstream`, and yield its origin."""
    file = folder / "openapi.yaml"
    file.write_text(yaml.safe_dump(description, sort_keys=False), encoding="utf-8")
    port = _free_port()
    where = ["-h", "127.0.0.1", "-p", str(port)]
    process = await asyncio.create_subprocess_exec(
        str(command), "proxy", *where, str(file), upstream, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await _listening(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def violations(header: str | None) -> list[str]:
    """Read Prism's header: one line for each rule that was broken."""
    found = json.loads(header) if header else []
    return [f"{'.'.join(map(str, one['location']))}: {one['message']}" for one in found]


async def _listening(process: asyncio.subprocess.Process, port: int) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            if process.returncode is not None:
                raise RuntimeError("Prism ended before it listened.")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
