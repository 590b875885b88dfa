"""What a fault makes of the answer to one call."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from tests.sandbox.serving import hang_up
from tests.sandbox.slack.faults import Fault
from tests.sandbox.slack.spoiling import spoilt

REFUSED = 400
SERVER_FAULT = 500
TOO_MANY = 429


async def troubled(request: Request, fault: Fault, answer: Response) -> tuple[Response, str]:
    """Wait, break off, or spoil the answer, as the fault says; what happened, in a word."""
    await asyncio.sleep(fault.delay)
    if fault.hold is not None:
        await fault.hold.here()
    if fault.reset or fault.hold is not None:
        await hang_up(request)
        return answer, "reset"
    if fault.spoil is not None:
        return spoilt(fault.spoil, answer), fault.spoil
    return _refused(fault) or (answer, fault.error or "")


def _refused(fault: Fault) -> tuple[Response, str] | None:
    if fault.retry_after is not None:
        return _throttled(fault), "ratelimited"
    if fault.status == TOO_MANY:
        # Something in between throttles, in its own words and without a time.
        return PlainTextResponse("slow down", fault.status), "ratelimited"
    if fault.status >= SERVER_FAULT:
        return PlainTextResponse("upstream error", fault.status), f"http_{fault.status}"
    if fault.status >= REFUSED:
        return Response(status_code=fault.status), f"http_{fault.status}"
    return None


def _throttled(fault: Fault) -> Response:
    response = JSONResponse({"ok": False, "error": "ratelimited"}, fault.status)
    response.headers["Retry-After"] = f"{fault.retry_after:g}"
    return response
