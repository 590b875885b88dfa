"""One tenant: its applications, its people, and the tokens that its Intune holds."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tests.sandbox.apple.service import Apple
from tests.sandbox.graph.applications import FULL, AppRegistration
from tests.sandbox.graph.entries import (
    ContentToken,
    DevicePlatform,
    EnrollmentProfile,
    Identity,
    Policy,
    PushCertificate,
    ScopeTag,
    TokenEntry,
    TokenType,
)
from tests.sandbox.graph.knobs import Knobs
from tests.sandbox.graph.people import DirectoryUser
from tests.sandbox.graph.portal import Portal


class Tenant:
    """What one organisation has at Microsoft.

    With `apple` its syncs ask that Apple, by the token that was uploaded; without, they go well
    and bring nothing.
    """

    def __init__(self, name: str, *, now: Callable[[], datetime], apple: Apple | None) -> None:
        self.name = name
        self.id = str(uuid4())
        self.now = now
        self.apple = apple
        self.knobs = Knobs()
        self.applications: list[AppRegistration] = []
        self.issued: set[str] = set()
        """The access tokens that are in force."""
        self.users: dict[str, DirectoryUser] = {}
        self.deleted_users: dict[str, DirectoryUser] = {}
        self.tokens: dict[str, TokenEntry] = {}
        self.policies: dict[str, Policy] = {}
        self.scope_tags = {"0": ScopeTag(id="0", name="Default")}
        self.push_certificate: PushCertificate | None = None
        self.content_tokens: dict[str, ContentToken] = {}
        self.portal = Portal(self)

    def add_application(
        self, name: str = "enroll-token", *, roles: tuple[str, ...] = FULL
    ) -> AppRegistration:
        """Register an application; an admin consents to its permissions."""
        application = AppRegistration(name=name, roles=set(roles))
        self.applications.append(application)
        return application

    def revoke_access(self) -> None:
        """Take back every access token that was issued."""
        self.issued.clear()

    def add_token(
        self,
        name: str,
        *,
        apple_id: str = "it@contoso.example",
        days: float | None = 365,
        kind: TokenType = "dep",
        devices: int = 0,
        scope_tags: tuple[str, ...] = ("0",),
    ) -> TokenEntry:
        """Put a token there that somebody made long ago; `days` until it expires, None: never."""
        now = self.now()
        entry = TokenEntry(
            name=name,
            apple_id=apple_id,
            kind=kind,
            expires_at=None if days is None else now + timedelta(days=days),
            modified_at=now - timedelta(days=30),
            synced_at=now - timedelta(hours=2),
            triggered_at=now - timedelta(hours=2),
            scope_tags=list(scope_tags),
            consent=True,
        )
        self.tokens[entry.id] = entry
        self.add_devices(entry, devices)
        return entry

    def add_configurator(self) -> TokenEntry:
        """Put the entry there that stands for Apple Configurator."""
        entry = self.add_token("Apple Configurator", days=None, kind="none")
        entry.apple_id = None
        return entry

    def add_devices(
        self, entry: TokenEntry, number: int, platform: DevicePlatform = DevicePlatform.IOS
    ) -> list[Identity]:
        """Let a sync have brought so many more devices."""
        first = len(entry.identities) + 1
        made = [
            Identity(
                id=str(uuid4()),
                serial_number=f"S{entry.id[:4].upper()}{index:07d}",
                platform=platform,
                created_at=self.now(),
            )
            for index in range(first, first + number)
        ]
        entry.identities.update((one.id, one) for one in made)
        entry.synced_devices = len(entry.live())
        return made

    def add_profile(
        self,
        entry: TokenEntry,
        name: str,
        *,
        platform: DevicePlatform = DevicePlatform.IOS,
        default: bool = False,
    ) -> EnrollmentProfile:
        """Let somebody have made a legacy enrollment profile."""
        made = EnrollmentProfile(id=f"{entry.id}_{uuid4()}", name=name, platform=platform)
        entry.profiles[made.id] = made
        if default:
            entry.defaults[platform] = made
        return made

    def add_policy(
        self,
        entry: TokenEntry,
        name: str,
        *,
        platform: DevicePlatform = DevicePlatform.IOS,
        default: bool = False,
    ) -> Policy:
        """Let somebody have made an enrollment policy; it has a twin among the profiles."""
        made = Policy(name=name, token_id=entry.id, platform=platform)
        self.policies[made.id] = made
        twin = EnrollmentProfile(
            id=f"{entry.id}_{made.id}", name=name, platform=platform, is_policy=True
        )
        entry.profiles[twin.id] = twin
        if default:
            entry.defaults[platform] = twin
        return made

    def add_scope_tag(self, name: str) -> ScopeTag:
        """Make a scope tag."""
        tag = ScopeTag(id=str(len(self.scope_tags)), name=name)
        self.scope_tags[tag.id] = tag
        return tag

    def add_user(self, name: str, upn: str, *, mail: str | None = None) -> DirectoryUser:
        """Let somebody join."""
        changed = self.now() - timedelta(days=90)
        user = DirectoryUser(name=name, upn=upn, mail=mail or upn, password_changed_at=changed)
        user.proxy_addresses.append(f"SMTP:{user.mail}")
        self.users[user.id] = user
        return user

    def delete_user(self, user: DirectoryUser) -> None:
        """Delete a person; they are kept among the deleted for 30 days."""
        del self.users[user.id]
        user.deleted_at = self.now()
        self.deleted_users[user.id] = user

    def set_push_certificate(self, apple_id: str, *, days: float = 365) -> PushCertificate:
        """Give the tenant its Apple push certificate."""
        now = self.now()
        self.push_certificate = PushCertificate(
            apple_id=apple_id,
            expires_at=now + timedelta(days=days),
            modified_at=now - timedelta(days=1),
        )
        return self.push_certificate

    def add_content_token(
        self, name: str, *, apple_id: str = "it@contoso.example", days: float = 365
    ) -> ContentToken:
        """Give the tenant a content (VPP) token."""
        now = self.now()
        made = ContentToken(
            name=name,
            organisation=self.name,
            apple_id=apple_id,
            expires_at=now + timedelta(days=days),
            synced_at=now - timedelta(hours=3),
        )
        self.content_tokens[made.id] = made
        return made

    def token(self, name: str) -> TokenEntry:
        """The first token of that name."""
        return next(one for one in self.listed() if one.name == name)

    def listed(self) -> list[TokenEntry]:
        """All tokens, uploads shown that are due."""
        for entry in self.tokens.values():
            self.settle(entry)
        return list(self.tokens.values())

    def settle(self, entry: TokenEntry) -> None:
        """Let an upload show, once its time has come."""
        upload = entry.upload
        if upload is None or not self.knobs.shows_uploads or upload.shows_at > time.monotonic():
            return
        entry.opened, entry.upload = upload.opened, None
        entry.expires_at, entry.apple_id = upload.opened.expires_at, upload.apple_id
        entry.modified_at, entry.sync_error = upload.at, 0


def machine_time() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)
