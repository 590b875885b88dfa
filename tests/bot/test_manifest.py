"""What the app asks of Slack, what people can press, and what is listened for are the same."""

import dataclasses
import importlib
import json
import logging
import os
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot import listeners
from bot.scopes import LOOKING, SCOPES, SHARING, Granted, missing
from bot.views.usage import COMMAND, USAGES
from tests.bot.samples import TYPICAL
from tests.bot.served import served
from tests.bot.surfaces import homes, messages, views
from tests.sandbox.deployment import MANIFEST
from tests.sandbox.slack.manifest import read_manifest
from tests.sandbox.slack.reading import elements_of

ASKED = read_manifest(MANIFEST)
MESSAGES, VIEWS, HOMES = messages(TYPICAL), views(TYPICAL), homes(TYPICAL)
SCHEMA = "SLACK_MANIFEST_SCHEMA"


class Registry(AsyncApp):
    """A Bolt app that only notes what is registered with it."""

    def __init__(self) -> None:
        super().__init__(authorize=anybody, request_verification_enabled=False)
        self.noted: dict[str, set[str]] = {}

    def _note(self, kind: str, constraint: object) -> Any:  # noqa: ANN401 - Bolt's decorators
        assert isinstance(constraint, str), f"{kind} {constraint} is no plain id"
        self.noted.setdefault(kind, set()).add(constraint)
        return lambda listener: listener

    def command(self, command: Any, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - as Bolt's
        return self._note("command", command)

    def action(self, constraints: Any, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - as Bolt's
        return self._note("action", constraints)

    def view(self, constraints: Any, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - as Bolt's
        return self._note("view", constraints)

    def event(self, event: Any, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - as Bolt's
        return self._note("event", event)

    def shortcut(self, constraints: Any, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - as Bolt's
        return self._note("shortcut", constraints)


async def anybody() -> AuthorizeResult:
    """Slack is not asked."""
    return AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-invented")


def registered(kind: str) -> set[str]:
    """Every id of a kind that some listener takes."""
    registry = Registry()
    for listener in surfaces():
        # What is registered hangs on no collaborator.
        object.__new__(listener).register(registry)
    return registry.noted.get(kind, set())


def surfaces() -> Iterator[Any]:
    for module in pkgutil.iter_modules(listeners.__path__):
        for found in vars(importlib.import_module(f"bot.listeners.{module.name}")).values():
            if dataclasses.is_dataclass(found) and hasattr(found, "register"):
                yield found


def pressable() -> set[str]:
    """Every action_id that somebody can press: inputs of a form are sent with it, not alone."""
    all_blocks = [
        *(block for message in MESSAGES.values() for block in message.blocks),
        *(block for view in [*VIEWS.values(), *HOMES.values()] for block in view["blocks"]),
    ]
    return {
        str(element["action_id"])
        for block in all_blocks
        if block["type"] != "input" or block.get("dispatch_action")
        for element in elements_of(block)
        if "action_id" in element and "url" not in element
    }


def test_there_are_listeners() -> None:
    assert len(list(surfaces())) >= 5
    assert pressable()


def test_every_button_has_a_listener_and_every_listener_a_button() -> None:
    assert registered("action") == pressable()


def test_every_form_has_a_listener_and_every_listener_a_form() -> None:
    forms = {view["callback_id"] for view in VIEWS.values() if "submit" in view}
    assert registered("view") == forms


def test_the_manifests_commands_are_the_registered_ones() -> None:
    assert registered("command") == ASKED.commands == {COMMAND}


def test_the_manifests_events_are_the_registered_ones() -> None:
    assert registered("event") == ASKED.events


def test_the_manifests_shortcuts_are_the_registered_ones() -> None:
    assert registered("shortcut") == ASKED.shortcuts


def test_the_manifests_scopes_are_those_of_the_code() -> None:
    listed = yaml.safe_load(MANIFEST.read_text())["oauth_config"]["scopes"]["bot"]
    assert listed == sorted(SCOPES)


def test_a_missing_scope_is_named_and_groups_are_asked_for_only_where_they_are_used() -> None:
    assert missing(frozenset(), groups=True) == sorted(set(SCOPES) - SHARING)
    assert missing(frozenset(SCOPES) - {"usergroups:read"}, groups=False) == []
    assert missing(frozenset(SCOPES) - {"usergroups:read"}, groups=True) == ["usergroups:read"]


def test_a_start_needs_no_scope_that_only_does_more() -> None:
    assert missing(frozenset(SCOPES) - SHARING, groups=True) == []
    assert not SCOPES.keys() & LOOKING.keys()


def test_scopes_that_slack_does_not_tell_may_be_there() -> None:
    granted = Granted()
    assert granted.may("channels:history")
    granted.note({"x-oauth-scopes": "chat:write, im:history"})
    assert not granted.may("channels:history", "groups:history")
    assert granted.may("channels:history", "im:history")
    granted.note({})
    assert not granted.may("channels:history")


def test_the_commands_hint_names_only_what_works() -> None:
    (command,) = yaml.safe_load(MANIFEST.read_text())["features"]["slash_commands"]
    hinted = set(re.findall(r"[a-z]+", command["usage_hint"]))
    assert hinted <= {usage.word for usage in USAGES}


def test_readmes_lines_for_http_mode_are_the_manifests_but_for_the_way_in() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text())
    text = (MANIFEST.parent / "README.md").read_text(encoding="utf-8")
    commands, settings = (
        yaml.safe_load(found) for found in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    )
    address = "https://YOUR-ADDRESS/slack/events"
    assert [command.pop("url") for command in commands["slash_commands"]] == [address]
    assert commands["slash_commands"] == manifest["features"]["slash_commands"]
    changed = settings["settings"]
    for part in ("event_subscriptions", "interactivity"):
        assert changed[part].pop("request_url") == address
    assert changed == manifest["settings"] | {"socket_mode_enabled": False}


@pytest.mark.skipif(SCHEMA not in os.environ, reason=f"{SCHEMA} names no schema file")
def test_the_manifest_is_valid_by_slacks_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(Path(os.environ[SCHEMA]).read_text(encoding="utf-8"))
    jsonschema.validate(yaml.safe_load(MANIFEST.read_text()), schema)


async def test_no_button_under_any_message_is_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(tmp_path, monkeypatch) as service:
        for name, drawn in MESSAGES.items():
            message = service.slack.post(
                service.alerts, service.slack.bot_user_id, text=name, blocks=drawn.blocks
            )
            for button in message.buttons:
                pressed = {"type": "button", "block_id": "any", **button.element}
                answer = await service.operator.click(pressed, message=message)
                assert answer.ok, (name, button.text)
        await service.service.work.drain(5)
        assert not service.slack.violations
        assert not [heard for heard in service.operator.ephemerals if heard.says("older release")]
        assert not faults(caplog)


async def test_a_button_of_an_older_release_is_told_to_be_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path, monkeypatch) as service:
        old = service.slack.post(service.alerts, service.slack.bot_user_id, text="old")
        await service.operator.click({"type": "button", "action_id": "gone"}, message=old)
        heard = await service.slack.wait_for(lambda: service.operator.ephemerals[0])
        assert heard.says("older release")


async def test_every_example_of_the_help_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(tmp_path, monkeypatch) as service:
        for usage in USAGES:
            assert (await service.operator.command(COMMAND, usage.example or usage.word)).ok
        await service.service.work.drain(5)
        told = [text for heard in service.operator.ephemerals for text in heard.texts()]
        assert service.operator.view is not None
        # create, renew, delete, history and report open a modal instead.
        assert len(service.operator.ephemerals) == len(USAGES) - 5
        assert not [text for text in told if "Did you mean" in text]
        assert not faults(caplog)


def faults(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.message
        for record in caplog.records
        if record.levelno >= logging.ERROR or record.message == "delivery_not_taken"
    ]
