"""Whether every name in our requests and in the stand-in's answers stands in the description.

The description allows more names than it lists, so a validator passes over a misspelt one.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.sandbox.graph.call import RecordedRequest
from tests.sandbox.graph.entries import (
    ContentToken,
    DevicePlatform,
    EnrollmentProfile,
    Identity,
    PushCertificate,
    ScopeTag,
    TokenEntry,
)

Shown = TokenEntry | Identity | EnrollmentProfile | ScopeTag | PushCertificate | ContentToken
NOW = datetime(2026, 11, 26, tzinfo=UTC)


def strangers(
    description: Mapping[str, Any], requests: Sequence[RecordedRequest]
) -> tuple[int, list[str]]:
    """How many names were compared, and those that the description does not have."""
    compared = [*_in_answers(description), *_in_requests(description, requests)]
    unknown = sorted({f"{where}: {name}" for where, name, known in compared if not known})
    return len({(where, name) for where, name, _ in compared}), unknown


def _in_answers(description: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    platform = DevicePlatform.IOS
    profile = EnrollmentProfile(id="1_2", name="x", platform=platform)
    shown: dict[str, Shown] = {
        "depOnboardingSetting": TokenEntry(name="x", apple_id=None, modified_at=NOW),
        "importedAppleDeviceIdentity": Identity(
            id="1", serial_number="x", platform=platform, created_at=NOW
        ),
        "enrollmentProfile": profile,
        "roleScopeTag": ScopeTag(id="0", name="x"),
        "applePushNotificationCertificate": PushCertificate(
            apple_id="x", expires_at=NOW, modified_at=NOW
        ),
        "vppToken": ContentToken(name="x", organisation="x", apple_id="x", expires_at=NOW),
    }
    for kind, one in shown.items():
        known = _names(description, f"microsoft.graph.{kind}")
        yield from ((f"answer {kind}", name, name in known) for name in one.fields())


def _in_requests(
    description: Mapping[str, Any], requests: Sequence[RecordedRequest]
) -> Iterator[tuple[str, str, bool]]:
    setting = _names(description, "microsoft.graph.depOnboardingSetting")
    for one in requests:
        if isinstance(one.body, dict) and one.path.startswith("/beta/"):
            last = one.path.rpartition("/")[2]
            known = _parameters(description, last) or setting
            yield from ((f"request {last}", name, name in known) for name in one.body)


def _parameters(description: Mapping[str, Any], action: str) -> set[str]:
    """What an action takes, by the last part of its path; nothing where it is no action."""
    for path, item in description["paths"].items():
        if path.endswith(f"}}/{action}") and "requestBody" in item.get("post", {}):
            content = item["post"]["requestBody"]["content"]["application/json"]
            return set(content["schema"].get("properties", {}))
    return set()


def _names(description: Mapping[str, Any], schema: str) -> set[str]:
    """The properties of a schema, those that it inherits too."""
    node = description["components"]["schemas"][schema]
    found: set[str] = set()
    for part in [node, *node.get("allOf", [])]:
        found |= set(part.get("properties", {}))
        if "$ref" in part:
            found |= _names(description, part["$ref"].rpartition("/")[2])
    return found
