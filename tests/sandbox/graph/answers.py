"""What Graph answers: JSON, nothing, or a refusal in Graph's form, Intune's packed once more."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from http import HTTPStatus
from uuid import uuid4

import msgspec

from tests.sandbox.apple.answers import Answer

TYPE_JSON = "application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8"
NEVER = "0001-01-01T00:00:00Z"


class Refused(Exception):
    """Graph answers with that status, code and message."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        packed: bool = False,
        retry_after: int | datetime | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.packed = packed
        self.retry_after = retry_after


def bad_request(message: str, *, packed: bool = False) -> Refused:
    """Refuse what was not asked the right way."""
    return Refused(HTTPStatus.BAD_REQUEST, "BadRequest", message, packed=packed)


def not_found(message: str = "The resource was not found.") -> Refused:
    """Refuse what is not there."""
    return Refused(HTTPStatus.NOT_FOUND, "ResourceNotFound", message, packed=True)


def granted(content: object, status: int = HTTPStatus.OK) -> Answer:
    """Answer with JSON."""
    return Answer(
        status=status, body=msgspec.json.encode(content), headers={"Content-Type": TYPE_JSON}
    )


def nothing() -> Answer:
    """Answer 204."""
    return Answer(status=HTTPStatus.NO_CONTENT)


def refusal(refused: Refused, request_id: str) -> Answer:
    """Answer in Graph's error form; the date has no zone, against the schema, as in reality."""
    inner = {
        "date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}",
        "request-id": request_id,
        "client-request-id": request_id,
    }
    message = _packed(refused.message) if refused.packed else refused.message
    error = {"code": refused.code, "message": message, "innerError": inner}
    answer = granted({"error": error}, refused.status)
    wait = refused.retry_after
    if isinstance(wait, datetime):
        return answer.with_header("Retry-After", format_datetime(wait.astimezone(UTC), usegmt=True))
    return answer if wait is None else answer.with_header("Retry-After", str(wait))


@lru_cache(maxsize=4096)
def stamp(at: datetime | None) -> str:
    """Write a time as Graph does, with 7 digits; None is never."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z" if at else NEVER


def selected(fields: Mapping[str, object], names: str | None, kind: str) -> dict[str, object]:
    """Keep what `$select` names."""
    if names is None:
        return dict(fields)
    wanted = names.split(",")
    for name in wanted:
        if name not in fields:
            raise bad_request(
                f"Parsing OData Select and Expand failed: Could not find a property named '{name}'"
                f" on type 'microsoft.graph.{kind}'."
            )
    return {name: fields[name] for name in wanted}


def _packed(message: str) -> str:
    """Write Intune's second JSON text."""
    about = f" - Operation ID (for customer support): {uuid4()} - Activity ID: {uuid4()}"
    packed = {"_version": 3, "Message": message + about, "CustomApiErrorPhrase": ""}
    return json.dumps(packed, indent=2)
