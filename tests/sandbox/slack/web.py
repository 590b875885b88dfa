"""The HTTP side of the stand-in: Slack's API, its file host and its response URLs."""

from starlette.applications import Starlette
from starlette.routing import Route

from tests.sandbox.slack.file_host import FileHost
from tests.sandbox.slack.response_urls import ResponseUrls
from tests.sandbox.slack.team import Team
from tests.sandbox.slack.webapi import WebApi


def make_web(team: Team) -> Starlette:
    """Make the app that answers for Slack on one origin."""
    files = FileHost(team)
    return Starlette(
        routes=[
            Route("/api/{method}", WebApi(team).answer, methods=["GET", "POST"]),
            Route("/files-pri/{place}/{name}", files.download),
            Route("/files-pri/{place}/download/{name}", files.download),
            Route("/upload/v1/{ticket}", files.upload, methods=["POST", "PUT"]),
            Route("/actions/{team}/{url}", ResponseUrls(team).answer, methods=["POST"]),
        ]
    )
