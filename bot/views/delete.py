"""The delete form with its three conditions, and the form of *Remove here anyway*."""

from collections.abc import Mapping
from typing import Any

from bot.views.blocks import Block, View, actions, button, context, field, modal, plain, section
from bot.views.fields import typed
from bot.views.sync import START as SYNC
from bot.views.wording import ADMIN_CENTER, PORTALS, devices, escape, number, said
from services.deletions import DeletionLook
from services.names import REASON_LENGTH
from services.request_forms import DeleteForm
from storage.states import Action, ProgramName

OPEN = "delete.open"
REMOVE = "remove.open"
TITLES = {Action.DELETE: "Delete a token", Action.REMOVE: "Remove here anyway"}
CALLBACKS = {"delete": Action.DELETE, "remove": Action.REMOVE}
REMOVE_WARNINGS = {
    ProgramName.APPLE: ":warning: *This is no deletion at Apple.* The profiles of these devices "
    "are taken off at Apple and the syncs of this token stop. Devices already enrolled stay with "
    "their MDM; new or wiped ones get no profile. Devices removed here count as gone, though Apple "
    "lists them until they are moved or unassigned at the portal.",
    ProgramName.INTUNE: ":warning: *These devices leave management.* They are deleted in Intune, "
    "and their users lose access to the company's apps and data; to keep a device, wipe it and "
    "enroll it again with a new token. *They come back at Intune's next full sync* unless they are "
    "unassigned at Apple first. Profiles and policies stay until they are deleted in the "
    f"{ADMIN_CENTER.link}. This app stops its own syncs of the token.",
}
"""What removing means, by who holds the token; a test proves that none is missing."""
FOR_GOOD = {
    ProgramName.APPLE: "Its keys and credentials are then overwritten here, *for good*; copies in "
    "backups can be read with the key-encryption key until those are gone. The audit log stays. "
    "The server itself stays at {portal} until you delete it there.",
    ProgramName.INTUNE: "It is then deleted in Intune, *for good*: by this app where it may write "
    "there, else you get the steps. The audit log stays. The server itself stays at {portal} until "
    "you delete it there.",
}
"""What a deletion does, by who holds the token; a test proves that none is missing."""


def delete_form(look: DeletionLook) -> View:
    """Each condition with its count and the way there; a submit only when all three hold."""
    token, now = look.token, look.conditions
    name = escape(token.name)
    if not now.told:
        return _form(look, Action.DELETE, _looked_at_by_hand(look), "Ask to delete")
    blocks = [
        section(f"*{name}* can be deleted when nothing depends on it any more:"),
        section("\n".join(_conditions(look))),
    ]
    if not now.live:
        blocks.append(section(f":warning: {said(now.trouble or '')} The counts are as of before."))
    blocks += [context(one) for one in _beside(look)]
    if not now.met():
        return modal(TITLES[Action.DELETE], [*blocks, *_ways(look)])
    blocks.append(section(_for_good(look)))
    return _form(look, Action.DELETE, blocks, "Ask to delete")


def remove_form(look: DeletionLook) -> View:
    """The warning of the program, and the same typed name."""
    blocks = [section(_would(look)), section(REMOVE_WARNINGS[look.token.program])]
    return _form(look, Action.REMOVE, blocks, "Ask to remove")


def parse_delete(view: Mapping[str, Any]) -> DeleteForm:
    """Either form as submitted."""
    state = view["state"]["values"]
    return DeleteForm(
        submission=str(view["id"]),
        token_id=str(view["private_metadata"]),
        action=CALLBACKS[str(view["callback_id"])],
        typed=typed(state, "typed"),
        reason=typed(state, "reason"),
    )


