"""Answers that the app sends later, to the address a command or click came with."""

import json
import time

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from tests.sandbox.slack.callbacks import ResponseUrl
from tests.sandbox.slack.chat_methods import checked_content, remove
from tests.sandbox.slack.conversations import Message
from tests.sandbox.slack.reading import Json
from tests.sandbox.slack.refusals import Refused
from tests.sandbox.slack.team import Request as Record
from tests.sandbox.slack.team import Team
from tests.sandbox.slack.trouble import troubled

RESPONSE_URL = "response_url"
"""What the record and the faults call an answer; it is no method of the API."""
KEYS = frozenset(
    [
        "attachments",
        "blocks",
        "delete_original",
        "link_names",
        "metadata",
        "mrkdwn",
        "replace_original",
        "response_type",
        "text",
        "thread_ts",
        "unfurl_links",
        "unfurl_media",
    ]
)


class ResponseUrls:
    """Takes what is posted to `/actions/…`."""

    def __init__(self, team: Team) -> None:
        self._team = team

    async def answer(self, request: Request) -> Response:
        """Show the answer, five times within half an hour."""
        url = self._team.response_urls.get(request.path_params["url"])
        if url is None:
            return JSONResponse({"ok": False, "error": "no_such_url"}, 404)
        refusal = url.refusal()
        if refusal:
            self._team.violate(f"response_url: {refusal}")
            return JSONResponse({"ok": False, "error": refusal}, 404)
        url.uses += 1
        try:
            body = json.loads(await request.body())
        except ValueError:
            body = None
        if not isinstance(body, dict):
            self._team.violate("response_url: the body is no JSON object")
            return PlainTextResponse("invalid_payload", 400)
        record = Record(method=RESPONSE_URL, arguments=body, at=time.time())
        self._team.requests.append(record)
        fault = self._team.faults.take(RESPONSE_URL, None)
        if fault is None:
            return self._shown(record, url)
        answer = self._shown(record, url) if fault.accepted else PlainTextResponse("no", 400)
        return (await troubled(request, fault, answer))[0]

    def _shown(self, record: Record, url: ResponseUrl) -> Response:
        try:
            show_answer(self._team, url, record.arguments)
        except Refused as refused:
            record.error = refused.error
            self._team.violate(f"response_url: {refused.error}")
            return PlainTextResponse(refused.error, 400)
        finally:
            self._team.on_change()
        return PlainTextResponse("ok")


def show_answer(team: Team, url: ResponseUrl, body: Json) -> None:
    """Show an answer to one person, to the channel if it says so, or in an old one's place."""
    unknown = sorted(body.keys() - KEYS)
    if unknown:
        raise Refused(f"unknown field: {', '.join(unknown)}")
    original = url.message if url.message and not url.message.deleted else None
    if body.get("delete_original"):
        if original is not None:
            _take_away(team, original)
        return
    content = checked_content(team, body, "response_url")
    channel = team.channels[url.channel_id]
    if body.get("replace_original") and original is not None:
        original.text, original.blocks = content["text"], team.stored(content["blocks"])
    elif body.get("response_type") == "in_channel":
        team.post(channel, team.bot_user_id, thread_ts=body.get("thread_ts"), **content)
    else:
        team.whisper(channel, url.user_id, **content)


def _take_away(team: Team, message: Message) -> None:
    if message.is_ephemeral:
        message.deleted = True
        team.ephemerals.remove(message)
    else:
        remove(team.channels[message.channel_id], message)
