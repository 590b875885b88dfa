"""What the stand-ins know outlives the demo: the bot's database refers to it.

Kept as a pickle: the stand-ins are plain objects that point at each other, a hundred thousand of
them at times. Only their own classes, and a few of the standard library's, are read back.
"""

import io
import os
import pickle
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path
from types import MethodType
from typing import Any

from tests.sandbox.deployment import Stage
from tests.sandbox.slack.members import Directory
from tests.sandbox.slack.person import Person

FORMAT = 1
TEAM = ("files", "views", "ephemerals", "last_number", "last_ts")
TEAM_NAMES = ("people", "groups", "channels", "channel_names")
"""Dictionaries that others hold too, so that they are filled, not replaced."""
CAST = ("operator", "approver", "second_approver", "admin", "bystander", "guest")
OURS = "tests.sandbox."
LIBRARY = {("datetime", "datetime"), ("datetime", "timedelta"), ("datetime", "timezone")} | {
    ("builtins", "set"),
    ("builtins", "frozenset"),
}


class Unusable(Exception):
    """What was kept cannot be read: it is damaged, or another version wrote it."""


@dataclass(slots=True, kw_only=True)
class Kept:
    """What else is kept beside the stand-ins."""

    ahead: timedelta = timedelta()
    """How far the time was moved."""
    read: dict[tuple[str, str], str]
    """The last message that somebody saw in a channel."""
    lively: bool = False
    """Whether the lively organisation was made."""


def save(path: Path, stage: Stage, kept: Kept) -> None:
    """Write everything down; what was kept before stays whole until the new is."""
    state = {
        "format": FORMAT,
        "team": {name: getattr(stage.slack, name) for name in (*TEAM, *TEAM_NAMES)},
        "cast": {name: getattr(stage.cast, name).id for name in CAST},
        "channels": (stage.alerts.id, stage.approvals.id),
        "organisations": stage.apple.organisations,
        "tenants": stage.microsoft.tenants,
        "kept": kept,
    }
    written = io.BytesIO()
    _Pickler(written, stage).dump(state)
    beside = path.with_suffix(".new")
    with beside.open("wb") as file:
        file.write(written.getbuffer())
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def restore(path: Path, stage: Stage) -> Kept:
    """Put what was kept into a new stage. Raises Unusable."""
    try:
        with path.open("rb") as file:
            state = _Unpickler(file, stage).load()
        return _put(state, stage)
    except Unusable:
        raise
    except Exception as error:  # whatever a damaged file, or one of another version, leads to
        raise Unusable(f"{path} cannot be read: {error}") from error


def _put(state: dict[str, Any], stage: Stage) -> Kept:
    if state["format"] != FORMAT:
        raise Unusable(f"What was kept is of format {state['format']}.")
    slack = stage.slack
    for name in TEAM:
        setattr(slack, name, state["team"][name])
    for name in TEAM_NAMES:
        names = getattr(slack, name)
        names.clear()
        names.update(state["team"][name])
    for file in slack.files.by_id.values():
        file.ready_at = 0.0
    for role in CAST:
        member = slack.people[state["cast"][role]]
        setattr(stage.cast, role, Person(team=slack, courier=slack.courier, member=member))
    stage.alerts, stage.approvals = (slack.channels[each] for each in state["channels"])
    stage.apple.organisations[:] = state["organisations"]
    if "tenants" in state:
        stage.microsoft.tenants[:] = state["tenants"]
        stage.intune = stage.microsoft.tenants[0]
    kept: Kept = state["kept"]
    return kept


class _Pickler(pickle.Pickler):
    """Leaves out what every run makes anew, and names it instead."""

    def __init__(self, file: io.BytesIO, stage: Stage) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._apple = stage.apple
        self._microsoft = stage.microsoft

    def persistent_id(self, value: Any) -> Any:  # noqa: ANN401 - any object
        if isinstance(value, Enum):
            return type(value).__module__, type(value).__qualname__, value.value
        if isinstance(value, Directory):
            return "directory"
        if value is self._apple.behaviour:
            return "behaviour"
        if value is self._apple:
            return "apple"
        if isinstance(value, MethodType):
            return {self._apple.now: "now", self._microsoft.now: "now at Microsoft"}.get(value)
        return None


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any, stage: Stage) -> None:  # noqa: ANN401 - an open file
        super().__init__(file)
        self._anew = {
            "directory": stage.slack.directory,
            "behaviour": stage.apple.behaviour,
            "now": stage.apple.now,
            "now at Microsoft": stage.microsoft.now,
            "apple": stage.apple,
        }

    def persistent_load(self, named: Any) -> Any:  # noqa: ANN401 - see persistent_id
        if isinstance(named, tuple):
            module, name, value = named
            return self.find_class(module, name)(value)
        return self._anew[named]

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - a class
        if not module.startswith(OURS) and (module, name) not in LIBRARY:
            raise Unusable(f"{module}.{name} is nothing that is kept.")
        return super().find_class(module, name)
