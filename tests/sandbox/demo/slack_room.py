"""What one person sees in the workspace, as the Slack page draws it: plain JSON, by sections."""

from typing import Any

from tests.sandbox.demo.house import ROLES, House
from tests.sandbox.slack.conversations import Channel, Message
from tests.sandbox.slack.members import Kind
from tests.sandbox.slack.reading import Json, elements_of
from tests.sandbox.slack.stored_files import StoredFile
from tests.sandbox.slack.views import View

NEWEST = 200
"""Messages of a channel that are shown."""


class Room:
    """The workspace as one person sees it."""

    def __init__(self, house: House, part: str) -> None:
        self._house = house
        self._team = house.stage.slack
        self._part = part
        self._person = house.people[part]

    def sections(self) -> dict[str, Any]:
        """Everything on the screen; a section that did not change is not sent again."""
        sections: dict[str, Any] = {
            "names": self._names(),
            "people": self._people(),
            "sidebar": [self._entry(channel) for channel in self._channels()],
            "views": [self._view(view) for view in self._team.views.stack(self._person.id)],
            "home": self._view(self._person.home) if self._person.home else None,
            "notices": list(self._person.notices),
            "files": {
                file.id: self._file(file)
                for file in self._team.files.by_id.values()
                if self.may_see(file)
            },
        }
        for channel in self._channels():
            sections[f"channel {channel.id}"] = self._messages(channel)
        return sections

    def may_see(self, file: StoredFile) -> bool:
        """Whether a file was shared where this person is, is shown in a message, or is theirs."""
        if file.user_id == self._person.id or file.id in self._pictured():
            return True
        places = [self._team.channels[each] for each in file.channels]
        return any(self._person.id in place.members for place in places)

    def _pictured(self) -> set[str]:
        """The files that messages show as pictures: Slack lets all readers see those."""
        return {
            str(block["slack_file"].get("id"))
            for channel in self._channels()
            for message in [*channel.posted, *self._person.ephemerals]
            for block in message.blocks
            if block["type"] == "image" and "slack_file" in block
        }

    def _names(self) -> Json:
        team = self._team
        people: Json = {
            member.id: {
                "name": member.real_name,
                "app": member.kind is Kind.BOT,
                "gone": member.kind is Kind.DEACTIVATED,
            }
            for member in team.people.values()
        }
        return {
            "me": self._person.id,
            "app": team.bot_user_id,
            "domain": team.domain,
            "people": people,
            "groups": {group.id: group.handle for group in team.groups.values()},
            "channels": dict(team.channel_names),
        }

    def _people(self) -> list[Json]:
        return [
            {
                "part": part,
                "id": person.id,
                "name": person.name,
                "title": ROLES[part][0],
                "role": ROLES[part][1],
                "gone": person.member.kind is Kind.DEACTIVATED,
                "unread": self._waiting(part),
            }
            for part, person in self._house.people.items()
        ]

    def _waiting(self, part: str) -> int:
        room = self if part == self._part else Room(self._house, part)
        entries = [room._entry(channel) for channel in room._channels()]
        return sum(entry["calls"] for entry in entries)

    def _channels(self) -> list[Channel]:
        channels = self._team.channels.values()
        return [c for c in channels if self._person.id in c.members and not c.is_deleted]

    def _entry(self, channel: Channel) -> Json:
        seen = self._house.kept.read.get((self._person.id, channel.id), "0")
        new = [m for m in self._all(channel) if m.ts > seen and m.user_id != self._person.id]
        called = [m for m in new if channel.is_im or m.is_ephemeral or self._is_called(m)]
        return {
            "id": channel.id,
            "name": channel.name,
            "private": channel.is_private,
            "app": channel.is_im,
            "archived": channel.is_archived,
            "shared": channel.is_shared,
            "with_app": self._team.bot_user_id in channel.members,
            "members": len(channel.members),
            "unread": len(new),
            "calls": len(called),
            "read": seen,
        }

    def _is_called(self, message: Message) -> bool:
        return message.says(f"<@{self._person.id}>")

    def _all(self, channel: Channel) -> list[Message]:
        alone = [m for m in self._person.ephemerals if m.channel_id == channel.id]
        return sorted([*channel.messages, *alone], key=lambda m: m.ts)

    def _messages(self, channel: Channel) -> list[Json]:
        return [self._message(message) for message in self._all(channel)[-NEWEST:]]

    def _message(self, message: Message) -> Json:
        return {
            "ts": message.ts,
            "channel": message.channel_id,
            "user": message.user_id,
            "app": message.app_id is not None,
            "text": message.text,
            "blocks": self._visible(message.blocks),
            "edited": message.edited is not None,
            "alone": message.is_ephemeral,
            "files": [file.id for file in message.files],
            "thread": [self._message(reply) for reply in message.thread],
        }

    def _visible(self, blocks: list[Json]) -> list[Json]:
        """Leave out the buttons that are shown to others only."""
        hidden = [
            element
            for block in blocks
            for element in elements_of(block)
            if self._person.id not in element.get("visible_to_user_ids", [self._person.id])
        ]
        if not hidden:
            return blocks
        return [
            block | {"elements": [e for e in block["elements"] if e not in hidden]}
            if block["type"] == "actions"
            else {key: part for key, part in block.items() if part not in hidden}
            for block in blocks
        ]

    def _view(self, view: View) -> Json:
        is_top = view is self._person.view
        return {
            "id": view.id,
            "hash": view.hash,
            "home": view.content["type"] == "home",
            "title": view.title,
            "submit": view.submit,
            "submit_disabled": bool(view.content.get("submit_disabled")),
            "close": view.content.get("close", {}).get("text", "Cancel"),
            "blocks": self._visible(view.blocks),
            "values": view.state()["values"],
            "errors": dict(self._person.errors) if is_top else {},
        }

    def _file(self, file: StoredFile) -> Json:
        return {
            "id": file.id,
            "name": file.name,
            "title": file.title or file.name,
            "size": len(file.content),
            "mine": file.user_id == self._person.id,
            "user": file.user_id,
            "deleted": file.deleted,
            "permalink": file.to_file()["permalink"] if file.mode != "file_access" else "",
        }
