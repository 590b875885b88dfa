"""How a token is, by what Intune says of it.

Intune has no word for it: the end, the number of Apple's last error and the last sync that went
well are what there is. Trouble of Graph itself says nothing of the token.
Source: Graph beta, `depOnboardingSetting`; Intune syncs each token every 12 hours by itself.
"""

from datetime import datetime, timedelta

from services.graph.errors import GraphError, GraphTrouble
from services.graph.intune import Intune
from services.graph.messages import TERMS_UNSIGNED, Setting
from services.programs import AccountDetail, Holding
from storage.records import Token
from storage.states import Health

STALE_AFTER = timedelta(hours=26)
"""Two of Intune's periods, and the time that a sync may take."""


async def read(intune: Intune | None, token: Token, now: datetime) -> Holding:
    """Ask Intune; trouble is told as health with Intune's facts as evidence.

    A token that nobody can ask about is told by the date that a person entered.
    """
    if intune is None or token.holder_id is None:
        return _by_date(token, now)
    try:
        setting = await intune.setting(token.holder_id)
    except GraphError as error:
        throttled = error.trouble is GraphTrouble.THROTTLED
        silence = Health.THROTTLED if throttled else Health.UNREACHABLE
        return _untold(token, silence, str(error))
    if setting is None:
        # That it was deleted there is followed by the import, which looks twice.
        return _untold(token, None, "Intune does not have it any more")
    health, evidence = judge(setting, now)
    return Holding(
        health=health,
        evidence=evidence,
        account=account_of(setting),
        expires_at=setting.expires_at,
        devices=setting.devices,
    )


def judge(setting: Setting, now: datetime) -> tuple[Health | None, str]:
    """The token's health and why; None where Intune shows an entry without a token."""
    if setting.expires_at is None:
        return None, "Intune shows no token in this entry"
    if setting.expires_at <= now:
        return Health.EXPIRED, f"Intune shows that it expired on {setting.expires_at:%Y-%m-%d}"
    if setting.sync_error == TERMS_UNSIGNED:
        said = f"Apple reported error {setting.sync_error} to Intune: its terms are not accepted"
        return Health.TERMS_UNSIGNED, said
    if setting.sync_error:
        return Health.SYNC_ERROR, f"Apple reported error {setting.sync_error} to Intune"
    return _by_sync(setting, now)


def account_of(setting: Setting) -> AccountDetail:
    """Whose it is, as far as Intune tells: the Apple ID."""
    return AccountDetail(
        server_uuid=None,
        server_name=None,
        org_id=None,
        org_id_hash=None,
        org_name=None,
        admin_id=setting.apple_id,
    )


def _by_sync(setting: Setting, now: datetime) -> tuple[Health, str]:
    last = setting.synced_at or setting.modified_at
    late = last is not None and now - last > STALE_AFTER
    if setting.synced_at is None:
        said = "Intune has never synced it with Apple"
        return (Health.STALE, said) if late else (Health.OK, f"{said} yet")
    at = f"{setting.synced_at:%Y-%m-%d %H:%M} UTC"
    return (Health.STALE if late else Health.OK), f"Intune's last good sync with Apple: {at}"


def _by_date(token: Token, now: datetime) -> Holding:
    expired = token.expires_at is not None and token.expires_at <= now
    said = "the date that was entered here; nobody asks Intune"
    return _untold(token, Health.EXPIRED if expired else None, said)


def _untold(token: Token, health: Health | None, evidence: str) -> Holding:
    return Holding(
        health=health,
        evidence=evidence,
        account=None,
        expires_at=token.expires_at,
        devices=None,
    )
