"""The delete form with its three conditions, and the form of *Remove here anyway*."""

from collections.abc import Mapping
from typing import Any

from bot.views.blocks import Block, View, actions, button, context, field, modal, plain, section
from bot.views.fields import typed
from bot.views.wording import PORTALS, devices, escape, number, said
from services.deletions import DeletionLook
from services.names import REASON_LENGTH
from services.request_forms import DeleteForm
from storage.states import Action

OPEN = "delete.open"
REMOVE = "remove.open"
TITLES = {Action.DELETE: "Delete a token", Action.REMOVE: "Remove here anyway"}
CALLBACKS = {"delete": Action.DELETE, "remove": Action.REMOVE}
REMOVE_WARNING = (
    ":warning: *This is no deletion at Apple.* The profiles of these devices are taken off at "
    "Apple and the syncs of this token stop. Devices already enrolled stay with their MDM; new or "
    "wiped ones get no profile. Devices removed here count as gone, though Apple lists them until "
    "they are moved or unassigned at the portal."
)


def delete_form(look: DeletionLook) -> View:
    """Each condition with its count and the way there; a submit only when all three hold."""
    token, now = look.token, look.conditions
    name = escape(token.name)
    blocks = [
        section(f"*{name}* can be deleted when nothing depends on it any more:"),
        section("\n".join(_conditions(look))),
    ]
    if not now.live:
        blocks.append(section(f":warning: {said(now.trouble or '')} The counts are as of before."))
    if not now.met():
        return modal(TITLES[Action.DELETE], [*blocks, *_ways(look)])
    blocks.append(
        section(
            "Its keys and credentials are then overwritten here, *for good*; copies in backups can "
            "be read with the key-encryption key until those are gone. The audit log stays. The "
            f"server itself stays at {PORTALS[token.portal].name} until you delete it there."
        )
    )
    return _form(look, Action.DELETE, blocks, "Ask to delete")


def remove_form(look: DeletionLook) -> View:
    """The warning of the program, and the same typed name."""
    now = look.conditions
    counts = f"{devices(now.devices)} and {_profiles(now.profiles)}"
    blocks = [
        section(f"*{escape(look.token.name)}*: {counts} would be removed here."),
        section(REMOVE_WARNING),
    ]
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
    url = button("Open the portal", "delete.portal", token.id) | {"url": portal.url}
    return [
        section(
            f"First, in {portal.name}: move the devices to another server or unassign them. Then "
            "sync, and open this form again."
        ),
        actions(url, button("Remove here anyway…", REMOVE, token.id), block_id="ways"),
    ]


def _profiles(count: int) -> str:
    return "1 profile" if count == 1 else f"{number(count)} profiles"
