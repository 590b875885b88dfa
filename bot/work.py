"""Work that outlives the request that started it: our own tasks, strongly held, and drained."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Any

from storage.database import StorageError

log = logging.getLogger(__name__)

_keys: ContextVar[Iterator[str] | None] = ContextVar("keys", default=None)
"""Keys for what the delivery that is being taken sets off; its listeners need not know of them."""

First = Callable[[str], Awaitable[bool]]


@contextmanager
def during(delivery: str | None) -> Iterator[None]:
    """Name what is started in this block after the delivery that it is done for."""
    keys = None if delivery is None else (f"{delivery}/{number}" for number in count())
    before = _keys.set(keys)
    try:
        yield
    finally:
        _keys.reset(before)


class Work:
    """Tasks that go on after Slack got its answer; what matters in them is a row already.

    A delivery that comes again starts nothing again: `first` tells, by key, whether it is new.
    """

    def __init__(self, first: First | None = None) -> None:
        self._first = first
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, job: Coroutine[Any, Any, None]) -> None:
        """Run it beside us; an error goes to the log."""
        keys = _keys.get()
        if keys is not None and self._first is not None:
            job = _once(self._first, next(keys), job)
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def drain(self, seconds: float) -> None:
        """Wait for what runs, then cancel the rest: a restart goes on from its rows."""
        deadline = time.monotonic() + seconds
        # What runs may start more.
        while self._tasks and (left := deadline - time.monotonic()) > 0:
            await asyncio.wait(self._tasks, timeout=left)
        late = list(self._tasks)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, StorageError):
            log.warning("task_refused", extra={"error": str(error)})
        elif error is not None:
            log.error("task_failed", exc_info=error)


async def _once(first: First, key: str, job: Coroutine[Any, Any, None]) -> None:
    with closing(job):
        if await _is_first(first, key):
            await job
        else:
            log.info("delivery_repeated")


async def _is_first(first: First, key: str) -> bool:
    try:
        return await first(key)
    except StorageError:
        # Nobody can tell, and somebody waits: reading goes on, and what has to be written says
        # so itself, with a key of its own.
        return True
