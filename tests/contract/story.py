"""Every call that the product makes to Intune, and each way in which it may be refused."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from services.graph.errors import GraphError
from services.graph.intune import Intune
from storage.states import Portal
from tests.sandbox.apple.service import Apple
from tests.sandbox.graph.entries import DevicePlatform
from tests.sandbox.graph.knobs import KeyText
from tests.sandbox.graph.tenant import Tenant

ADMIN = "admin@schools.example"
NOBODY = "00000000-0000-4000-8000-000000000000"


@dataclass(slots=True, kw_only=True)
class Stage:
    """Who takes part: our client, the tenant behind the proxy, and an Apple."""

    intune: Intune
    tenant: Tenant
    apple: Apple
    pass_time: Callable[[timedelta], None]
    names: list[str] = field(default_factory=list)
    """What the calls that follow are about, newest last."""

    async def refused(self, call: Awaitable[object]) -> None:
        """Make a call that has to be refused."""
        try:
            await call
        except GraphError:
            return
        raise AssertionError(f"{self.names[-1]}: not refused")

    def about(self, name: str) -> None:
        """Say what the calls that follow are about."""
        self.names.append(name)


async def tell(stage: Stage) -> None:
    """Make all the calls."""
    setting_id = await _create(stage)
    await _look(stage, setting_id)
    await _devices(stage, setting_id)
    await _profiles(stage, setting_id)
    await _refusals(stage, setting_id)
    await _beside(stage)
    await _delete(stage, setting_id)


async def _create(stage: Stage) -> str:
    intune = stage.intune
    stage.about("create an entry")
    setting = await intune.create(
        name="HQ iPads", apple_id=ADMIN, portal=Portal.SCHOOL, scope_tags=["0"]
    )
    stage.about("a new key, and the key again in both forms")
    pem = await intune.generate_public_key(setting.id)
    for form in KeyText:
        stage.tenant.knobs.key_text = form
        await intune.public_key(setting.id)
    organisation = stage.apple.add_organisation("Example Schools", admin=ADMIN)
    server = organisation.add_server("HQ iPads", certificate_pem=pem.encode())
    server.assign_devices(30)
    stage.about("upload the server token, twice")
    file = server.download_token().content.decode()
    await intune.upload(setting.id, apple_id=ADMIN, dep_token=file)
    await stage.refused(intune.upload(setting.id, apple_id=ADMIN, dep_token=file))
    stage.about("upload what is no server token")
    await stage.refused(intune.upload(setting.id, apple_id=ADMIN, dep_token="hello"))
    stage.about("put scope tags on")
    await intune.set_scope_tags(setting.id, ["0"])
    await stage.refused(intune.set_scope_tags(setting.id, ["99"]))
    return setting.id


async def _look(stage: Stage, setting_id: str) -> None:
    stage.tenant.add_configurator()
    for typed in (True, False):
        stage.tenant.knobs.types_answers = typed
        stage.about(f"list and read tokens, {'with' if typed else 'without'} @odata.type")
        await stage.intune.settings()
        await stage.intune.setting(setting_id)
    stage.about("read a token that is not there")
    await stage.intune.setting(NOBODY)
    stage.about("a list in pages")
    stage.tenant.knobs.page_size, stage.tenant.knobs.largest_page = 1, 1
    await stage.intune.settings()
    stage.tenant.knobs.page_size, stage.tenant.knobs.largest_page = 100, 999


async def _devices(stage: Stage, setting_id: str) -> None:
    stage.about("sync, and sync too early")
    await stage.intune.sync(setting_id)
    for status in (400, 409, 429):
        stage.tenant.knobs.sync_refused_with = status
        await stage.refused(stage.intune.sync(setting_id))
    stage.about("list devices, released ones among them")
    stage.apple.organisations[0].servers[0].unassign(
        stage.apple.organisations[0].servers[0].serials[:3]
    )
    stage.pass_time(timedelta(hours=1))
    await stage.intune.sync(setting_id)
    pages = [page async for page in stage.intune.identities(setting_id)]
    stage.about("delete a device, twice")
    for _ in range(2):
        await stage.intune.delete_identity(setting_id, pages[0][0].id)


async def _profiles(stage: Stage, setting_id: str) -> None:
    token = stage.tenant.tokens[setting_id]
    profiles = []
    for typed in (True, False):
        stage.tenant.knobs.types_answers = typed
        for platform in DevicePlatform:
            stage.tenant.add_profile(token, platform.value, platform=platform, default=True)
        stage.about(f"profiles and defaults, {'with' if typed else 'without'} @odata.type")
        profiles = await stage.intune.profiles(setting_id)
        await stage.intune.defaults(setting_id)
    stage.about("give a profile to devices, and to one that is not there")
    serial = token.live()[0].serial_number
    await stage.intune.assign_profile(setting_id, profiles[0].full_id, [serial])
    await stage.refused(stage.intune.assign_profile(setting_id, profiles[0].id, ["UNKNOWN"]))
    token.defaults.clear()
    stage.about("defaults that are not set")
    await stage.intune.defaults(setting_id)


async def _refusals(stage: Stage, setting_id: str) -> None:
    knobs, intune = stage.tenant.knobs, stage.intune
    stage.about("write without the permission")
    knobs.refuses_writes = True
    await stage.refused(intune.delete(setting_id))
    knobs.refuses_writes = False
    stage.about("a tenant without Intune")
    knobs.licensed = False
    await stage.refused(intune.settings())
    knobs.licensed = True
    stage.about("throttled")
    knobs.throttle(2)
    await intune.settings()
    stage.about("an access token that was taken back")
    stage.tenant.revoke_access()
    await intune.settings()


async def _beside(stage: Stage) -> None:
    stage.about("scope tags")
    await stage.intune.scope_tags()
    stage.about("Apple push certificate, none and one")
    await stage.intune.push_certificate()
    stage.tenant.set_push_certificate(ADMIN)
    await stage.intune.push_certificate()
    stage.about("content tokens")
    stage.tenant.add_content_token("Books")
    await stage.intune.content_tokens()


async def _delete(stage: Stage, setting_id: str) -> None:
    token = stage.tenant.tokens[setting_id]
    stage.about("delete a token that devices hang on")
    await stage.refused(stage.intune.delete(setting_id))
    token.identities.clear()
    stage.about("delete a token that profiles hang on")
    await stage.refused(stage.intune.delete(setting_id))
    token.profiles.clear()
    stage.about("delete a token, twice")
    for _ in range(2):
        await stage.intune.delete(setting_id)
