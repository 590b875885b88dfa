"""Somebody who types, clicks and reads in the workspace."""

from dataclasses import dataclass, field
from typing import Any

from tests.sandbox.slack import payloads
from tests.sandbox.slack.conversations import Channel, Message
from tests.sandbox.slack.delivery import TIMEOUT, Answer, Courier, Form, unsent
from tests.sandbox.slack.filling import attach, complaints, fill, find_element, uploaded
from tests.sandbox.slack.forms import filled
from tests.sandbox.slack.members import Kind, Member
from tests.sandbox.slack.reading import Button, Json, buttons_of, readable
from tests.sandbox.slack.refusals import Refused
from tests.sandbox.slack.response_urls import show_answer
from tests.sandbox.slack.stored_files import Body, StoredFile
from tests.sandbox.slack.submissions import UNUSABLE, follow
from tests.sandbox.slack.team import Team
from tests.sandbox.slack.typed_text import sent_text
from tests.sandbox.slack.views import View


@dataclass(slots=True, kw_only=True, eq=False)
class Person:
    """One person: what they see, and what they can do."""

    team: Team = field(repr=False)
    courier: Courier = field(repr=False)
    member: Member
    errors: dict[str, str] = field(default_factory=dict)
    """What the form complains about after a submission: by label, or "" for all of it."""
    confirms: list[str] = field(default_factory=list)
    """The texts of the dialogs that asked before a click was sent."""
    notices: list[str] = field(default_factory=list)
    """What Slack itself said when the app failed to answer."""

    @property
    def id(self) -> str:
        """Their user id."""
        return self.member.id

    @property
    def name(self) -> str:
        """Their name as others see it."""
        return self.member.real_name

    @property
    def view(self) -> View | None:
        """The modal they look at, if one is open."""
        return self.team.views.top(self.id)

    @property
    def home(self) -> View | None:
        """The app's Home tab as they see it, if it was published for them."""
        return self.team.views.homes.get(self.id)

    @property
    def dm(self) -> Channel:
        """Their direct messages with the app."""
        return self.team.im_with(self.id)

    @property
    def ephemerals(self) -> list[Message]:
        """What only they see, oldest first."""
        return [m for m in self.team.ephemerals if m.seen_by == self.id]

    async def command(
        self, name: str, text: str = "", *, channel: Channel | str | None = None
    ) -> Answer:
        """Type a slash command, in their direct messages with the app unless told otherwise."""
        place = self._place(channel)
        if self.team.commands is not None and name not in self.team.commands:
            self.notices.append(f"{name} is not a valid command")
            return unsent("not a valid command")
        payload = payloads.command(self.team, self.member, place, name, sent_text(self.team, text))
        answer = await self.courier.send(Form.COMMAND, f"command {name}", payload)
        if answer.ok:
            self._hear(payload, answer)
        else:
            error = TIMEOUT if answer.body == TIMEOUT else "dispatch_failed"
            self.notices.append(f"{name} failed with the error {error!r}")
        return answer

    async def shortcut(self, callback_id: str) -> Answer:
        """Start a global shortcut."""
        payload = payloads.shortcut(self.team, self.member, callback_id)
        return await self.interact(f"shortcut {callback_id}", payload)

    async def open_home(self) -> Answer:
        """Open the app's Home tab."""
        happened: Json = {
            "type": "app_home_opened",
            "user": self.id,
            "channel": self.dm.id,
            "tab": "home",
        }
        if self.home is not None:
            happened["view"] = self.team.view_object(self.home)
        payload = payloads.event(self.team, happened)
        return await self.courier.tell(payload)

    def fill(self, label: str, value: Any) -> None:  # noqa: ANN401 - as a person would say it
        """Fill in an input of the open modal by its label.

        Options go by the words a reader sees, people and channels by name, files as
        (name, bytes). An input that reports each change needs `change` instead.
        """
        view = self._open_view()
        block, element = find_element(view.blocks, label)
        if element["type"] == "file_input":
            for file in [value] if isinstance(value, tuple) else value:
                self.attach(label, *file)
            return
        reports = block.get("dispatch_action", block["type"] != "input")
        if reports:
            raise AssertionError(f"{label!r} tells the app of each change: await change() instead")
        fill(self.team, view, label, value)

    def attach(
        self,
        label: str,
        name: str,
        content: bytes,
        *,
        body: Body = Body.CONTENT,
        location: str = "",
        mode: str = "hosted",
    ) -> StoredFile:
        """Upload a file of their own into a file input; `body` says how its download goes."""
        view = self._open_view()
        find_element(view.blocks, label)
        file = uploaded(
            self.team, self.id, (name, content), body=body, location=location, mode=mode
        )
        attach(view, label, file)
        return file

    async def change(self, label: str, value: Any) -> Answer:  # noqa: ANN401 - as in fill
        """Fill in an input, or pick in a menu, that reports each change to the app."""
        view = self._open_view()
        block, element = find_element(view.blocks, label)
        action = payloads.action(block["block_id"], element) | fill(self.team, view, label, value)
        payload = payloads.view_actions(self.team, self.member, view, [action])
        return await self.interact(f"change {element['action_id']}", payload)

    async def choose(self, label: str, option: str, *, message: Message) -> Answer:
        """Pick an option of a menu under a message."""
        block, element = find_element(message.blocks, label)
        action = payloads.action(block["block_id"], element) | filled(element, option)
        return await self._act(action, message)

    async def submit(self) -> Answer:
        """Press the modal's submit button; what Slack's client refuses is never sent."""
        view = self._open_view()
        if view.submit is None:
            raise AssertionError(f"The modal {view.title!r} has no submit button.")
        self.errors = complaints(view)
        if self.errors:
            return unsent("not sent")
        payload = payloads.view_submission(self.team, self.member, view)
        kind = f"view_submission {view.callback_id}"
        answer = await self.courier.send(Form.INTERACTION, kind, payload)
        self.errors = follow(self.team, view, answer) if answer.ok else {"": UNUSABLE}
        return answer

    async def close(self, *, all_views: bool = False) -> Answer | None:
        """Press Close, or the x that closes all; the app hears of it only if it asked to."""
        view = self._open_view()
        cleared = all_views or bool(view.content.get("clear_on_close"))
        if cleared:
            self.team.views.clear(self.id)
        else:
            self.team.views.close(view)
        self.errors = {}
        if not view.content.get("notify_on_close"):
            return None
        payload = payloads.view_closed(self.team, self.member, view, is_cleared=cleared)
        return await self.interact(f"view_closed {view.callback_id}", payload)

    async def click(
        self, button: str | Json, *, message: Message | None = None, confirm: bool = True
    ) -> Answer:
        """Click a button by its words, under a message, else in the modal, else on Home.

        A raw action object is sent as it is. Where Slack asks first, `confirm` is the answer.
        """
        if not isinstance(button, str):
            return await self._act({"action_ts": payloads.action_ts(), **button}, message)
        found = self._find_button(button, message)
        if found.confirm is not None:
            self.confirms.append(readable(found.confirm["text"]))
            if not confirm:
                return unsent("not sent")
        return await self._act(payloads.pressed(found), message)

    def say(
        self, text: str, *, channel: Channel | str | None = None, thread: Message | None = None
    ) -> Message:
        """Write a message as a person does."""
        thread_ts = thread.ts if thread is not None else None
        return self.team.post(self._place(channel), self.id, text=text, thread_ts=thread_ts)

    def delete(self, file: StoredFile) -> None:
        """Delete one of their own files."""
        if file.user_id != self.id:
            raise AssertionError(f"{file.name} is not {self.name}'s file.")
        file.deleted = True

    async def deactivate(self) -> Answer:
        """Leave: the account is switched off, and the app is told by user_change."""
        self.member.kind = Kind.DEACTIVATED
        return await self.changed()

    async def changed(self) -> Answer:
        """Tell the app that something about this person changed."""
        with_email = "users:read.email" in self.team.token.scopes
        user = self.member.to_user(with_email=with_email)
        payload = payloads.event(self.team, {"type": "user_change", "user": user})
        return await self.courier.tell(payload)

    async def _act(self, action: Json, message: Message | None) -> Answer:
        if message is not None:
            self._must_see(message)
            payload = payloads.message_actions(self.team, self.member, message, [action])
        else:
            view = self._seen_view()
            payload = payloads.view_actions(self.team, self.member, view, [action])
        return await self.interact(f"click {action.get('action_id')}", payload)

    async def interact(self, kind: str, payload: Json) -> Answer:
        """Send an interaction, and hear from Slack where the app does not take it."""
        answer = await self.courier.send(Form.INTERACTION, kind, payload)
        if not answer.ok:
            self.notices.append(f"{kind}: the app did not respond")
        return answer

    def _hear(self, payload: Json, answer: Answer) -> None:
        """Show what the app put into its acknowledgement of a command."""
        if not answer.body.strip():
            return
        as_json = "json" in answer.headers.get("Content-Type", "")
        body = (answer.json() if as_json else None) or {"text": answer.body}
        url = self.team.response_urls[payload["response_url"].rpartition("/")[2]]
        try:
            show_answer(self.team, url, body)
        except Refused as refused:
            self.team.violate(f"command {payload['command']}: {refused.error}")

    def _find_button(self, words: str, message: Message | None) -> Button:
        blocks = self._seen_view().blocks if message is None else message.blocks
        buttons = buttons_of(blocks, self.id)
        for button in buttons:
            if button.text == words:
                return button
        seen = [button.text for button in buttons]
        raise AssertionError(f"{self.name} sees no button {words!r}; there are {seen}.")

    def _must_see(self, message: Message) -> None:
        channel = self.team.channels[message.channel_id]
        alone = message.seen_by not in (None, self.id)
        if message.deleted or alone or self.id not in channel.members:
            raise AssertionError(f"{self.name} does not see this message: {message.text!r}")

    def _seen_view(self) -> View:
        view = self.view or self.home
        if view is None:
            raise AssertionError(f"{self.name} sees neither a modal nor a Home tab.")
        return view

    def _open_view(self) -> View:
        if self.view is None:
            raise AssertionError(f"{self.name} has no modal open; notices: {self.notices}")
        return self.view

    def _place(self, channel: Channel | str | None) -> Channel:
        if channel is None:
            return self.dm
        if isinstance(channel, str):
            known = self.team.channels.values()
            channel = next(c for c in known if channel in (c.id, c.name))
        if self.id not in channel.members:
            raise AssertionError(f"{self.name} is not in #{channel.name}.")
        return channel
