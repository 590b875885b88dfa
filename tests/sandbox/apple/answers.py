"""What the service answers: JSON, or a refusal with a code in one of three body forms."""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

import msgspec

TYPE_JSON = "application/json;charset=UTF8"
TYPE_TEXT = "text/plain;charset=UTF-8"


class ErrorForm(StrEnum):
    """How a code stands in the body of a refusal; all three have been seen."""

    BARE = "bare"
    """The code alone."""

    QUOTED = "quoted"
    """The code in double quotes."""

    OBJECT = "object"
    """A JSON object with the code in it."""


class Refused(Exception):
    """The service answers with that status and code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer as it goes over the wire."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def with_header(self, name: str, value: str) -> "Answer":
        """Copy the answer with one header more, or with another value for it."""
        headers = {key: kept for key, kept in self.headers.items() if key.lower() != name.lower()}
        return Answer(status=self.status, body=self.body, headers={**headers, name: value})


def granted(content: object) -> Answer:
    """Answer 200 with JSON."""
    return Answer(body=msgspec.json.encode(content), headers={"Content-Type": TYPE_JSON})


def refusal(refused: Refused, form: ErrorForm) -> Answer:
    """Answer with the code of the refusal."""
    code = refused.code
    match form:
        case ErrorForm.BARE:
            body, kind = code, TYPE_TEXT
        case ErrorForm.QUOTED:
            body, kind = json.dumps(code), TYPE_JSON
        case ErrorForm.OBJECT:
            body, kind = json.dumps({"code": code}), TYPE_JSON
        case _:
            assert_never(form)
    return Answer(status=refused.status, body=body.encode(), headers={"Content-Type": kind})
