"""Microsoft, wired: one app registration at Entra, and what is asked of Graph through it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.settings import Settings
from services.errors import ConfigurationError
from services.graph.entra import (
    Application,
    ClientCertificate,
    ClientSecret,
    Entra,
    read_certificate,
)
from services.graph.exchange import graph_http
from services.graph.http import Graph, Patience
from services.graph.intune import Intune
from services.graph.strategy import KeyText, Strategy
from services.graph.users import EntraUsers


@dataclass(frozen=True, slots=True, kw_only=True)
class Microsoft:
    """What may be asked of one tenant; both share its budget and its access token."""

    tenant: str
    intune: Intune
    users: EntraUsers


@asynccontextmanager
async def microsoft_of(
    settings: Settings,
    called: Callable[[str], None] | None = None,
    *,
    patience: Patience | None = None,
) -> AsyncIterator[Microsoft | None]:
    """The tenant, with its connections open; None where no app registration is set.

    `called` is told how each call to Graph ended. Raises ConfigurationError.
    """
    application = application_of(settings)
    if application is None:
        yield None
        return
    async with (
        graph_http(settings.graph_url, called) as http,
        graph_http(settings.entra_login_url) as login,
    ):
        graph = Graph(http, Entra(login, application), patience=patience)
        yield Microsoft(tenant=application.tenant_id, intune=Intune(graph), users=EntraUsers(graph))


def application_of(settings: Settings) -> Application | None:
    """The app registration; None where none is set. Raises ConfigurationError."""
    if settings.entra_client_id is None or settings.entra_tenant_id is None:
        return None
    return Application(
        tenant_id=settings.entra_tenant_id,
        client_id=settings.entra_client_id,
        credential=_credential(settings),
        resource=settings.graph_url,
    )


def strategy_of(settings: Settings) -> Strategy:
    """How tokens come into Intune by calls, where no document settles it."""
    form = settings.intune_public_key
    return Strategy(
        order=settings.intune_create_order,
        encoding=settings.intune_token_encoding,
        key_texts=frozenset(one for one in KeyText if form in {"any", one}),
    )


def _credential(settings: Settings) -> ClientSecret | ClientCertificate:
    if settings.entra_client_secret is not None:
        return ClientSecret(value=settings.entra_client_secret.get_secret_value())
    path = settings.entra_client_certificate or ""
    try:
        return read_certificate(Path(path).read_bytes())
    except OSError as error:
        why = type(error).__name__
        raise ConfigurationError(
            f"ENTRA_CLIENT_CERTIFICATE: {why}",
            user_message=f"ENTRA_CLIENT_CERTIFICATE names a file that cannot be read: {why}.",
        ) from error
