"""Cancels a coroutine at one of its awaits, whichever of its tasks that is in."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any

Job = Coroutine[Any, Any, object]


class _Counted:
    """Runs a coroutine, and tells of each time that it waits for something."""

    def __init__(self, job: Job, waits: Callable[[], None]) -> None:
        self._job = job
        self._waits = waits

    def __await__(self) -> Generator[Any, Any, object]:
        error: BaseException | None = None
        try:
            while True:
                try:
                    waited_for = self._job.send(None) if error is None else self._job.throw(error)
                except StopIteration as stop:
                    return stop.value
                self._waits()
                error = None
                try:
                    yield waited_for
                except BaseException as thrown:  # noqa: BLE001 - whatever it is, it is for the job
                    error = thrown
        finally:
            # An error that its own frame refers to would live on, and all that it saw with it.
            error = None


async def _run(counted: _Counted) -> object:
    return await counted


async def cancelled_at(number: int, job: Job) -> bool:
    """Run the job, cancelled as soon as it waits for the number-th time; whether it got there.

    What its tasks wait for counts too: they are cut as the job itself cuts them.
    """
    loop = asyncio.get_running_loop()
    waits = 0
    roots: list[asyncio.Task[object]] = []

    def waiting() -> None:
        nonlocal waits
        waits += 1
        if waits == number:
            roots[0].cancel()

    def make(
        running: asyncio.AbstractEventLoop,
        made: Job,
        **more: Any,  # noqa: ANN401 - the loop's
    ) -> asyncio.Task[object]:
        task = asyncio.Task(_run(_Counted(made, waiting)), loop=running, **more)
        # One that is cancelled before it began never comes to what it was to run.
        task.add_done_callback(lambda _: made.close())
        return task

    loop.set_task_factory(make)  # type: ignore[arg-type]  # typeshed knows coroutines alone
    try:
        roots.append(asyncio.create_task(job))
        await asyncio.wait(roots)
    finally:
        loop.set_task_factory(None)
    if not roots[0].cancelled() and (error := roots[0].exception()) is not None:
        raise error
    return waits >= number
