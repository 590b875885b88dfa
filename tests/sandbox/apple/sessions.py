"""Who is let in: `/session` with OAuth, every other call with a session."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Protocol

from tests.sandbox.apple.answers import Refused
from tests.sandbox.apple.behaviour import Behaviour, TermsRefusedOn
from tests.sandbox.apple.call import Call
from tests.sandbox.apple.oauth import CLOCK_WINDOW, SignedRequest, read_header
from tests.sandbox.apple.organisation import Organisation
from tests.sandbox.apple.server import Server
from tests.sandbox.apple.tokens import IssuedToken, Session, TokenState


class House(Protocol):
    """Apple, as far as the door knows it."""

    organisations: list[Organisation]
    behaviour: Behaviour

    def now(self) -> datetime:
        """Tell the calendar's time."""


class Sessions:
    """The sessions that live, and the nonces that were used."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._live: dict[str, tuple[Session, Organisation, Server]] = {}
        self._nonces: set[tuple[str, str]] = set()

    def open(self, call: Call) -> dict[str, str]:
        """Answer `/session`."""
        signed = read_header(
            call.headers.get("authorization"), method=call.method, url=call.url, query=call.query
        )
        organisation, server, token = self._find(signed)
        call.record.server_uuid = server.uuid
        self._check_request(signed, token)
        self._check_token(organisation, token)
        self._check_terms(organisation, TermsRefusedOn.SESSION)
        server.last_connected_at = self._house.now()
        return {"auth_session_token": self._begin(organisation, server, token).text}

    def enter(self, call: Call) -> tuple[Organisation, Server]:
        """Let a call in by its session."""
        _, organisation, server = self._lookup(call)
        call.record.server_uuid = server.uuid
        self._check_terms(organisation, TermsRefusedOn.OTHER_CALLS)
        server.last_connected_at = self._house.now()
        return organisation, server

    def rotate(self, call: Call) -> str | None:
        """End the session of a call and begin another in its place."""
        found = self._live.pop(call.headers.get("x-adm-auth-session", ""), None)
        if found is None:
            return None
        session, organisation, server = found
        return self._begin(organisation, server, session.token).text

    def end_all(self) -> None:
        """Forget every session, as after a restart of the service."""
        self._live.clear()

    def _begin(self, organisation: Organisation, server: Server, token: IssuedToken) -> Session:
        ends_at = datetime.now(UTC) + self._house.behaviour.session_lifetime
        session = Session(token=token, ends_at=ends_at)
        if self._house.behaviour.one_session_per_token:
            for other, *_ in list(self._live.values()):
                if other.token is token:
                    del self._live[other.text]
        self._live[session.text] = (session, organisation, server)
        return session

    def _lookup(self, call: Call) -> tuple[Session, Organisation, Server]:
        found = self._live.get(call.headers.get("x-adm-auth-session", ""))
        if found is None:
            raise Refused(*self._house.behaviour.lost_session)
        session, organisation, _ = found
        is_over = datetime.now(UTC) >= session.ends_at
        if is_over or not self._is_alive(organisation, session.token):
            del self._live[session.text]
            raise Refused(*self._house.behaviour.lost_session)
        return found

    def _is_alive(self, organisation: Organisation, token: IssuedToken) -> bool:
        return (
            token.state is TokenState.CURRENT
            and token.admin in organisation.admins
            and self._house.now() < token.credentials.access_token_expiry
        )

    def _issued(self) -> Iterator[tuple[Organisation, Server, IssuedToken]]:
        for organisation in self._house.organisations:
            for server in (*organisation.servers, *organisation.removed_servers):
                for token in server.tokens:
                    yield organisation, server, token

    def _find(self, signed: SignedRequest) -> tuple[Organisation, Server, IssuedToken]:
        is_known = False
        for found in self._issued():
            credentials = found[2].credentials
            if credentials.consumer_key == signed.consumer_key:
                is_known = True
                if credentials.access_token == signed.token:
                    return found
        code = "token_rejected" if is_known else "consumer_key_unknown"
        raise Refused(HTTPStatus.UNAUTHORIZED, code)

    def _check_request(self, signed: SignedRequest, token: IssuedToken) -> None:
        """Check what the wire shows: time, nonce, signature; all by the machine's clock."""
        if abs(time.time() - signed.timestamp) > CLOCK_WINDOW:
            raise Refused(HTTPStatus.UNAUTHORIZED, "timestamp_refused")
        credentials = token.credentials
        if not signed.is_signed_with(credentials.consumer_secret, credentials.access_secret):
            raise Refused(HTTPStatus.UNAUTHORIZED, "signature_invalid")
        nonce = (signed.token, signed.nonce)
        if nonce in self._nonces:
            raise Refused(HTTPStatus.UNAUTHORIZED, "nonce_used")
        self._nonces.add(nonce)

    def _check_token(self, organisation: Organisation, token: IssuedToken) -> None:
        behaviour = self._house.behaviour
        if token.state is TokenState.SUPERSEDED:
            raise Refused(behaviour.superseded_status, "signature_invalid")
        if token.state is TokenState.REVOKED:
            raise Refused(behaviour.revoked_status, "token_rejected")
        if self._house.now() >= token.credentials.access_token_expiry:
            raise Refused(*behaviour.expired)
        if token.admin not in organisation.admins:
            raise Refused(HTTPStatus.FORBIDDEN, "FORBIDDEN")

    def _check_terms(self, organisation: Organisation, here: TermsRefusedOn) -> None:
        refused_on = self._house.behaviour.terms_refused_on
        if not organisation.terms_signed and refused_on in {here, TermsRefusedOn.EVERY_CALL}:
            raise Refused(HTTPStatus.FORBIDDEN, "T_C_NOT_SIGNED")
