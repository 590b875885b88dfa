"""What somebody does on the Slack page, done by the same hand that tests use."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.sandbox.demo.house import House
from tests.sandbox.demo.slack_room import Room
from tests.sandbox.slack.delivery import Answer
from tests.sandbox.slack.hand import Hand, NotThere, Place, Spot
from tests.sandbox.slack.reading import Json
from tests.sandbox.slack.stored_files import StoredFile

Act = Callable[[Json], Awaitable[Json]]
LARGEST_UPLOAD = 10_000_000
"""What a file input takes."""


class Acts:
    """The acts of one person, by the words that the page sends."""

    def __init__(self, house: House, part: str) -> None:
        self._house = house
        self._part = part
        self._hand: Hand = house.hand(part)
        self._person = house.people[part]
        self.named: Mapping[str, Act] = {
            "command": self._command,
            "say": self._say,
            "shortcut": self._shortcut,
            "open_home": self._open_home,
            "press": self._press,
            "put": self._put,
            "change": self._change,
            "suggest": self._suggest,
            "submit": self._submit,
            "close": self._close,
            "read": self._read,
            "dismiss": self._dismiss,
            "delete_file": self._delete_file,
            "leave": self._leave,
        }

    async def do(self, asked: Json) -> Json:
        """Do one thing. Raises NotThere, or AssertionError for what nobody could do."""
        answer = await self.named[asked["act"]](asked)
        self._house.changes.mark()
        return answer

    async def upload(self, view_id: str, spot: Spot, file: tuple[str, bytes]) -> None:
        """Upload a file into an input of the open form."""
        if len(file[1]) > LARGEST_UPLOAD:
            raise NotThere("Slack takes files of 10 MB at most here.")
        self._hand.upload(self._hand.view(view_id), spot, file)
        self._house.changes.mark()

    def file(self, file_id: str) -> StoredFile:
        """Find a file that this person sees."""
        file = self._house.stage.slack.files.by_id.get(file_id)
        if file is None or file.deleted or not Room(self._house, self._part).may_see(file):
            raise NotThere("That file is not there, or not for you.")
        return file

    async def _command(self, asked: Json) -> Json:
        name, _, text = str(asked["text"]).strip().partition(" ")
        return _told(await self._person.command(name, text.strip(), channel=asked["channel"]))

    async def _say(self, asked: Json) -> Json:
        thread = None
        if asked.get("thread"):
            thread = self._hand.message(asked["channel"], asked["thread"])
        self._person.say(str(asked["text"]), channel=asked["channel"], thread=thread)
        return {}

    async def _shortcut(self, asked: Json) -> Json:
        return _told(await self._person.shortcut(str(asked["callback_id"])))

    async def _open_home(self, _: Json) -> Json:
        return _told(await self._person.open_home())

    async def _press(self, asked: Json) -> Json:
        place, spot = self._pointed(asked)
        return _told(await self._hand.press(place, spot, asked.get("option")))

    async def _put(self, asked: Json) -> Json:
        self._fill(asked["view"], [[*_spot(asked), asked["given"]]])
        return {}

    async def _change(self, asked: Json) -> Json:
        place, spot = self._pointed(asked)
        return _told(await self._hand.change(place, spot, asked["given"]))

    async def _suggest(self, asked: Json) -> Json:
        place, spot = self._pointed(asked)
        return {"options": await self._hand.suggest(place, spot, str(asked["typed"]))}

    async def _submit(self, asked: Json) -> Json:
        self._fill(asked["view"], asked["values"])
        return _told(await self._person.submit())

    async def _close(self, asked: Json) -> Json:
        self._hand.view(asked["view"])
        await self._person.close(all_views=bool(asked.get("all")))
        return {}

    async def _read(self, asked: Json) -> Json:
        place = self._person.id, str(asked["channel"])
        read = self._house.kept.read
        read[place] = max(read.get(place, "0"), str(asked["ts"]))
        return {}

    async def _dismiss(self, asked: Json) -> Json:
        message = self._hand.message(asked["channel"], asked["ts"])
        if message.is_ephemeral:
            message.deleted = True
            self._house.stage.slack.ephemerals.remove(message)
        return {}

    async def _delete_file(self, asked: Json) -> Json:
        self._person.delete(self.file(asked["file"]))
        return {}

    async def _leave(self, _: Json) -> Json:
        return _told(await self._person.deactivate())

    def _fill(self, view_id: str, values: list[list[Any]]) -> None:
        view = self._hand.view(view_id)
        for block_id, action_id, given in values:
            self._hand.put(view, (block_id, action_id), given)

    def _pointed(self, asked: Json) -> tuple[Place, Spot]:
        if asked.get("view"):
            view = self._hand.view(asked["view"])
            # What stands in the other inputs goes along, as it does in Slack.
            self._fill(asked["view"], asked.get("values", []))
            return view, _spot(asked)
        return self._hand.message(asked["channel"], asked["ts"]), _spot(asked)


def _spot(asked: Json) -> Spot:
    return str(asked["block"]), str(asked["action"])


def _told(answer: Answer) -> Json:
    return {"ok": answer.ok or answer.body == "not sent", "took": round(answer.took, 3)}
