"""What `check` tells: one finding for each thing that was looked at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; `said` is a fact where it is fine, else what to do."""

    about: str
    fine: bool
    said: str
