"""The Web API: who calls, whether they may, with what, and what becomes of it."""

import time
from collections.abc import Callable, Mapping

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from tests.sandbox.slack import (
    chat_methods,
    conversation_methods,
    file_methods,
    view_methods,
)
from tests.sandbox.slack.arguments import METHODS, Signature, Unreadable, read_arguments
from tests.sandbox.slack.faults import Fault
from tests.sandbox.slack.reading import Json
from tests.sandbox.slack.refusals import BLAMED, Refused
from tests.sandbox.slack.team import Request, Team, Token
from tests.sandbox.slack.trouble import troubled

Method = Callable[[Team, Json], Json]

HANDLERS: Mapping[str, Method] = {
    "auth.test": conversation_methods.auth_test,
    "apps.connections.open": conversation_methods.connections_open,
    "chat.postMessage": chat_methods.post_message,
    "chat.postEphemeral": chat_methods.post_ephemeral,
    "chat.update": chat_methods.update,
    "chat.delete": chat_methods.delete,
    "chat.getPermalink": chat_methods.get_permalink,
    "conversations.open": conversation_methods.open_conversation,
    "conversations.info": conversation_methods.info,
    "conversations.members": conversation_methods.members,
    "conversations.history": conversation_methods.history,
    "conversations.replies": conversation_methods.replies,
    "files.info": file_methods.info,
    "files.delete": file_methods.delete,
    "files.getUploadURLExternal": file_methods.get_upload_url,
    "files.completeUploadExternal": file_methods.complete_upload,
    "users.info": conversation_methods.user_info,
    "usergroups.users.list": conversation_methods.group_members,
    "usergroups.list": conversation_methods.list_groups,
    "views.open": view_methods.open_view,
    "views.push": view_methods.push,
    "views.update": view_methods.update,
    "views.publish": view_methods.publish,
}


class WebApi:
    """Answers every call of a method, and keeps a record of each."""

    def __init__(self, team: Team) -> None:
        self._team = team

    async def answer(self, request: HttpRequest) -> Response:
        """Take one call over HTTP, with the fault that is set for it."""
        method = request.path_params["method"]
        signature = METHODS.get(method, Signature(takes_json=True))
        record = Request(method=method, arguments={}, at=time.time())
        self._team.requests.append(record)
        try:
            record.arguments = await read_arguments(request, signature)
        except Unreadable as unreadable:
            return self._respond(record, None, self._refusal(record, Refused(str(unreadable))))
        channel = record.arguments.get("channel")
        fault = self._team.faults.take(method, channel)
        token = _token_of(request, record.arguments)
        if fault is None:
            return self._respond(record, token, self._call(record, signature, token))
        return await self._troubled(request, record, signature, token, fault)

    async def _troubled(
        self,
        request: HttpRequest,
        record: Request,
        signature: Signature,
        token: str | None,
        fault: Fault,
    ) -> Response:
        if fault.accepted:
            response = self._respond(record, token, self._call(record, signature, token))
        else:
            refusal = {"ok": False, "error": fault.error or "internal_error"}
            response = self._respond(record, token, refusal)
        answer, happened = await troubled(request, fault, response)
        record.error = record.error or happened or None
        return answer

    def _call(self, record: Request, signature: Signature, token: str | None) -> Json:
        try:
            self._authorise(signature, token)
            _check(record, signature)
            return {"ok": True} | HANDLERS[record.method](self._team, record.arguments)
        except Refused as refused:
            return self._refusal(record, refused)
        finally:
            self._team.on_change()

    def _refusal(self, record: Request, refused: Refused) -> Json:
        record.error = refused.error
        if refused.error in BLAMED:
            why = "; ".join(refused.more.get("errors", []))
            self._team.violate(f"{record.method}: {refused.error} {why}".rstrip())
        return refused.to_answer()

    def _authorise(self, signature: Signature, value: str | None) -> None:
        if not value:
            raise Refused("not_authed")
        token = self._team.tokens.get(value)
        if token is None:
            raise Refused("invalid_auth")
        if token.error:
            raise Refused(token.error)
        if token.kind != signature.token:
            raise Refused("not_allowed_token_type")
        needed = signature.scopes.split()
        if needed and not token.scopes.intersection(needed):
            raise Refused("missing_scope", needed=",".join(needed), provided=_listed(token))

    def _respond(self, record: Request, value: str | None, answer: Json) -> Response:
        response = JSONResponse(answer)
        token = self._team.tokens.get(value or "")
        if token is not None and self._team.shows_scopes:
            response.headers["x-oauth-scopes"] = _listed(token)
            needed = METHODS.get(record.method, Signature()).scopes
            response.headers["x-accepted-oauth-scopes"] = needed.replace(" ", ",")
        return response


def _check(record: Request, signature: Signature) -> None:
    if record.method not in HANDLERS:
        raise Refused("unknown_method", req_method=record.method)
    problems = signature.problems(record.arguments)
    if problems:
        raise Refused.for_reasons("invalid_arguments", problems)


def _token_of(request: HttpRequest, arguments: Json) -> str | None:
    """Take the token from the header, or from a form; never from the address."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    in_form = arguments.pop("token", None)
    if kind == "Bearer" and value:
        return value
    return str(in_form) if in_form and "token" not in request.query_params else None


def _listed(token: Token) -> str:
    return ",".join(sorted(token.scopes))
