"""Which calls there are, who may make them, and what their query may say."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from tests.sandbox.apple.answers import Answer
from tests.sandbox.graph import beside, devices, onboarding
from tests.sandbox.graph.answers import Refused, bad_request
from tests.sandbox.graph.applications import (
    CONFIGURATION,
    MANAGED_DEVICES,
    READ,
    SCOPE_TAGS,
    USERS,
    WRITE,
)
from tests.sandbox.graph.call import Call

Handler = Callable[[Call], Answer]
_PAGED = frozenset({"$top", "$skiptoken", "$count", "$select"})
_ONE = frozenset({"$select"})
_NONE: frozenset[str] = frozenset()
_TOKEN = "/beta/deviceManagement/depOnboardingSettings/(?P<token>[^/]+)"
_ITEM = "(?P<item>[^/]+)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A method of a path; one of the roles is enough."""

    method: str
    path: re.Pattern[str]
    handler: Handler
    roles: frozenset[str]
    query: frozenset[str]
    writes: bool
    intune: bool


def _intune(
    method: str, path: str, handler: Handler, *, query: frozenset[str] = _NONE, roles: str = ""
) -> Route:
    reads = method == "GET" or path.endswith("generateEncryptionPublicKey")
    own = frozenset(roles.split()) if roles else frozenset({WRITE, *([READ] if reads else [])})
    return Route(
        method=method,
        path=re.compile(path),
        handler=handler,
        roles=own,
        query=query,
        writes=method != "GET",
        intune=True,
    )


def _directory(path: str, handler: Handler, query: frozenset[str]) -> Route:
    return Route(
        method="GET",
        path=re.compile(path),
        handler=handler,
        roles=frozenset({USERS}),
        query=query,
        writes=False,
        intune=False,
    )


_MANAGEMENT = "/beta/deviceManagement"
ROUTES = (
    _intune("GET", f"{_MANAGEMENT}/depOnboardingSettings", onboarding.list_tokens, query=_PAGED),
    _intune("POST", f"{_MANAGEMENT}/depOnboardingSettings", onboarding.create),
    _intune("GET", _TOKEN, onboarding.show, query=_ONE),
    _intune("PATCH", _TOKEN, onboarding.change),
    _intune("DELETE", _TOKEN, onboarding.delete),
    _intune("GET", rf"{_TOKEN}/getEncryptionPublicKey\(\)", onboarding.public_key),
    _intune("POST", f"{_TOKEN}/generateEncryptionPublicKey", onboarding.generate_key),
    _intune("POST", f"{_TOKEN}/uploadDepToken", onboarding.upload),
    _intune("POST", f"{_TOKEN}/syncWithAppleDeviceEnrollmentProgram", onboarding.sync_token),
    _intune("GET", f"{_TOKEN}/importedAppleDeviceIdentities", devices.list_devices, query=_PAGED),
    _intune("DELETE", f"{_TOKEN}/importedAppleDeviceIdentities/{_ITEM}", devices.delete_device),
    _intune("GET", f"{_TOKEN}/enrollmentProfiles", devices.list_profiles, query=_PAGED),
    _intune("GET", f"{_TOKEN}/enrollmentProfiles/{_ITEM}", devices.show_profile),
    _intune("POST", f"{_TOKEN}/enrollmentProfiles/{_ITEM}/setDefaultProfile", devices.set_default),
    _intune(
        "POST",
        f"{_TOKEN}/enrollmentProfiles/{_ITEM}/updateDeviceProfileAssignment",
        devices.assign,
    ),
    _intune(
        "GET",
        f"{_TOKEN}/(?P<navigation>default(Ios|MacOs|TvOS|VisionOS)EnrollmentProfile)",
        devices.default_profile,
    ),
    _intune(
        "GET",
        f"{_MANAGEMENT}/configurationPolicies",
        beside.list_policies,
        query=_PAGED | {"$filter"},
        roles=CONFIGURATION,
    ),
    _intune(
        "GET",
        f"{_MANAGEMENT}/roleScopeTags",
        beside.list_scope_tags,
        query=_PAGED,
        roles=f"{CONFIGURATION} {SCOPE_TAGS}",
    ),
    _intune(
        "GET",
        f"{_MANAGEMENT}/applePushNotificationCertificate",
        beside.push_certificate,
        roles=f"{WRITE} {CONFIGURATION} {MANAGED_DEVICES}",
    ),
    _intune("GET", "/beta/deviceAppManagement/vppTokens", beside.list_content_tokens, query=_PAGED),
    _directory("/v1.0/users", beside.list_users, _PAGED | {"$filter"}),
    _directory("/v1.0/users/(?P<user>[^/]+)", beside.show_user, _ONE),
    _directory(
        "/v1.0/directory/deletedItems/(?P<user>[^/]+)", beside.show_deleted_user, frozenset()
    ),
)


def route_of(method: str, path: str) -> tuple[Route, Mapping[str, str]]:
    """Find the call. Raises Refused."""
    found = [(route, hit) for route in ROUTES if (hit := route.path.fullmatch(path))]
    if not found:
        raise bad_request(f"Resource not found for the segment '{path.rpartition('/')[2]}'.")
    for route, hit in found:
        if route.method == method:
            return route, hit.groupdict()
    text = f"The method {method} is not allowed here."
    raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", text)


def check(route: Route, call: Call) -> None:
    """Judge what a known call asks: licence, permission, query. Raises Refused."""
    if route.intune and not call.tenant.knobs.licensed:
        raise bad_request("Request not applicable to target tenant.", packed=True)
    if not route.roles & call.roles:
        raise _forbidden(route)
    if route.intune and route.writes and call.tenant.knobs.refuses_writes:
        raise _forbidden(route)
    for name in call.query:
        if name not in route.query:
            raise bad_request(f"The query parameter '{name}' is not supported.")
    if call.method == "GET" and call.body:
        raise bad_request("A GET request takes no body.")


def _forbidden(route: Route) -> Refused:
    if not route.intune:
        text = "Insufficient privileges to complete the operation."
        return Refused(HTTPStatus.FORBIDDEN, "Authorization_RequestDenied", text)
    text = (
        "Application is not authorized to perform this operation. Application must have one of "
        f"the following scopes: {', '.join(sorted(route.roles))}"
    )
    return Refused(HTTPStatus.FORBIDDEN, "Forbidden", text, packed=True)
