"""The one thing that would carry a token on."""

from datetime import datetime, timedelta
from enum import StrEnum

from storage.records import Request, Token
from storage.states import Action, Health, RequestState, TokenState

RENEW_FROM = timedelta(days=30)
"""So long before its end, renewing becomes a token's next step."""


class NextStep(StrEnum):
    """The one thing that would carry a token on."""

    DECIDE = "decide"
    """An approver decides on its request."""
    PREPARE = "prepare"
    """Nobody has to do anything: the approved step is being prepared."""
    BRING_FILE = "bring_file"
    """Its server token file is downloaded at the portal and uploaded."""
    VERIFY = "verify"
    """Nobody has to do anything: what was done is being looked at."""
    SIGN_TERMS = "sign_terms"
    """The new terms are signed at the portal."""
    REPLACE_ADMIN = "replace_admin"
    """Another account has to download it anew: the one that did is gone or barred."""
    RENEW_NOW = "renew_now"
    """It does not work any more; it is renewed at once."""
    RENEW_SOON = "renew_soon"
    """It ends before long; it is renewed in time."""
    LOOK_AT_HOLDER = "look_at_holder"
    """Its holder's syncs with Apple fail or stay away; its console tells more."""
    AWAIT_ANSWER = "await_answer"
    """Its holder gives no usable answer; it is asked again by itself."""
    LOOK_AT_SYNC = "look_at_sync"
    """Its devices have not been read for long; its status says why."""
    FINISH_RENEWAL = "finish_renewal"
    """A newer token was downloaded and is not uploaded: enrolment is down until it is."""
    AWAIT_DELETION = "await_deletion"
    """It is being taken out of use."""
    NOTHING = "nothing"
    """All is well."""


REQUEST_STEPS = {
    RequestState.PENDING: NextStep.DECIDE,
    RequestState.APPROVED: NextStep.PREPARE,
    RequestState.AWAITING_UPLOAD: NextStep.BRING_FILE,
    RequestState.VERIFYING: NextStep.VERIFY,
}
HEALTH_STEPS = {
    Health.TERMS_UNSIGNED: NextStep.SIGN_TERMS,
    Health.SUPERSEDED: NextStep.RENEW_NOW,
    Health.REVOKED: NextStep.RENEW_NOW,
    Health.ACCOUNT_FORBIDDEN: NextStep.REPLACE_ADMIN,
    Health.EXPIRED: NextStep.RENEW_NOW,
    Health.SYNC_ERROR: NextStep.LOOK_AT_HOLDER,
    Health.STALE: NextStep.LOOK_AT_SYNC,
    Health.THROTTLED: NextStep.AWAIT_ANSWER,
    Health.UNREACHABLE: NextStep.AWAIT_ANSWER,
}


def next_step(
    token: Token, request: Request | None, *, now: datetime, patience: timedelta
) -> NextStep:
    """What would carry the token on: its request first, then its health, its end, its sync.

    `patience` is how old the newest look at its devices may be.
    """
    if request is not None and request.state in REQUEST_STEPS:
        return _of_request(request)
    if token.state is TokenState.DELETING:
        return NextStep.AWAIT_DELETION
    if token.health in HEALTH_STEPS:
        return HEALTH_STEPS[token.health]
    if token.expires_at is not None and token.expires_at <= now + RENEW_FROM:
        return NextStep.RENEW_NOW if token.expires_at <= now else NextStep.RENEW_SOON
    looked = token.last_synced_at or token.health_since
    # Devices that were removed here are not read any more, and nobody has to look at that.
    read = token.removed_here_at is None
    late = read and looked is not None and now - looked > patience
    return NextStep.LOOK_AT_SYNC if late else NextStep.NOTHING


def _of_request(request: Request) -> NextStep:
    if request.down_since is not None:
        return NextStep.FINISH_RENEWAL
    ends = request.action in {Action.DELETE, Action.REMOVE}
    if ends and request.state is RequestState.APPROVED:
        return NextStep.AWAIT_DELETION
    return REQUEST_STEPS[request.state]
