"""What the Intune admin center shows, as the Intune page draws it."""

from datetime import datetime
from typing import Any

from tests.sandbox.demo.house import House
from tests.sandbox.graph.applications import WRITE
from tests.sandbox.graph.entries import Identity, TokenEntry
from tests.sandbox.slack.reading import Json

PAGE = 50


class AdminCenter:
    """The admin center as a page shows it, with the devices that the page asks for."""

    def __init__(self, house: House) -> None:
        self._house = house

    def sections(self) -> dict[str, Any]:
        """Everything but the devices, which come page by page."""
        tenant, knobs = self._house.tenant, self._house.tenant.knobs
        application = tenant.applications[0]
        return {
            "tenant": {
                "name": tenant.name,
                "tags": [{"id": tag.id, "name": tag.name} for tag in tenant.scope_tags.values()],
                "may_write": WRITE in application.roles,
                "secret_expired": application.secrets[-1].expires_at <= tenant.now(),
                "licensed": knobs.licensed,
                "refuses_writes": knobs.refuses_writes,
                "shows_uploads": knobs.shows_uploads,
                "throttled": knobs.throttling.times > 0,
                "down": knobs.down,
            },
            "tokens": [self._token(one) for one in tenant.listed() if one.kind != "none"],
            "people": [
                {
                    "id": user.id,
                    "name": user.name,
                    "address": user.upn,
                    "enabled": user.enabled,
                    "deleted": user.deleted_at is not None,
                    "password": _at(user.password_changed_at),
                }
                for user in (*tenant.users.values(), *tenant.deleted_users.values())
            ],
        }

    def devices(self, asked: Json) -> Json:
        """One page of a token's devices: those whose serial number holds the words."""
        entry, words = self.token(str(asked["token"])), str(asked.get("words", "")).upper()
        found = [one for one in entry.identities.values() if words in one.serial_number]
        first = max(0, int(asked.get("first", 0)))
        names = {profile.id: profile.name for profile in entry.profiles.values()}
        return {
            "total": len(found),
            "first": first,
            "devices": [_device(one, names) for one in found[first : first + PAGE]],
        }

    def token(self, token_id: str) -> TokenEntry:
        """Find a token."""
        return self._house.tenant.tokens[token_id]

    def _token(self, entry: TokenEntry) -> Json:
        live = len(entry.live())
        return {
            "id": entry.id,
            "name": entry.name,
            "apple_id": entry.apple_id,
            "school": entry.kind == "appleSchoolManager",
            "expires": _at(entry.expires_at),
            "expired": entry.expires_at is not None
            and entry.expires_at <= self._house.tenant.now(),
            "synced": _at(entry.synced_at),
            "error": entry.sync_error,
            "devices": live,
            "released": len(entry.identities) - live,
            "tags": entry.scope_tags,
            "profiles": [
                {
                    "id": profile.id,
                    "name": profile.name,
                    "platform": profile.platform.value,
                    "policy": profile.is_policy,
                    "default": entry.defaults.get(profile.platform) is profile,
                }
                for profile in entry.profiles.values()
            ],
        }


def _device(device: Identity, names: dict[str, str]) -> Json:
    return {
        "id": device.id,
        "serial": device.serial_number,
        "platform": device.platform.value,
        "profile": names.get(device.profile_id or "", ""),
        "released": device.released_at is not None,
    }


def _at(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None