def _form(look: DeletionLook, action: Action, blocks: list[Block], submit: str) -> View:
    name = escape(look.token.name)
    return modal(
        TITLES[action],
        [
            *blocks,
            field(
                "typed",
                "Type the token's name",
                {"type": "plain_text_input", "max_length": 3000},
                hint="Exactly as it stands above.",
            ),
            field(
                "reason",
                "Reason",
                {"type": "plain_text_input", "multiline": True, "max_length": REASON_LENGTH},
                hint="The approvers read it.",
            ),
            context(f"Nothing happens to {name} before an approver has agreed."),
        ],
        callback_id=action.value,
        private_metadata=look.token.id,
        submit=plain(submit),
        close=plain("Back"),
    )


def _would(look: DeletionLook) -> str:
    now, name = look.conditions, escape(look.token.name)
    if not now.told:
        return f"*{name}*: all its devices would be removed in Intune, by hand."
    if look.token.program is ProgramName.INTUNE:
        return f"*{name}*: {devices(now.devices)} would be removed in Intune."
    return f"*{name}*: {devices(now.devices)} and {_profiles(now.profiles)} would be removed here."


def _for_good(look: DeletionLook) -> str:
    portal = PORTALS[look.token.portal].name
    return FOR_GOOD[look.token.program].format(portal=portal)


def _looked_at_by_hand(look: DeletionLook) -> list[Block]:
    """Nobody can ask the holder: the person looks, and gets the steps when it is agreed to."""
    name = escape(look.token.name)
    return [
        section(
            f"*{name}* can be deleted when nothing depends on it any more. This app has no access "
            f"to Intune, so look yourself: in the {ADMIN_CENTER.link} open {ADMIN_CENTER.menu} and "
            "choose the token. Intune deletes it only when all three hold:"
        ),
        section(
            "• *Devices* lists none (those removed from Apple do not count)\n"
            "• no device has a default profile\n"
            "• *Profiles* lists none, and there are no enrollment policies for it"
        ),
        section(
            "Once it is agreed to, you get the steps, and press *Done* when it is gone. Until "
            "then nothing changes here."
        ),
        actions(button("Remove the devices there…", REMOVE, look.token.id), block_id="ways"),
    ]


def _beside(look: DeletionLook) -> list[str]:
    """What is no condition and may surprise all the same."""
    now, lines = look.conditions, []
    if now.released:
        lines.append(
            f"Beside them: {devices(now.released)} released at Apple. Intune goes on listing them "
            "for 30 to 45 days; they do not count."
        )
    if now.unseen:
        lines.append(
            f"This app may not look at {escape(now.unseen)}, so look at them in Intune: they may "
            "stand in the way too. `enroll-token check` names the permission."
        )
    return lines


def _conditions(look: DeletionLook) -> list[str]:
    now = look.conditions
    lines = [
        (now.devices, "no devices are assigned to its server", devices(now.devices)),
        (
            now.in_default_profile,
            "no device has its default profile",
            devices(now.in_default_profile),
        ),
        (now.profiles, "no profiles remain", _profiles(now.profiles)),
    ]
    return [
        f":white_check_mark: holds: {claim}" if not count else f":x: not yet: {claim} (*{there}*)"
        for count, claim, there in lines
    ]


def _ways(look: DeletionLook) -> list[Block]:
    token, portal = look.token, PORTALS[look.token.portal]
    first = (
        f"First, in {portal.name}: move the devices to another server or unassign them. Then sync, "
        "and open this form again."
    )
    row = [button("Open the portal", "delete.portal", token.id) | {"url": portal.url}]
    if token.program is ProgramName.INTUNE:
        first += (
            f" Profiles and policies are deleted in the {ADMIN_CENTER.link}: {ADMIN_CENTER.menu}, "
            "choose the token, *Profiles*. A default profile ends with its deletion alone."
        )
        row.append(button("Open Intune", "delete.console", token.id) | {"url": ADMIN_CENTER.url})
    row.append(button("Sync now", SYNC, token.id))
    if look.conditions.devices or token.program is ProgramName.APPLE:
        row.append(button("Remove here anyway…", REMOVE, token.id))
    return [section(first), actions(*row, block_id="ways")]


def _profiles(count: int) -> str:
    return "1 profile" if count == 1 else f"{number(count)} profiles"
