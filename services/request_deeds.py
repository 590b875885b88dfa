"""What is audited of a request: each deed names the request, its token and where it came from."""

from collections.abc import Mapping

from services.audit import Deed
from storage.records import Request

SERVICE = "enroll-token"
"""Who acts where nobody does: this service itself."""
INTUNE = "intune"
"""Who acts where it was done in Intune itself, and nobody here knows by whom."""


def request_deed(
    request: Request,
    action: str,
    *,
    actor: str = SERVICE,
    origin: str = "",
    before: Mapping[str, str] | None = None,
    after: Mapping[str, str] | None = None,
) -> Deed:
    """A deed on the request; without an `origin` it follows from the request itself.

    Without `before` and `after` the request's state stays as it is.
    """
    subject = f"request:{request.id}"
    state = {"state": request.state.value}
    return Deed(
        actor=actor,
        action=action,
        subject=subject,
        token_id=request.token_id,
        origin=origin or subject,
        before=state if before is None else before,
        after={**state, **(after or {})},
    )
