"""Modals and Home tabs: who sees which, and what stands in their inputs."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from tests.sandbox.slack.forms import first_value
from tests.sandbox.slack.members import Directory
from tests.sandbox.slack.reading import (
    Button,
    Json,
    buttons_of,
    elements_of,
    readable,
    texts_of,
)

DEEPEST = 3
"""How many modals of one app one person can have on top of each other."""

Values = dict[tuple[str, str], Json]


def new_hash() -> str:
    """Make the mark of one version of a view."""
    return f"{int(time.time())}.{secrets.token_hex(4)}"


@dataclass(slots=True, kw_only=True, eq=False)
class View:
    """One view as one person sees it, changed in place when the app updates it."""

    id: str
    user_id: str
    directory: Directory = field(repr=False)
    content: Json
    hash: str = field(default_factory=new_hash)
    root_id: str = ""
    previous_id: str | None = None
    values: Values = field(default_factory=dict)
    closed: bool = False

    @property
    def title(self) -> str:
        """What stands at the top of the modal."""
        return readable(self.content.get("title", {}))

    @property
    def submit(self) -> str | None:
        """The words on the submit button, if there is one."""
        return readable(self.content["submit"]) if "submit" in self.content else None

    @property
    def blocks(self) -> list[Json]:
        """Its blocks as Slack stored them."""
        blocks: list[Json] = self.content["blocks"]
        return blocks

    @property
    def private_metadata(self) -> str:
        """What the app hid in it."""
        return str(self.content.get("private_metadata", ""))

    @property
    def callback_id(self) -> str:
        """The id its listener is registered under."""
        return str(self.content.get("callback_id", ""))

    @property
    def buttons(self) -> list[Button]:
        """The buttons among its blocks, without Submit and Close."""
        return buttons_of(self.blocks)

    @property
    def inputs(self) -> dict[str, Json]:
        """Its input blocks by their labels."""
        return {readable(b["label"]): b for b in self.blocks if b["type"] == "input"}

    def texts(self) -> list[str]:
        """List all its texts as the app sent them."""
        return [self.title, *texts_of(self.blocks)]

    def says(self, words: str) -> bool:
        """Whether the words stand anywhere in it."""
        return any(words in text for text in self.texts())

    def value(self, block: Json, element: Json) -> Json:
        """Say what stands in an element now."""
        return self.values[block["block_id"], element["action_id"]]

    def show(self, content: Json) -> None:
        """Replace what is shown; typed values stay where block and action keep their ids."""
        self.content, self.hash = content, new_hash()
        kept, self.values = self.values, {}
        for block in self.blocks:
            for element in elements_of(block):
                fresh = first_value(element)
                if fresh is not None:
                    place = block["block_id"], element["action_id"]
                    old = kept.get(place)
                    same = old is not None and old["type"] == fresh["type"]
                    self.values[place] = old if same and old is not None else fresh

    def state(self) -> Json:
        """Make the state object: block id, action id, value."""
        values: dict[str, dict[str, Any]] = {}
        for (block_id, action_id), value in self.values.items():
            values.setdefault(block_id, {})[action_id] = value
        return {"values": values}


@dataclass(slots=True)
class Views:
    """The modals and Home tabs that are open."""

    by_id: dict[str, View] = field(default_factory=dict)
    stacks: dict[str, list[View]] = field(default_factory=dict)
    homes: dict[str, View] = field(default_factory=dict)

    def stack(self, user_id: str) -> list[View]:
        """The modals of one person, the one on top last."""
        return self.stacks.setdefault(user_id, [])

    def top(self, user_id: str) -> View | None:
        """The modal somebody looks at."""
        stack = self.stack(user_id)
        return stack[-1] if stack else None

    def keep(self, view: View) -> None:
        """Put a new modal on its person's stack."""
        stack = self.stack(view.user_id)
        view.previous_id = stack[-1].id if stack else None
        view.root_id = stack[0].id if stack else view.id
        stack.append(view)
        self.by_id[view.id] = view

    def close(self, view: View) -> None:
        """Take one modal away."""
        view.closed = True
        stack = self.stack(view.user_id)
        if view in stack:
            stack.remove(view)

    def clear(self, user_id: str) -> None:
        """Take all of somebody's modals away."""
        for view in list(self.stack(user_id)):
            self.close(view)

    def external(self, external_id: str) -> View | None:
        """Find an open view by the name the app gave it."""
        fits = (v for v in self.by_id.values() if v.content.get("external_id") == external_id)
        return next((view for view in fits if not view.closed), None)
