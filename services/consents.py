"""What a requester agrees to, by program: recorded with its full text and version."""

from dataclasses import dataclass
from typing import assert_never

from storage.states import ProgramName


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """The text above the box, and the version that is recorded with it."""

    text: str
    version: str


def consent(program: ProgramName) -> Consent:
    """The consent that a token of this program takes."""
    match program:
        case ProgramName.APPLE:
            return Consent(
                text="I agree that this service exchanges device information with Apple for our "
                "organisation",
                version="apple-1",
            )
        case ProgramName.INTUNE:
            return Consent(
                text="I agree to give permission to Microsoft to send user and device information "
                "to Apple",
                version="intune-1",
            )
        case _:
            assert_never(program)
