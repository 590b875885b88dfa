"""What stands beside the tokens: policies, scope tags, Apple's other credentials, and people."""

from http import HTTPStatus

from tests.sandbox.apple.answers import Answer
from tests.sandbox.graph.answers import Refused, bad_request, granted, not_found, selected
from tests.sandbox.graph.applications import LEAVE_DATES
from tests.sandbox.graph.call import Call
from tests.sandbox.graph.lists import listed
from tests.sandbox.graph.people import USER_DEFAULTS, DirectoryUser, matching

_ENROLLMENT = "technologies has 'enrollment'"
_NO_USER = "Resource '{}' does not exist or one of its queried reference-property objects"


def list_policies(call: Call) -> Answer:
    """`GET /deviceManagement/configurationPolicies`."""
    condition = call.query.get("$filter", "").removeprefix("(").removesuffix(")")
    if condition not in {"", _ENROLLMENT}:
        raise bad_request("The query specified in the URI is not valid.", packed=True)
    policies = list(call.tenant.policies.values())
    return listed(call, policies, lambda one: one.fields(), "deviceManagementConfigurationPolicy")


def list_scope_tags(call: Call) -> Answer:
    """`GET /deviceManagement/roleScopeTags`."""
    tags = list(call.tenant.scope_tags.values())
    return listed(call, tags, lambda one: one.fields(), "roleScopeTag")


def push_certificate(call: Call) -> Answer:
    """`GET /deviceManagement/applePushNotificationCertificate`."""
    if call.tenant.push_certificate is None:
        raise not_found()
    return granted(call.tenant.push_certificate.fields())


def list_content_tokens(call: Call) -> Answer:
    """`GET /deviceAppManagement/vppTokens`."""
    tokens = list(call.tenant.content_tokens.values())
    return listed(call, tokens, lambda one: one.fields(), "vppToken")


def show_user(call: Call) -> Answer:
    """`GET /v1.0/users/{id or sign-in address}`."""
    named = call.parts["user"].casefold()
    for user in call.tenant.users.values():
        if named in {user.id, user.upn.casefold()}:
            return granted(_user(call, user))
    raise _no_user(call.parts["user"])


def list_users(call: Call) -> Answer:
    """`GET /v1.0/users?$filter=…`."""
    means, advanced = matching(call.query.get("$filter", ""))
    eventual = call.headers.get("consistencylevel") == "eventual"
    if advanced and not (eventual and call.query.get("$count") == "true"):
        text = "Unsupported Query. It needs ConsistencyLevel: eventual and $count=true."
        raise Refused(HTTPStatus.BAD_REQUEST, "Request_UnsupportedQuery", text)
    found = [user for user in call.tenant.users.values() if means(user)]
    names = call.query.get("$select", ",".join(USER_DEFAULTS))
    _check_leave_date(call, names)
    return listed(call, found, lambda one: one.fields(), "user")


def show_deleted_user(call: Call) -> Answer:
    """`GET /v1.0/directory/deletedItems/{id}`."""
    user = call.tenant.deleted_users.get(call.parts["user"])
    if user is None:
        raise _no_user(call.parts["user"])
    shown = selected(user.fields(), ",".join((*USER_DEFAULTS, "deletedDateTime")), "user")
    return granted({"@odata.type": "#microsoft.graph.user", **shown})


def _user(call: Call, user: DirectoryUser) -> dict[str, object]:
    names = call.query.get("$select", ",".join(USER_DEFAULTS))
    _check_leave_date(call, names)
    return selected(user.fields(), names, "user")


def _check_leave_date(call: Call, names: str) -> None:
    if "employeeLeaveDateTime" in names.split(",") and LEAVE_DATES not in call.roles:
        raise Refused(
            HTTPStatus.FORBIDDEN,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        )


def _no_user(name: str) -> Refused:
    text = f"{_NO_USER.format(name)} are not present."
    return Refused(HTTPStatus.NOT_FOUND, "Request_ResourceNotFound", text)
