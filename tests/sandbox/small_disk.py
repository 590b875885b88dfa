"""A disk of a few megabytes that a test can fill, empty, and turn read-only under `serve`.

It lives in a mount namespace of its own, which a sleeping process keeps; what shall see it is
started through `enter`.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
MEGABYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallDisk:
    """The disk, mounted at `folder` for whoever is inside."""

    folder: Path
    keeper: int

    @property
    def enter(self) -> tuple[str, ...]:
        """What a command is put behind, to be inside."""
        return ("nsenter", f"--target={self.keeper}", "--user", "--mount", "--preserve-credentials")

    async def fill(self) -> None:
        """Leave no room at all."""
        await self._sh(f"cat /dev/zero > {self._ballast} 2> /dev/null; test -s {self._ballast}")

    async def empty(self) -> None:
        """Give the room back."""
        await self._sh(f"rm {self._ballast}")

    async def remount(self, mode: str) -> None:
        """Mount it anew, `ro` or `rw`; nobody may have a file open on it for writing."""
        await self._sh(f"mount -o remount,{mode} {self.folder}")

    async def _sh(self, script: str) -> None:
        process = await asyncio.create_subprocess_exec(*self.enter, "sh", "-c", script)
        if await process.wait():
            raise AssertionError(f"failed: {script}")

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"


def possible() -> bool:
    """Whether the commands are there; whether the machine allows it shows when it is tried."""
    return all(shutil.which(command) for command in ("unshare", "nsenter", "mount"))


@asynccontextmanager
async def small_disk(folder: Path) -> AsyncIterator[SmallDisk | None]:
    """The disk, as long as the block runs; None where this machine allows no such thing."""
    mounting = f"mkdir {folder} && mount -t tmpfs -o size={MEGABYTES}m disk {folder}"
    process = await asyncio.create_subprocess_exec(
        *NAMESPACE,
        "sh",
        "-c",
        f"{mounting} && echo up && exec sleep 600",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        up = await process.stdout.readline() if process.stdout else b""
        yield SmallDisk(folder=folder, keeper=process.pid) if up else None
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
