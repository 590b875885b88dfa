"""What an app manifest grants an app, for a workspace that installs it."""

from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The parts of a manifest that change how Slack treats the app."""

    scopes: frozenset[str]
    commands: frozenset[str]
    events: frozenset[str]
    shortcuts: frozenset[str]
    escapes_commands: bool


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.yml; parts that are missing grant nothing."""
    manifest = yaml.safe_load(path.read_text())
    features = manifest.get("features", {})
    settings = manifest.get("settings", {})
    commands = features.get("slash_commands", [])
    subscriptions = settings.get("event_subscriptions", {})
    return Manifest(
        scopes=frozenset(manifest["oauth_config"]["scopes"]["bot"]),
        commands=frozenset(command["command"] for command in commands),
        events=frozenset(subscriptions.get("bot_events", [])),
        shortcuts=frozenset(each["callback_id"] for each in features.get("shortcuts", [])),
        escapes_commands=any(command.get("should_escape") for command in commands),
    )
