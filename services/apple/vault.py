"""The secrets of the program `apple`: private keys and OAuth values, sealed row by row."""

from datetime import datetime

from services.apple.oauth import OAuthValues
from services.key_pairs import KeyPairMaterial
from services.sealing import KeyRing, SealedRow
from services.server_token import ServerToken
from storage.records import Credentials, KeyPair, new_id
from storage.states import KeyPairState

KEY_PAIR = "key_pair"
CREDENTIALS = "credentials"
OAUTH_FIELDS = ("consumer_key", "consumer_secret", "access_token", "access_secret")


class Vault:
    """Seals secrets into records and opens them for the call that needs them."""

    def __init__(self, keys: KeyRing) -> None:
        self.keys = keys

    def seal_key_pair(self, token_id: str, made: KeyPairMaterial, now: datetime) -> KeyPair:
        """A staged key pair, its private key sealed."""
        row_id = new_id()
        sealed = self.keys.seal_row(KEY_PAIR, row_id, {"private_key": made.private_key_pem})
        return KeyPair(
            id=row_id,
            token_id=token_id,
            state=KeyPairState.STAGED,
            issuer=made.issuer,
            serial=str(made.serial),
            certificate_pem=made.certificate_pem.decode(),
            fingerprint=made.fingerprint,
            data_key=sealed.data_key,
            private_key=sealed.fields["private_key"],
            created_at=now,
        )

    def private_key(self, pair: KeyPair) -> bytes:
        """The pair's private key as PEM. Raises SealBroken."""
        if pair.data_key is None or pair.private_key is None:
            raise AssertionError("the program apple keeps every private key")
        row = SealedRow(data_key=pair.data_key, fields={"private_key": pair.private_key})
        return self.keys.open_row(KEY_PAIR, pair.id, row)["private_key"]

    def seal_credentials(self, pair: KeyPair, token: ServerToken, now: datetime) -> Credentials:
        """The values of a server token file, sealed, to be put in force."""
        row_id = new_id()
        values = {name: getattr(token, name).encode() for name in OAUTH_FIELDS}
        sealed = self.keys.seal_row(CREDENTIALS, row_id, values)
        return Credentials(
            id=row_id,
            token_id=pair.token_id,
            key_pair_id=pair.id,
            data_key=sealed.data_key,
            expires_at=token.access_token_expiry,
            in_force=True,
            created_at=now,
            **sealed.fields,
        )

    def oauth_values(self, credentials: Credentials) -> OAuthValues:
        """The values that sign, in clear. Raises SealBroken."""
        fields = {name: getattr(credentials, name) for name in OAUTH_FIELDS}
        row = SealedRow(data_key=credentials.data_key, fields=fields)
        opened = self.keys.open_row(CREDENTIALS, credentials.id, row)
        return OAuthValues(**{name: value.decode() for name, value in opened.items()})


def oauth_values(token: ServerToken) -> OAuthValues:
    """The values of a candidate that is not stored yet."""
    return OAuthValues(**{name: getattr(token, name) for name in OAUTH_FIELDS})
