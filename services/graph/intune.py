"""What Intune does with enrollment program tokens: Graph beta, one method an operation.

Every method raises GraphError. Source: Graph beta, `deviceManagement/depOnboardingSettings`; v1.0
does not have it.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import TypeVar
from urllib.parse import quote

from services.graph.answers import (
    TOKEN_TYPES,
    ContentTokenAnswer,
    IdentityAnswer,
    PolicyAnswer,
    ProfileAnswer,
    PushCertificateAnswer,
    ScopeTagAnswer,
    SettingAnswer,
    Text,
)
from services.graph.errors import GraphError, GraphTrouble
from services.graph.http import Graph
from services.graph.messages import (
    ContentToken,
    DefaultProfile,
    Defaults,
    Identity,
    Platform,
    Policy,
    Profile,
    PushCertificate,
    ScopeTag,
    Setting,
)
from storage.states import Portal

MANAGEMENT = "/beta/deviceManagement"
SETTINGS = f"{MANAGEMENT}/depOnboardingSettings"
DEFAULTS = {
    Platform.IOS: "defaultIosEnrollmentProfile",
    Platform.MACOS: "defaultMacOsEnrollmentProfile",
    Platform.TVOS: "defaultTvOSEnrollmentProfile",
    Platform.VISIONOS: "defaultVisionOSEnrollmentProfile",
}
Item = TypeVar("Item")
SYNC_REFUSED = frozenset({400, 409, 429})


class Intune:
    """The tokens of one tenant, and what hangs on them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    async def roles(self) -> frozenset[str]:
        """The permissions in the access token in use, such as `User.Read.All`."""
        return await self.graph.roles()

    async def settings(self) -> list[Setting]:
        """All tokens, without the entry of Apple Configurator."""
        pages = self.graph.pages(SETTINGS, SettingAnswer)
        return [one.record() async for page in pages for one in page if not one.pseudo]

    async def setting(self, setting_id: str) -> Setting | None:
        """One token; None where Intune does not have it (any more)."""
        answer = await self.graph.find(_of(setting_id), SettingAnswer)
        return answer.record() if answer else None

    async def create(
        self, *, name: str, apple_id: str, portal: Portal, scope_tags: Sequence[str]
    ) -> Setting:
        """An entry without a token yet; the consent to share data with Apple goes with it."""
        body: dict[str, object] = {
            "@odata.type": "#microsoft.graph.depOnboardingSetting",
            "tokenName": name,
            "tokenType": TOKEN_TYPES[portal],
            "appleIdentifier": apple_id,
            "dataSharingConsentGranted": True,
        }
        if scope_tags:
            body["roleScopeTagIds"] = list(scope_tags)
        return (await self.graph.post(SETTINGS, body, SettingAnswer)).record()

    async def set_scope_tags(
        self,
        setting_id: str,
        scope_tags: Sequence[str],
    ) -> None:
        """Put exactly these scope tags on the token."""
        await self.graph.patch(
            _of(setting_id),
            {
                "@odata.type": "#microsoft.graph.depOnboardingSetting",
                "roleScopeTagIds": list(scope_tags),
            },
        )

    async def delete(self, setting_id: str) -> None:
        """Delete the token; one that is gone already is fine."""
        await self.graph.delete(_of(setting_id))

    async def public_key(self, setting_id: str) -> str | None:
        """The certificate for the portal, as Intune gives it; None where there is none yet."""
        answer = await self.graph.find(_of(setting_id, "getEncryptionPublicKey()"), Text)
        return (answer.value or None) if answer else None

    async def generate_public_key(self, setting_id: str) -> str:
        """Make a new key pair in place of the one before; the certificate as Intune gives it."""
        answer = await self.graph.post(_of(setting_id, "generateEncryptionPublicKey"), None, Text)
        if not answer.value:
            raise GraphError(GraphTrouble.GARBLED, "no public key in the answer")
        return answer.value

    async def upload(self, setting_id: str, *, apple_id: str, dep_token: str) -> None:
        """Hand in the server token file, in the form that the settings say."""
        body = {"appleId": apple_id, "depToken": dep_token}
        await self.graph.act(_of(setting_id, "uploadDepToken"), body)

    async def sync(self, setting_id: str) -> None:
        """Ask Intune to sync the token with Apple; TOO_SOON where it does that only later."""
        try:
            await self.graph.act(
                _of(setting_id, "syncWithAppleDeviceEnrollmentProgram"), patient=False
            )
        except GraphError as error:
            if error.status in SYNC_REFUSED:
                raise error.as_trouble(GraphTrouble.TOO_SOON) from error
            raise

    async def identities(self, setting_id: str) -> AsyncGenerator[list[Identity], None]:
        """The devices under the token, page by page, released ones among them."""
        path = _of(setting_id, "importedAppleDeviceIdentities")
        async for page in self.graph.pages(path, IdentityAnswer):
            yield [one.record() for one in page]

    async def delete_identity(self, setting_id: str, identity_id: str) -> None:
        """Remove a device from Intune; it comes back unless it is unassigned at Apple."""
        await self.graph.delete(_of(setting_id, "importedAppleDeviceIdentities", identity_id))

    async def defaults(self, setting_id: str) -> Defaults:
        """The default profile of each platform, by the four navigations."""
        found = {
            platform: await self._default(setting_id, name) for platform, name in DEFAULTS.items()
        }
        return Defaults(by_platform=found)

    async def _default(self, setting_id: str, navigation: str) -> DefaultProfile | None:
        answer = await self.graph.find(_of(setting_id, navigation), ProfileAnswer)
        return answer.default() if answer else None

    async def profiles(self, setting_id: str) -> list[Profile]:
        """All enrollment profiles of the token, twins of policies among them."""
        pages = self.graph.pages(_of(setting_id, "enrollmentProfiles"), ProfileAnswer)
        return [one.record() async for page in pages for one in page if one.id]

    async def policies(self, setting_id: str) -> list[Policy] | None:
        """The enrollment policies made for the token; None where we may not look."""
        condition = quote("technologies has 'enrollment'", safe="")
        path = f"{MANAGEMENT}/configurationPolicies?$filter={condition}"
        found = await self._permitted(f"{path}&$select=id,name,creationSource", PolicyAnswer)
        if found is None:
            return None
        made_for = f"deptokenid_{setting_id}".casefold()
        return [one.record() for one in found if (one.creation_source or "").casefold() == made_for]

    async def assign_profile(
        self,
        setting_id: str,
        profile_id: str,
        serial_numbers: Sequence[str],
    ) -> None:
        """Give devices a profile, by its `full_id` or bare id."""
        full = profile_id if "_" in profile_id else f"{setting_id}_{profile_id}"
        path = _of(setting_id, "enrollmentProfiles", full, "updateDeviceProfileAssignment")
        await self.graph.act(path, {"deviceIds": list(serial_numbers)})

    async def scope_tags(self) -> list[ScopeTag] | None:
        """All scope tags of the tenant; None where we may not look."""
        found = await self._permitted(f"{MANAGEMENT}/roleScopeTags", ScopeTagAnswer)
        return None if found is None else [one.record() for one in found]

    async def push_certificate(self) -> PushCertificate | None:
        """The tenant's Apple push certificate; None where there is none."""
        path = f"{MANAGEMENT}/applePushNotificationCertificate"
        answer = await self.graph.find(path, PushCertificateAnswer)
        return answer.record() if answer else None

    async def content_tokens(self) -> list[ContentToken]:
        """All content (VPP) tokens of the tenant."""
        pages = self.graph.pages("/beta/deviceAppManagement/vppTokens", ContentTokenAnswer)
        return [one.record() async for page in pages for one in page]

    async def _permitted(self, path: str, kind: type[Item]) -> list[Item] | None:
        try:
            return [one async for page in self.graph.pages(path, kind) for one in page]
        except GraphError as error:
            if error.trouble is GraphTrouble.FORBIDDEN:
                return None
            raise


def _of(setting_id: str, *parts: str) -> str:
    segments = [quote(part, safe="()") for part in (setting_id, *parts)]
    if {"", ".", ".."} & set(segments):
        raise GraphError(GraphTrouble.GARBLED, "an id that leads elsewhere")
    return "/".join([SETTINGS, *segments])
