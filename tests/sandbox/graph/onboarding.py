"""`depOnboardingSettings`: tokens, their keys, uploads, syncs and deletion."""

import base64
import binascii
import time
from http import HTTPStatus
from typing import Any, assert_never

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.sandbox.apple.answers import Answer
from tests.sandbox.apple.keypairs import KeyPair
from tests.sandbox.graph import portal
from tests.sandbox.graph.answers import (
    Refused,
    bad_request,
    granted,
    not_found,
    nothing,
    selected,
)
from tests.sandbox.graph.call import Call
from tests.sandbox.graph.entries import TokenEntry, Upload
from tests.sandbox.graph.knobs import KeyText, TokenText
from tests.sandbox.graph.lists import listed
from tests.sandbox.graph.p7m import Unreadable
from tests.sandbox.graph.syncing import TooSoon, sync

TYPE = "#microsoft.graph.depOnboardingSetting"
_KIND = "depOnboardingSetting"
_WRITABLE: dict[str, type] = {
    "@odata.type": str,
    "tokenName": str,
    "tokenType": str,
    "appleIdentifier": str,
    "dataSharingConsentGranted": bool,
    "roleScopeTagIds": list,
}
_MOST = 2000


def entry_of(call: Call) -> TokenEntry:
    """The token that the path names."""
    entry = call.tenant.tokens.get(call.parts["token"])
    if entry is None:
        raise not_found()
    call.tenant.settle(entry)
    return entry


def list_tokens(call: Call) -> Answer:
    """`GET /deviceManagement/depOnboardingSettings`."""
    return listed(call, call.tenant.listed(), lambda one: _shown(call, one), _KIND)


def show(call: Call) -> Answer:
    """`GET …/{id}`."""
    shown = _shown(call, entry_of(call))
    return granted(selected(shown, call.query.get("$select"), _KIND))


def create(call: Call) -> Answer:
    """`POST /deviceManagement/depOnboardingSettings`: an entry without a token."""
    content = call.json(_WRITABLE, required=frozenset({"tokenName"}))
    _check(call, content)
    if not content.get("dataSharingConsentGranted"):
        raise bad_request("Consent to data sharing is required.", packed=True)
    if len(call.tenant.tokens) >= _MOST:
        raise bad_request("The maximum number of tokens is reached.", packed=True)
    entry = TokenEntry(
        name=content["tokenName"],
        apple_id=content.get("appleIdentifier"),
        kind=content.get("tokenType", "dep"),
        modified_at=call.tenant.now(),
        scope_tags=content.get("roleScopeTagIds", ["0"]),
        consent=True,
    )
    call.tenant.tokens[entry.id] = entry
    return granted(_shown(call, entry), HTTPStatus.CREATED)


def change(call: Call) -> Answer:
    """`PATCH …/{id}`."""
    entry = entry_of(call)
    content = call.json(_WRITABLE, required=frozenset())
    _check(call, content)
    entry.name = content.get("tokenName", entry.name)
    entry.apple_id = content.get("appleIdentifier", entry.apple_id)
    entry.scope_tags = content.get("roleScopeTagIds", entry.scope_tags)
    return granted(_shown(call, entry))


def delete(call: Call) -> Answer:
    """`DELETE …/{id}`: refused while anything hangs on it."""
    try:
        portal.delete(call.tenant, entry_of(call))
    except portal.BlockedDeletion as error:
        raise bad_request(str(error), packed=True) from error
    return nothing()


def public_key(call: Call) -> Answer:
    """`GET …/{id}/getEncryptionPublicKey()`."""
    return _key(call, entry_of(call).key_pair())


def generate_key(call: Call) -> Answer:
    """`POST …/{id}/generateEncryptionPublicKey`."""
    call.no_body()
    return _key(call, entry_of(call).new_key_pair())


def upload(call: Call) -> Answer:
    """`POST …/{id}/uploadDepToken`."""
    entry = entry_of(call)
    fields = {"appleId": str, "depToken": str}
    content = call.json(fields, required=frozenset(fields))
    if "@" not in content["appleId"]:
        raise bad_request("The Apple ID is not valid.", packed=True)
    try:
        file = _file(content["depToken"], call.tenant.knobs.token_text)
        opened = portal.accepted(call.tenant, file, entry.key_pair())
    except Unreadable as error:
        raise bad_request(str(error), packed=True) from error
    entry.upload = Upload(
        opened=opened,
        apple_id=content["appleId"],
        at=call.tenant.now(),
        shows_at=time.monotonic() + call.tenant.knobs.shows_after_seconds,
    )
    return nothing()


def sync_token(call: Call) -> Answer:
    """`POST …/{id}/syncWithAppleDeviceEnrollmentProgram`."""
    call.no_body()
    entry, knobs = entry_of(call), call.tenant.knobs
    if entry.expires_at is None:
        raise bad_request("The token has not been uploaded.", packed=True)
    try:
        sync(call.tenant, entry, pause=knobs.sync_pause)
    except TooSoon as error:
        raise Refused(knobs.sync_refused_with, "Conflict", str(error), packed=True) from error
    return nothing()


def _check(call: Call, content: dict[str, Any]) -> None:
    if content.get("tokenType", "dep") not in {"none", "dep", "appleSchoolManager"}:
        raise bad_request(f"The value '{content['tokenType']}' is not valid for depTokenType.")
    if not content.get("tokenName", "x").strip():
        raise bad_request("The token's name is empty.", packed=True)
    unknown = set(content.get("roleScopeTagIds", [])) - call.tenant.scope_tags.keys()
    if unknown:
        raise bad_request(f"Scope tag {min(unknown)} does not exist.", packed=True)


def _shown(call: Call, entry: TokenEntry) -> dict[str, object]:
    typed = {"@odata.type": TYPE} if call.tenant.knobs.types_answers else {}
    return {**typed, **entry.fields()}


def _key(call: Call, pair: KeyPair) -> Answer:
    context = f"{call.origin}/beta/$metadata#Edm.String"
    return granted({"@odata.context": context, "value": _key_text(call, pair)})


def _key_text(call: Call, pair: KeyPair) -> str:
    match call.tenant.knobs.key_text:
        case KeyText.PEM:
            return pair.certificate_pem.decode()
        case KeyText.BASE64:
            certificate = x509.load_pem_x509_certificate(pair.certificate_pem)
            return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
        case _ as never:
            assert_never(never)


def _file(text: str, form: TokenText) -> bytes:
    match form:
        case TokenText.FILE:
            return text.encode()
        case TokenText.BASE64:
            try:
                return base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError):
                raise Unreadable("The token is not base64.") from None
        case _ as never:
            assert_never(never)
