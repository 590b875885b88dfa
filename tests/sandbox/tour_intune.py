"""Another team, whose tokens Intune holds: found, renewed with a detour, and watched in Entra."""

from datetime import timedelta

from tests.sandbox.apple.server import TokenFile
from tests.sandbox.demo.time import MovedTime
from tests.sandbox.deployment import Deployment
from tests.sandbox.slack.conversations import Message
from tests.sandbox.slack.render import render_message
from tests.sandbox.tour_scenes import COMMAND, Scenes, must
from tests.sandbox.tour_story import Story

TOKEN = "Primary iPads"
APPLE_ID = "it@contoso.example"
PUSH_ID = "push@contoso.example"
PUSH_DAYS = 14
DEVICES = 40
DAYS_LEFT = 12
ABOUT_MICROSOFT = ("programs:", "Microsoft:", "Intune:", "Entra:", "permissions:")


class InIntune(Scenes):
    """The same commands for a token that Intune holds."""

    def __init__(self, deployed: Deployment, story: Story, time: MovedTime) -> None:
        super().__init__(deployed, story, time)
        self.tenant = deployed.tenant
        self.user = self.tenant.add_user("Ida Admin", APPLE_ID)
        self.entry = self.tenant.add_token(
            TOKEN, apple_id=APPLE_ID, days=DAYS_LEFT, kind="appleSchoolManager", devices=DEVICES
        )
        organisation = deployed.apple.add_organisation(
            "Contoso Schools", admin=APPLE_ID, type="edu"
        )
        self.tenant.set_push_certificate(PUSH_ID, days=PUSH_DAYS)
        certificate = self.entry.key_pair().certificate_pem
        organisation.add_server(TOKEN, certificate_pem=certificate).assign_devices(DEVICES)

    async def walk(self) -> None:
        """Act every step."""
        self.story.act("Another team: Intune holds its token")
        self.story.tell(
            "The same bot in another Slack, with an app registration in the tenant's Entra. The "
            f"token {TOKEN} was made in the Intune admin center a year ago."
        )
        await self._check()
        await self._find_it()
        steps = await self._ask_to_renew()
        await self._renew_by_hand(steps)
        await self._ask_entra()

    async def _check(self) -> None:
        self.story.step("What may the bot do in Intune?")
        code, out, err = await self.deployed.command_line("check")
        must(code == 0, f"check ended with {code}: {out}{err}")
        told = [line for line in out.splitlines() if line[4:].strip().startswith(ABOUT_MICROSOFT)]
        shown = "\n".join(["$ enroll-token check", *told])
        self.story.show("Of its lines, those about Microsoft:", shown)

    async def _find_it(self) -> None:
        story, olivia = self.story, self.olivia
        story.step("The bot starts, and finds what Intune has")
        await self.deployed.start()
        news = await self.said(self.alerts, "found in Intune")
        story.show("In #it-alerts:", render_message(news))
        reminder = await self.said(self.alerts, f"*{TOKEN} expires in {DAYS_LEFT} days*")
        story.show("It has little time left, so that is said too:", render_message(reminder))
        push = await self.said(self.alerts, "Apple push certificate expires")
        story.show("And so is what else ties Intune to Apple:", render_message(push))
        story.step("Olivia takes the token")
        await olivia.click("I answer for it", message=news)
        taken = await self.said(self.alerts, "took over")
        story.show("She presses I answer for it. In #it-alerts:", render_message(taken))

    async def _ask_to_renew(self) -> Message:
        story, olivia = self.story, self.olivia
        story.step("Olivia renews it as she would any token")
        self.types(olivia, f"renew {TOKEN}")
        await olivia.command(COMMAND, f"renew {TOKEN}")
        await self.opened(olivia)
        olivia.fill("Why", "Its year is almost over")
        self.shows_view(olivia, "The form:")
        await self.sends(olivia)
        steps = await self.approved_steps(f"asks to renew the token *{TOKEN}*", "Your steps for")
        story.show("Amir approves. Her steps:", render_message(steps))
        return steps

    async def _renew_by_hand(self, steps: Message) -> None:
        story, olivia = self.story, self.olivia
        story.step("Intune refuses to be written to, and it goes on by hand")
        self.tenant.knobs.refuses_writes = True
        file = self.server(TOKEN).download_token(as_admin=APPLE_ID)
        await self._hand_in(steps, file)
        detour = await self.happens(lambda: steps if steps.says("by hand") else None, "the detour")
        story.show(
            "Somebody took a permission away meanwhile. She uploads the file; the bot has checked "
            "whose it is, and Intune answers 403. Her steps become:",
            render_message(detour),
        )
        story.step("Olivia uploads the file in the admin center")
        self.tenant.portal.renew_token(self.entry, file.content, apple_id=APPLE_ID)
        await olivia.click("Done", message=steps)
        renewed = await self.said(self.alerts, f"{TOKEN} is renewed")
        story.show(
            "She presses Done. The bot sees the new date in Intune. In #it-alerts:",
            render_message(renewed),
        )
        await olivia.close()

    async def _hand_in(self, steps: Message, file: TokenFile) -> None:
        await self.open_upload(steps)
        self.olivia.fill("Server token file", file)
        await self.olivia.submit()

    async def _ask_entra(self) -> None:
        self.story.step("The Apple ID gets a new password in Entra")
        self.goes_on(timedelta(days=30), "A month later Ida chooses a new password.")
        self.user.password_changed_at = self.time.now()
        self.goes_on(timedelta(hours=1), "Every hour the bot looks.")
        told = await self.said(self.alerts, "Entra says: the password of")
        self.story.show("In #it-alerts:", render_message(told))
