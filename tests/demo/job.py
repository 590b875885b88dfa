"""The main job by the pages' own acts, without a browser."""

from typing import Any

import httpx

from bot.views.create import PROGRAM
from tests.demo.running import Running, wait_for

APPLE_ID = "it-admin@schools.example"


def general(seen: dict[str, Any]) -> str:
    """The id of the channel that everybody is in."""
    return next(str(entry["id"]) for entry in seen["sidebar"] if entry["name"] == "general")


def form_of(demo: Running) -> dict[str, Any]:
    """The create form, opened by its command."""
    channel = general(demo.seen())
    demo.act("operator", "command", channel=channel, text="/enroll-token create")
    return _form(demo)


def _form(demo: Running) -> dict[str, Any]:
    form: dict[str, Any] = wait_for(
        lambda: next((view for view in demo.seen()["views"] if view["submit"]), None), "the form"
    )
    return form


def _held_here(demo: Running, form: dict[str, Any]) -> None:
    """Choose that the bot itself holds the token; the form is drawn anew for that."""
    spot = {"view": form["id"], "block": PROGRAM, "action": PROGRAM}
    demo.act("operator", "change", **spot, given="apple", values=[])
    wait_for(lambda: "'block_id': 'consent'" in str(demo.seen()["views"]), "the other consent")


def ask(demo: Running, name: str, *, held_here: bool = False) -> None:
    """Fill the form in by its ids, as the page does."""
    form = form_of(demo)
    if held_here:
        _held_here(demo, form)
    consent = "consent" if held_here else "consent_intune"
    values = [
        ["name", "name", name],
        ["apple_id", "apple_id", APPLE_ID],
        ["reason", "reason", "New iPads"],
        [consent, consent, ["agree"]],
    ]
    demo.act("operator", "submit", view=form["id"], values=values)
    wait_for(lambda: demo.seen()["views"][-1]["submit"] is None, "what the form becomes")


def messages(demo: Running, place: str, part: str = "operator") -> list[dict[str, Any]]:
    """What somebody sees in a channel, or, where it has no name, in the app's messages."""
    seen = demo.seen(part=part)
    entry = next(e for e in seen["sidebar"] if (e["name"] == place if place else e["app"]))
    found: list[dict[str, Any]] = seen[f"channel {entry['id']}"]
    return found


def card(demo: Running, part: str = "approver") -> dict[str, Any]:
    """The first message in the approvals channel."""
    return next(iter(messages(demo, "it-approvals", part)), {})


def said(demo: Running, place: str, *words: str) -> dict[str, Any]:
    """The newest message there with all these words, when there is one."""
    found: dict[str, Any] = wait_for(
        lambda: next(
            (m for m in reversed(messages(demo, place)) if all(one in str(m) for one in words)),
            None,
        ),
        f"{words} in {place or 'the direct messages'}",
    )
    return found


def press(demo: Running, part: str, message: dict[str, Any], words: str) -> None:
    """Press a button under a message, by its words."""
    block, action = next(
        (block["block_id"], element["action_id"])
        for block in message["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
        if element["text"]["text"] == words
    )
    where = {"channel": message["channel"], "ts": message["ts"]}
    answer = demo.act(part, "press", **where, block=block, action=action)
    assert answer["ok"], answer


def close(demo: Running) -> None:
    """Close the operator's form."""
    demo.act("operator", "close", view=demo.seen()["views"][-1]["id"], all=True)


def in_use(demo: Running, name: str) -> dict[str, Any]:
    """A token from the request to its use; its organisation and server at Apple."""
    ask(demo, name, held_here=True)
    close(demo)
    wait_for(lambda: card(demo), "the request's card")
    press(demo, "approver", card(demo), "Approve")
    steps = said(demo, "", f"Your steps for {name}")
    organisation = demo.seen("apple")["organisations"][0]
    pem = _saved(demo, messages(demo, "")[0]["files"][0])
    _post(demo, "/apple/server", pem, organisation=organisation["id"], name=name)
    server = demo.seen("apple")["organisations"][0]["servers"][-1]
    asked = {"organisation": organisation["id"], "server": server["uuid"]}
    file = _post(demo, "/apple/token", b"", **asked, admin=APPLE_ID).content
    press(demo, "operator", steps, "Upload server token")
    form = _form(demo)
    spot = {"view": form["id"], "block": "file", "action": "file"}
    _post(demo, "/slack/upload", file, **spot, **{"as": "operator", "name": "token.p7m"})
    demo.act("operator", "submit", view=form["id"], values=[])
    said(demo, "it-alerts", f"{name} is in use")
    close(demo)
    return asked


def _saved(demo: Running, file: dict[str, Any] | str) -> bytes:
    key = file if isinstance(file, str) else file["id"]
    answer = httpx.get(
        f"{demo.url}/slack/file/{key}/file", params={"as": "operator"}, trust_env=False
    )
    return answer.content


def _post(demo: Running, path: str, content: bytes, **asked: str) -> httpx.Response:
    headers = {"Origin": demo.url}
    answer = httpx.post(
        f"{demo.url}{path}", params=asked, content=content, headers=headers, trust_env=False
    )
    assert answer.is_success, answer.text
    return answer
