"""What was entered in a form's fields; a field that was left out is empty."""

from collections.abc import Mapping
from typing import Any


def typed(state: Mapping[str, Any], block_id: str) -> str:
    """The text of an input."""
    return str(_element(state, block_id).get("value") or "")


def chosen(state: Mapping[str, Any], block_id: str) -> str:
    """The value of the one option that was chosen."""
    return str((_element(state, block_id).get("selected_option") or {}).get("value") or "")


def ticked(state: Mapping[str, Any], block_id: str) -> set[str]:
    """The values of the boxes that were ticked."""
    options = _element(state, block_id).get("selected_options") or []
    return {str(one.get("value")) for one in options}


def person_chosen(state: Mapping[str, Any], block_id: str) -> str:
    """The person who was chosen."""
    return str(_element(state, block_id).get("selected_user") or "")


def _element(state: Mapping[str, Any], block_id: str) -> Mapping[str, Any]:
    element: Mapping[str, Any] = state.get(block_id, {}).get(block_id, {})
    return element
