"""Which state may follow which, and the only way by which services change a state."""

from datetime import datetime

from services.errors import Refused
from storage.database import Transaction
from storage.records import Request, Token
from storage.states import RequestState, TokenState

TOKEN_MOVES: dict[TokenState, frozenset[TokenState]] = {
    TokenState.REQUESTED: frozenset({TokenState.AWAITING_TOKEN, TokenState.CANCELLED}),
    TokenState.AWAITING_TOKEN: frozenset({TokenState.ACTIVE, TokenState.CANCELLED}),
    # Deleted at once where somebody did it at the holder itself.
    TokenState.ACTIVE: frozenset({TokenState.DELETING, TokenState.DELETED}),
    TokenState.DELETING: frozenset({TokenState.DELETED, TokenState.ACTIVE}),
    TokenState.DELETED: frozenset(),
    TokenState.CANCELLED: frozenset(),
}

REQUEST_MOVES: dict[RequestState, frozenset[RequestState]] = {
    RequestState.PENDING: frozenset(
        {
            RequestState.APPROVED,
            RequestState.DECLINED,
            RequestState.CANCELLED,
            RequestState.EXPIRED,
            # Without approval: a newer token was downloaded already, and its identity is proved.
            RequestState.COMPLETED,
            # Its token was deleted at the holder itself.
            RequestState.FAILED,
        }
    ),
    RequestState.APPROVED: frozenset(
        {
            RequestState.AWAITING_UPLOAD,
            RequestState.COMPLETED,
            RequestState.CANCELLED,
            RequestState.FAILED,
        }
    ),
    RequestState.AWAITING_UPLOAD: frozenset(
        {
            RequestState.VERIFYING,
            RequestState.COMPLETED,
            RequestState.CANCELLED,
            RequestState.EXPIRED,
            RequestState.FAILED,
        }
    ),
    RequestState.VERIFYING: frozenset(
        {RequestState.AWAITING_UPLOAD, RequestState.COMPLETED, RequestState.FAILED}
    ),
    RequestState.COMPLETED: frozenset(),
    RequestState.DECLINED: frozenset(),
    RequestState.CANCELLED: frozenset(),
    RequestState.EXPIRED: frozenset(),
    RequestState.FAILED: frozenset(),
}


class TooLate(Refused):
    """Somebody else, or another process, changed the state first."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} has changed meanwhile",
            user_message="Somebody else was first, so nothing was done. Look at its newest state.",
        )


async def move_token(tx: Transaction, token: Token, becomes: TokenState, **changes: object) -> None:
    """Move the token on, together with other facts about it. Raises TooLate."""
    _check(becomes in TOKEN_MOVES[token.state], token.state, becomes)
    if not await tx.tokens.move(token.id, token.state, becomes, **changes):
        raise TooLate(f"token {token.id}")


async def move_request(
    tx: Transaction, request: Request, becomes: RequestState, now: datetime, **changes: object
) -> None:
    """Move the request on, with other facts; a state without a successor ends it. Raises TooLate.

    Whoever was to be reminded, or asked, is not any more once it is over.
    """
    _check(becomes in REQUEST_MOVES[request.state], request.state, becomes)
    if not REQUEST_MOVES[becomes]:
        changes |= {"ended_at": now, "nag_due_at": None, "check_due_at": None}
    if not await tx.requests.move(request.id, request.state, becomes, **changes):
        raise TooLate(f"request {request.id}")


def _check(allowed: bool, was: str, becomes: str) -> None:  # noqa: FBT001 - the one condition it is about
    if not allowed:
        raise AssertionError(f"{becomes} cannot follow {was}")
