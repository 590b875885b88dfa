"""What somebody does in the Intune admin center, and what goes wrong at Microsoft."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import uuid4

from tests.sandbox.apple.certificates import PortalRefused
from tests.sandbox.demo.house import SECRET_DAYS, House
from tests.sandbox.demo.intune_room import AdminCenter
from tests.sandbox.graph.applications import FULL, GUIDED
from tests.sandbox.graph.entries import DevicePlatform, EnrollmentProfile, TokenEntry, TokenType
from tests.sandbox.graph.knobs import Throttling
from tests.sandbox.graph.people import DirectoryUser
from tests.sandbox.graph.portal import CreateTab
from tests.sandbox.slack.reading import Json

ALWAYS = 10**9
MOST_TABS = 8
"""Forms that were left by closing the browser's tab are forgotten one day."""
LEFT = "This form was left. Begin again: the public key is a new one."

OnToken = Callable[[TokenEntry, Json], None]
OnTenant = Callable[[Json], None]
OnPerson = Callable[[DirectoryUser], None]


class AdminCenterActs:
    """The acts, by the words that the page sends."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._room = AdminCenter(house)
        self._tabs: dict[str, CreateTab] = {}
        self._on_token: Mapping[str, OnToken] = {
            "rename": lambda token, asked: self._portal.rename(token, str(asked["name"])),
            "tags": lambda token, asked: self._portal.set_scope_tags(token, _tags(asked)),
            "sync": lambda token, _: self._portal.sync(token),
            "delete": lambda token, _: self._portal.delete_token(token),
            "delete_devices": self._delete_devices,
            "add_policy": self._add_policy,
            "set_default": lambda token, asked: self._portal.set_default(
                token, _profile(token, asked)
            ),
            "delete_profile": lambda token, asked: self._portal.delete_profile(
                token, _profile(token, asked)
            ),
            "assign_profile": lambda token, asked: self._portal.assign(
                token, _profile(token, asked), list(asked["serials"])
            ),
        }
        self._on_tenant: Mapping[str, OnTenant] = {
            "may_write": lambda asked: self._grant(FULL if asked["on"] else GUIDED),
            "refuses_writes": lambda asked: self._knob("refuses_writes", on=asked["on"]),
            "shows_uploads": lambda asked: self._knob("shows_uploads", on=asked["on"]),
            "licensed": lambda asked: self._knob("licensed", on=asked["on"]),
            "down": lambda asked: self._knob("down", on=asked["on"]),
            "throttled": self._throttle,
            "secret_expired": self._end_secret,
        }
        self._on_person: Mapping[str, OnPerson] = {
            "change_password": self._change_password,
            "block": lambda user: _enable(user, on=False),
            "unblock": lambda user: _enable(user, on=True),
            "delete_user": self._house.tenant.delete_user,
        }
        self._portal = house.tenant.portal

    def do(self, asked: Json) -> Json:
        """Do one thing; what the page needs to know of it. Raises PortalRefused."""
        act, answer = str(asked["act"]), {}
        if act == "open_create":
            answer = {"tab": self._open()}
        elif act == "close_create":
            self._close(str(asked["tab"]))
        elif act in self._on_token:
            self._on_token[act](self._room.token(str(asked["token"])), asked)
        elif act in self._on_person:
            self._on_person[act](self._house.tenant.users[str(asked["person"])])
        else:
            self._on_tenant[act](asked)
        self._house.changes.mark()
        return answer

    def key(self, asked: Json) -> bytes:
        """Download your public key: the one of the open form, or of a token."""
        if "token" in asked:
            return self._room.token(str(asked["token"])).key_pair().certificate_pem
        return self._tab(asked).certificate_pem

    def take(self, asked: Json, file: bytes) -> None:
        """Create a token with its file, or renew one. Raises PortalRefused."""
        apple_id, tags = str(asked["apple_id"]).strip(), _tags(asked)
        if "token" in asked:
            token = self._room.token(str(asked["token"]))
            self._portal.renew_token(token, file, apple_id=apple_id, scope_tags=tags)
        else:
            kind: TokenType = "appleSchoolManager" if asked.get("school") == "yes" else "dep"
            self._portal.create_token(
                self._tab(asked),
                file,
                apple_id=apple_id,
                name=_text(asked, "name"),
                kind=kind,
                scope_tags=tags,
                consent=asked.get("consent") == "yes",
            )
        self._house.changes.mark()

    def _open(self) -> str:
        while len(self._tabs) >= MOST_TABS:
            self._close(next(iter(self._tabs)))
        tab = str(uuid4())
        self._tabs[tab] = self._portal.open_create()
        return tab

    def _close(self, tab: str) -> None:
        left = self._tabs.pop(tab, None)
        if left is not None:
            left.close()

    def _tab(self, asked: Json) -> CreateTab:
        tab = self._tabs.get(str(asked.get("tab")))
        if tab is None:
            raise PortalRefused(LEFT)
        return tab

    def _add_policy(self, token: TokenEntry, asked: Json) -> None:
        platform = DevicePlatform(asked["platform"])
        self._house.tenant.add_policy(token, _text(asked, "name"), platform=platform)

    def _delete_devices(self, token: TokenEntry, asked: Json) -> None:
        ids = set(asked["ids"]) if "ids" in asked else set(token.identities)
        self._portal.delete_devices(
            token, [one for one in token.identities.values() if one.id in ids]
        )

    def _grant(self, roles: tuple[str, ...]) -> None:
        self._house.tenant.applications[0].roles = set(roles)
        self._house.tenant.revoke_access()

    def _knob(self, name: str, *, on: object) -> None:
        setattr(self._house.tenant.knobs, name, bool(on))

    def _throttle(self, asked: Json) -> None:
        times = ALWAYS if asked["on"] else 0
        self._house.tenant.knobs.throttling = Throttling(times=times)

    def _end_secret(self, asked: Json) -> None:
        """Let the app's secret end now, or a long time from now."""
        tenant = self._house.tenant
        left = timedelta() if asked["on"] else timedelta(days=SECRET_DAYS)
        tenant.applications[0].secrets[-1].expires_at = tenant.now() + left
        tenant.revoke_access()

    def _change_password(self, user: DirectoryUser) -> None:
        user.password_changed_at = self._house.tenant.now()


def _enable(user: DirectoryUser, *, on: bool) -> None:
    user.enabled = on


def _profile(token: TokenEntry, asked: Json) -> EnrollmentProfile:
    return token.profiles[str(asked["profile"])]


def _tags(asked: Json) -> list[str]:
    tags = asked.get("tags") or "0"
    return tags if isinstance(tags, list) else str(tags).split(",")


def _text(asked: Json, key: str) -> str:
    text = str(asked.get(key, "")).strip()
    if not text:
        raise PortalRefused("Enter a name.")
    return text
