"""The arguments of each Web API method, and how Slack reads them off a request."""

import json
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.requests import Request

from tests.sandbox.slack.reading import Json

_POSTED = "text blocks attachments markdown_text"
_POST = (
    "as_user attachments blocks icon_emoji icon_url link_names markdown_text parse text username"
)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a method takes: names, of which some are required, and one of some."""

    required: str = ""
    optional: str = ""
    one_of: str = ""
    scopes: str = ""
    """Any one of these is enough."""
    token: str = "bot"
    takes_json: bool = False
    names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        # slack_sdk adds the team it was told of to every call.
        words = f"{self.required} {self.optional} {self.one_of} token team_id".split()
        object.__setattr__(self, "names", frozenset(words))

    def problems(self, arguments: Json) -> list[str]:
        """Say what Slack would answer to these arguments."""
        missing = [name for name in self.required.split() if arguments.get(name) in (None, "")]
        unknown = sorted(arguments.keys() - self.names)
        choice = self.one_of.split()
        # A message without words is told so in another way: no_text.
        if choice and self.one_of != _POSTED and not any(arguments.get(n) for n in choice):
            missing.append(" or ".join(choice))
        return [f"[ERROR] missing required field: {name}" for name in missing] + [
            f"[ERROR] unknown field: {name}" for name in unknown
        ]


METHODS = {
    "auth.test": Signature(),
    "apps.connections.open": Signature(scopes="connections:write", token="app"),
    "chat.postMessage": Signature(
        required="channel",
        optional=f"{_POST} metadata mrkdwn reply_broadcast thread_ts unfurl_links unfurl_media",
        one_of=_POSTED,
        scopes="chat:write",
        takes_json=True,
    ),
    "chat.postEphemeral": Signature(
        required="channel user",
        optional=f"{_POST} thread_ts",
        one_of=_POSTED,
        scopes="chat:write",
        takes_json=True,
    ),
    "chat.update": Signature(
        required="channel ts",
        optional="as_user file_ids link_names metadata parse reply_broadcast",
        one_of=_POSTED,
        scopes="chat:write",
        takes_json=True,
    ),
    "chat.delete": Signature(
        required="channel ts", optional="as_user", scopes="chat:write", takes_json=True
    ),
    "chat.getPermalink": Signature(required="channel message_ts"),
    "conversations.open": Signature(
        optional="return_im prevent_creation",
        one_of="users channel",
        scopes="im:write",
        takes_json=True,
    ),
    "conversations.info": Signature(
        required="channel",
        optional="include_locale include_num_members",
        scopes="channels:read groups:read im:read mpim:read",
    ),
    "conversations.members": Signature(
        required="channel",
        optional="cursor limit",
        scopes="channels:read groups:read im:read mpim:read",
    ),
    "conversations.history": Signature(
        required="channel",
        optional="cursor include_all_metadata inclusive latest limit oldest",
        scopes="channels:history groups:history im:history mpim:history",
    ),
    "conversations.replies": Signature(
        required="channel ts",
        optional="cursor include_all_metadata inclusive latest limit oldest",
        scopes="channels:history groups:history im:history mpim:history",
    ),
    "files.info": Signature(
        required="file", optional="count cursor limit page", scopes="files:read"
    ),
    "files.delete": Signature(required="file", scopes="files:write", takes_json=True),
    "files.getUploadURLExternal": Signature(
        required="filename length", optional="alt_txt snippet_type", scopes="files:write"
    ),
    "files.completeUploadExternal": Signature(
        required="files",
        optional="blocks channel_id channels initial_comment thread_ts",
        scopes="files:write",
        takes_json=True,
    ),
    "users.info": Signature(required="user", optional="include_locale", scopes="users:read"),
    "usergroups.users.list": Signature(
        required="usergroup", optional="include_disabled team_id", scopes="usergroups:read"
    ),
    "usergroups.list": Signature(
        optional="include_count include_disabled include_users team_id", scopes="usergroups:read"
    ),
    "views.open": Signature(
        required="view", one_of="trigger_id interactivity_pointer", takes_json=True
    ),
    "views.push": Signature(
        required="view", one_of="trigger_id interactivity_pointer", takes_json=True
    ),
    "views.update": Signature(
        required="view", one_of="view_id external_id", optional="hash", takes_json=True
    ),
    "views.publish": Signature(required="user_id view", optional="hash", takes_json=True),
}

_STRUCTURED = ("blocks", "attachments", "view", "metadata", "files")


class Unreadable(Exception):
    """The body is not what its content type says; the text is Slack's error."""


async def read_arguments(request: Request, signature: Signature) -> Json:
    """Read the query, and the form or JSON of a POST, as one set of arguments."""
    arguments: Json = dict(request.query_params)
    if request.method == "POST":
        arguments |= await _body(request, signature)
    for name in _STRUCTURED:
        if isinstance(arguments.get(name), str):
            arguments[name] = _parsed(arguments[name])
    return arguments


async def _body(request: Request, signature: Signature) -> Json:
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if not body:
        return {}
    if kind == "application/x-www-form-urlencoded":
        try:
            return dict(parse_qsl(body.decode(), keep_blank_values=True))
        except UnicodeDecodeError as error:
            raise Unreadable("invalid_charset") from error
    if kind != "application/json":
        raise Unreadable("invalid_post_type")
    if not signature.takes_json:
        raise Unreadable("invalid_arguments")
    try:
        arguments = json.loads(body)
    except ValueError as error:
        raise Unreadable("invalid_json") from error
    if not isinstance(arguments, dict):
        raise Unreadable("json_not_object")
    return arguments


def _parsed(text: str) -> object:
    """Parse an argument that is JSON inside a form or a query; leave it if it is not."""
    try:
        return json.loads(text)
    except ValueError:
        return text
