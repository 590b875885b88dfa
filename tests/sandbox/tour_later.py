"""The yearly renewal; and the end, when the devices go and the token is deleted."""

from tests.sandbox.slack.conversations import Message
from tests.sandbox.slack.render import render_message
from tests.sandbox.tour_scenes import COMMAND, Scenes, must

TOKEN = "HQ iPads"
APPLE_ID = "it-admin@schools.example"


class LaterLife(Scenes):
    """Renewing and deleting, told step by step."""

    async def renew(self) -> None:
        """Act every step of the renewal."""
        card = await self._ask_to_renew()
        steps = await self._approve(card)
        await self._download_and_upload(steps, card)

    async def delete(self) -> None:
        """Act every step of the deletion."""
        self.story.act("The end: a token is deleted")
        await self._look_at_what_stands_in_the_way()
        await self._empty_and_delete()
        await self._read_the_history()

    async def _ask_to_renew(self) -> Message:
        story, olivia = self.story, self.olivia
        story.step("Olivia asks to renew the token")
        self.types(olivia, f"renew {TOKEN}")
        await olivia.command(COMMAND, f"renew {TOKEN}")
        await self.view(olivia, lambda view: view.submit)
        olivia.fill("Why", "Its year is almost over")
        self.shows_view(olivia, "What is known is asked first, before anything irreversible:")
        await olivia.submit()
        must(not olivia.errors, f"the form says {olivia.errors}")
        await olivia.close()
        asked = f"asks to renew the token *{TOKEN}*"
        card = await self._card(asked)
        story.show("In #it-approvals stands:", render_message(card))
        return card

    async def _approve(self, card: Message) -> Message:
        self.story.step("Amir approves the renewal")
        await self.amir.click("Approve", message=card)
        self.confirmed(self.amir)
        steps = await self.happens(
            lambda: [m for m in self.olivia.dm.messages if m.says("open the server")][-1],
            "the steps",
        )
        self.story.show("Olivia gets her steps:", render_message(steps))
        return steps

    async def _download_and_upload(self, steps: Message, card: Message) -> None:
        story, olivia, server = self.story, self.olivia, self.server(TOKEN)
        story.step("Olivia downloads the new token, which ends the old one, and uploads it")
        file = server.download_token(as_admin=APPLE_ID)
        await olivia.click("I've downloaded it", message=steps)
        urgent = await self.happens(
            lambda: [m for m in card.thread if m.says("enrolment is down")][-1], "the warning"
        )
        story.show("She says so, and the thread of the request tells it:", render_message(urgent))
        await self.open_upload(steps)
        olivia.fill("Server token file", file)
        await olivia.submit()
        await self.view(olivia, lambda view: view.says("is in use"))
        await olivia.close()
        renewed = await self.happens(
            lambda: [m for m in self.alerts.messages if m.says(f"{TOKEN} is renewed")][-1],
            "the outcome",
        )
        story.show("She uploads it. In #it-alerts:", render_message(renewed))

    async def _look_at_what_stands_in_the_way(self) -> None:
        story, olivia = self.story, self.olivia
        story.step("Olivia wants to delete the token while devices depend on it")
        self.types(olivia, f"delete {TOKEN}")
        await olivia.command(COMMAND, f"delete {TOKEN}")
        await self.view(olivia, lambda view: view.says("not yet"))
        self.shows_view(olivia, "The form shows what stands in the way, and no button to delete:")
        await olivia.close()

    async def _empty_and_delete(self) -> None:
        story, olivia, server = self.story, self.olivia, self.server(TOKEN)
        story.step("She unassigns the devices at the portal, and asks again")
        server.unassign(list(server.serials))
        await olivia.command(COMMAND, f"delete {TOKEN}")
        await self.view(olivia, lambda view: view.submit)
        olivia.fill("Type the token's name", TOKEN)
        olivia.fill("Reason", "The head office has no iPads any more")
        self.shows_view(olivia, "Now all three conditions hold:")
        await olivia.submit()
        must(not olivia.errors, f"the form says {olivia.errors}")
        card = await self._card(f"asks to delete the token *{TOKEN}*")
        story.step("Amir approves the deletion")
        await self.amir.click("Approve", message=card)
        self.confirmed(self.amir)
        gone = await self.happens(
            lambda: [m for m in self.deployed.alerts.messages if m.says("is deleted.*")][-1],
            "the outcome",
        )
        story.show("The conditions are read once more. In #it-alerts:", render_message(gone))

    async def _read_the_history(self) -> None:
        self.story.step("Amir reads what was done")
        self.types(self.amir, f"history {TOKEN}")
        await self.amir.command(COMMAND, f"history {TOKEN}")
        await self.view(self.amir, lambda view: view.says("deleted"))
        self.shows_view(self.amir, "Only Amir sees:")

    async def _card(self, asked: str) -> Message:
        cards = self.deployed.approvals
        return await self.happens(
            lambda: [m for m in cards.messages if m.says(asked)][-1], "the request"
        )
