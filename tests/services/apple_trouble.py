"""What can go wrong with a call to Apple, by name; the tests say at which call."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.sandbox.apple import faults
from tests.sandbox.apple.answers import Answer

PATIENCE = 0.5
"""Seconds that the client of these tests waits for an answer."""
SOON = timedelta(seconds=1)


def truncated_gzip() -> faults.Fault:
    """The real answer, packed, its end missing."""

    def cut(real: Answer) -> Answer:
        packed = gzip.compress(real.body)
        return replace(real, body=packed[: len(packed) // 2]).with_header(
            "Content-Encoding", "gzip"
        )

    return faults.Fault(change=cut)


KINDS: dict[str, Callable[[], faults.Fault]] = {
    "500": lambda: faults.status(500, "INTERNAL_ERROR"),
    "502 with a page": lambda: faults.html_page(502),
    "503": lambda: faults.throttled(None, code=503),
    "503 with seconds": lambda: faults.throttled(0, code=503),
    "504": lambda: faults.status(504),
    "429": lambda: faults.throttled(None),
    "429 with seconds": lambda: faults.throttled(2),
    "429 with a date": lambda: faults.throttled(datetime.now(UTC) + SOON),
    "429 with a past date": lambda: faults.throttled(datetime.now(UTC) - SOON),
    "a time-out before it is carried out": lambda: faults.Fault(
        delay=2 * PATIENCE, reset=faults.Reset.BEFORE
    ),
    "a time-out after it was carried out": lambda: faults.late(2 * PATIENCE),
    "a reset before it is carried out": faults.reset,
    "a reset after it was carried out": lambda: faults.reset(faults.Reset.AFTER),
    "a reset in mid-body": faults.reset_in_body,
    "half JSON": faults.half_json,
    "nothing": lambda: faults.status(200, ""),
    "HTML": faults.html_page,
    "a gzip bomb": faults.gzip_bomb,
    "broken gzip": truncated_gzip,
    "a coding that was not asked for": lambda: faults.Fault(
        change=lambda real: real.with_header("Content-Encoding", "br")
    ),
    "another content type": faults.wrong_content_type,
    "401": lambda: faults.status(401, "UNAUTHORIZED"),
    "403": lambda: faults.status(403, "FORBIDDEN"),
    "devices that are null": lambda: faults.with_values(devices=None),
    "a device twice": faults.doubled_device,
    "no word whether more follows": lambda: faults.without("more_to_follow"),
    "a redirect": lambda: faults.status(302, ""),
    "deep nesting": lambda: faults.status(200, "[" * 100_000),
}
OF_SESSIONS = {"401", "403"}
"""At `/session` that is Apple's word on the token; elsewhere a new session helps."""
OF_LISTS = {"devices that are null", "a device twice", "no word whether more follows"}
AT_SESSION = {name: kind for name, kind in KINDS.items() if name not in OF_SESSIONS | OF_LISTS}
HARMLESS = {"another content type", *OF_SESSIONS, *OF_LISTS}
"""With these an answer that is no list can be read, at once or in a new session."""
