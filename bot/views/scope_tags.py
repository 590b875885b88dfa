"""The scope tags of a form: chosen among the tenant's where they can be read, else typed."""

from collections.abc import Mapping
from typing import Any

from bot.views.blocks import Block, field, option
from bot.views.fields import picked, typed
from services.errands import Offer

CHOSEN, TYPED = "scope_tags", "scope_tag_ids"
MOST_OPTIONS = 100
"""What Slack takes in one menu."""


def scope_tag_fields(offer: Offer) -> list[Block]:
    """The field, where the program has scope tags."""
    tags = offer.scope_tags
    if not offer.takes_scope_tags:
        return []
    if not tags or len(tags) > MOST_OPTIONS:
        return [_typed(offer)]
    options = [option(tag.name or tag.id, tag.id) for tag in tags]
    menu: Block = {"type": "multi_static_select", "options": options}
    first = [one for one in options if one["value"] in set(offer.chosen)]
    if first:
        menu["initial_options"] = first
    hint = "Who may see it in Intune. Empty: left to Intune."
    return [field(CHOSEN, "Scope tags", menu, hint=hint, optional=True)]


def _typed(offer: Offer) -> Block:
    entry: Block = {"type": "plain_text_input"}
    if offer.chosen:
        entry["initial_value"] = ", ".join(offer.chosen)
    return field(
        TYPED,
        "Scope tags",
        entry,
        hint="Their ids with commas, 0 for Default, since I cannot read their names. Empty: left "
        "to Intune.",
        optional=True,
    )


def chosen_tags(state: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """The names by ids that were chosen, and the text that was typed instead."""
    return picked(state, CHOSEN), typed(state, TYPED)
