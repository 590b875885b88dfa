"""`python -m tests.sandbox demo`: one URL, and everything behind it until Ctrl-C."""

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from tests.sandbox.demo.house import House, lived_in, open_house, set_aside
from tests.sandbox.demo.keeping import Unusable
from tests.sandbox.demo.web import Pages
from tests.sandbox.serving import serve

PORTS = 50
"""How many ports are tried, one after the other."""
FOLDERS = 20
START_SECONDS = 120.0
"""It takes two; a machine that is busy with other things may take long."""
FINE, WRONG = 0, 1


def demo(root: Path, *, port: int, fresh: bool) -> int:
    """Run the demo on the data of the last one, until SIGINT or SIGTERM; its exit code."""
    root.mkdir(parents=True, exist_ok=True)
    with _own_terminal(), _own_folder(root) as folder:
        house = _house(folder, fresh=fresh)
        return asyncio.run(_run(house, _free_port(port)))


async def _run(house: House, port: int) -> int:
    over = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, over.set)
    async with (
        serve(Pages(house).asgi(), port) as origin,
        lived_in(house, f"{origin}/time") as deployed,
    ):
        starting = asyncio.create_task(deployed.start(within=START_SECONDS))
        ending = asyncio.create_task(over.wait())
        await asyncio.wait({starting, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            return FINE
        if (trouble := starting.exception()) is not None:
            _say(f"The bot did not start. {str(trouble) or 'It was not ready in time.'}")
            _say("Its data may be of another version: make demo FRESH=1 begins anew.")
            return WRONG
        _say(
            "The demo runs: Slack, Apple, Intune and a clock, with the real bot between them. Open"
        )
        _say(f"{origin}/")
        _say("Ctrl-C ends it. The next demo goes on from here; make demo FRESH=1 begins anew.")
        code = await _until_over(house, ending)
    _say("The demo has ended.")
    return code


async def _until_over(house: House, ending: "asyncio.Task[bool]") -> int:
    process = house.deployed.process if house.deployed else None
    assert process is not None, "the bot was started before"
    gone = asyncio.create_task(process.wait())
    await asyncio.wait({gone, ending}, return_when=asyncio.FIRST_COMPLETED)
    if not ending.done():
        _say(f"The bot ended by itself, with exit code {process.returncode}. Its log:")
        _say(house.deployed.log() if house.deployed else "")
        ending.cancel()
        return WRONG
    gone.cancel()
    return FINE


def _house(folder: Path, *, fresh: bool) -> House:
    try:
        return open_house(folder, fresh=fresh)
    except Unusable as unusable:
        aside = set_aside(folder)
        _say(f"The last demo cannot go on: {unusable}")
        _say(f"A new one begins; the old data is in {aside}.")
        return open_house(folder, fresh=True)


@contextlib.contextmanager
def _own_terminal() -> Iterator[None]:
    """Let Ctrl-C reach this process alone: `make`, which waits for it, would call it an error."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        yield
        return
    before = os.tcgetpgrp(terminal)
    if before in {os.getpid(), 0} or before != os.getpgrp():
        yield
        return
    # Who waits would not notice a stop, and whoever is behind may not write to the terminal.
    for one in (signal.SIGTSTP, signal.SIGTTOU):
        signal.signal(one, signal.SIG_IGN)
    os.setpgid(0, 0)
    os.tcsetpgrp(terminal, os.getpgrp())
    try:
        yield
    finally:
        os.tcsetpgrp(terminal, before)


@contextlib.contextmanager
def _own_folder(root: Path) -> Iterator[Path]:
    """A folder of data that no other demo uses at the same time: the first, as a rule."""
    for number in range(1, FOLDERS):
        with (root / f"{number}.lock").open("w") as lock:
            if not _locked(lock):
                continue
            if number > 1:
                _say(f"Another demo runs here already; this one has data of its own ({number}).")
            yield root / str(number)
            return
    raise SystemExit("Too many demos run here. End some of them.")


def _locked(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _free_port(wanted: int) -> int:
    """The wanted port, or the next that is free; says so where it is another."""
    for port in range(wanted, wanted + PORTS):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port != wanted:
            _say(f"Port {wanted} is in use; this demo takes {port}.")
        return port
    raise SystemExit(f"No port from {wanted} to {wanted + PORTS - 1} is free.")


def _say(line: str) -> None:
    try:
        print(line, flush=True)
    except BrokenPipeError:
        # Whoever read has left; the demo itself goes on until it is ended.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
