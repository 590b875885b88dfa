"""What is asked of Slack once, before anything else: are the tokens good, and the scopes there."""

from dataclasses import dataclass

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.scopes import SCOPES, missing, told
from bot.settings import Settings
from bot.slack_errors import LOST, code_of, status_of
from services.errors import ConfigurationError
from services.policy import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSide:
    """What Slack says of the app: its workspace, its bot, and its scopes where it tells them."""

    team_id: str
    team: str
    bot_user: str
    scopes: frozenset[str] | None


async def preflight(client: AsyncWebClient, settings: Settings) -> SlackSide:
    """Prove the bot token and its scopes. Raises ConfigurationError: one sentence."""
    try:
        answer = await client.auth_test()
    except SlackApiError as error:
        code = code_of(error)
        if not code:
            raise _unreachable(settings, f"HTTP {status_of(error)}") from error
        raise _wrong(
            f"Slack refuses SLACK_BOT_TOKEN ({code}). Copy the Bot User OAuth Token from the "
            "app's page *OAuth & Permissions* at Slack."
        ) from error
    except LOST as error:
        raise _unreachable(settings, type(error).__name__) from error
    side = SlackSide(
        team_id=str(answer["team_id"]),
        team=str(answer["team"]),
        bot_user=str(answer["user_id"]),
        scopes=told(answer.headers),
    )
    _check_scopes(side, settings)
    return side


async def preflight_sockets(client: AsyncWebClient, settings: Settings) -> None:
    """Prove the app token, where Socket Mode is asked for. Raises ConfigurationError."""
    if settings.slack_app_token is None:
        return
    try:
        # The address is left unused: it is good for one connection, for a short while.
        await client.apps_connections_open(app_token=settings.slack_app_token.get_secret_value())
    except SlackApiError as error:
        code = code_of(error)
        if not code:
            raise _unreachable(settings, f"HTTP {status_of(error)}") from error
        raise _wrong(
            f"Slack refuses SLACK_APP_TOKEN ({code}). Make an app-level token (xapp-…) with the "
            "scope connections:write: on the app's page *Basic Information* at Slack, under "
            "*App-Level Tokens*."
        ) from error
    except LOST as error:
        raise _unreachable(settings, type(error).__name__) from error


def role_assignments(settings: Settings) -> dict[Role, tuple[str, ...]]:
    """Which people and groups have each role."""
    return {
        Role.VIEWER: settings.viewers or settings.operators,
        Role.OPERATOR: settings.operators,
        Role.APPROVER: settings.approvers,
        Role.ADMIN: settings.admins,
    }


def _check_scopes(side: SlackSide, settings: Settings) -> None:
    if side.scopes is None:
        return
    named = {one for ids in role_assignments(settings).values() for one in ids}
    groups = any(one.startswith("S") for one in named)
    if lacking := missing(side.scopes, groups=groups):
        what = "; ".join(f"{scope} ({SCOPES[scope]})" for scope in lacking)
        raise _wrong(
            f"The Slack app lacks {what}. Add it under *OAuth & Permissions* (or paste "
            "manifest.yml), then reinstall the app to the workspace."
        )


def _unreachable(settings: Settings, why: str) -> ConfigurationError:
    return _wrong(
        f"Slack cannot be reached at {settings.slack_api_url} ({why}). "
        "Check the network, and SLACK_API_URL if it is set."
    )


def _wrong(sentence: str) -> ConfigurationError:
    return ConfigurationError(sentence, user_message=sentence)
