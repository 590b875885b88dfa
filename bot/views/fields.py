"""What was entered in a form's fields; a field that was left out is empty."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from services.errors import ServiceError


class Unreadable(ServiceError):
    """A form holds what no form of ours sends."""

    def __init__(self) -> None:
        super().__init__(
            "a form with unknown values",
            user_message="This form is not one that I can read: it is of another release, or was "
            "changed on its way. Nothing was done. Open it again.",
        )


StateT = TypeVar("StateT", bound=StrEnum)


def known(states: type[StateT], value: str) -> StateT:
    """The member of that value. Raises Unreadable."""
    try:
        return states(value)
    except ValueError:
        raise Unreadable from None


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


def picked(state: Mapping[str, Any], block_id: str) -> dict[str, str]:
    """The options of a menu that were chosen: their words by their values."""
    options = _element(state, block_id).get("selected_options") or []
    return {
        str(one.get("value")): str((one.get("text") or {}).get("text") or "") for one in options
    }


def day_picked(state: Mapping[str, Any], block_id: str) -> str:
    """The day that was picked, as YYYY-MM-DD."""
    return str(_element(state, block_id).get("selected_date") or "")


def _element(state: Mapping[str, Any], block_id: str) -> Mapping[str, Any]:
    element: Mapping[str, Any] = state.get(block_id, {}).get(block_id, {})
    return element
