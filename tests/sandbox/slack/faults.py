"""Trouble that Slack's API makes when it is told to."""

from dataclasses import dataclass, field

from tests.sandbox.holding import Hold
from tests.sandbox.slack.spoiling import Spoil


@dataclass(slots=True, kw_only=True)
class Fault:
    """What happens to the next calls of a method, or to those that name one channel or person."""

    method: str
    channel: str | None = None
    times: int | None = 1
    error: str | None = None
    status: int = 200
    retry_after: float | None = None
    delay: float = 0.0
    reset: bool = False
    accepted: bool = False
    """Whether the call takes effect all the same."""
    after: int = 0
    """How many such calls pass untroubled before."""
    spoil: Spoil | None = None
    """What is wrong with the answer."""
    hold: Hold | None = None
    """Where the call stands still: before it takes effect, or behind that if it is `accepted`."""

    def meets(self, method: str, channel: str | None) -> bool:
        """Whether it falls upon this call."""
        return self.times != 0 and self.method == method and self.channel in (None, channel)


@dataclass(slots=True)
class Faults:
    """The faults that are set; each falls upon as many calls as it says (None: on all)."""

    waiting: list[Fault] = field(default_factory=list)

    def take(self, method: str, channel: str | None) -> Fault | None:
        """Use up one time of the first fault that falls upon this call."""
        fault = next((f for f in self.waiting if f.meets(method, channel)), None)
        if fault is not None and fault.after:
            fault.after -= 1
            return None
        if fault is not None and fault.times is not None:
            fault.times -= 1
        return fault

    def add(self, fault: Fault) -> Fault:
        """Set a fault."""
        self.waiting.append(fault)
        return fault

    def clear(self) -> None:
        """Let everything work again."""
        self.waiting.clear()

    def rate_limit(
        self,
        method: str,
        *,
        retry_after: float = 1,
        channel: str | None = None,
        times: int | None = 1,
    ) -> Fault:
        """Answer 429 with Retry-After."""
        return self.add(
            Fault(method=method, channel=channel, times=times, retry_after=retry_after, status=429)
        )

    def error(
        self, method: str, error: str, *, channel: str | None = None, times: int | None = 1
    ) -> Fault:
        """Answer 200 with an error of Slack's."""
        return self.add(Fault(method=method, channel=channel, times=times, error=error))

    def status(
        self,
        method: str,
        status: int = 500,
        *,
        channel: str | None = None,
        times: int | None = 1,
        accepted: bool = False,
    ) -> Fault:
        """Answer with an HTTP status and no JSON."""
        return self.add(
            Fault(method=method, channel=channel, times=times, status=status, accepted=accepted)
        )

    def reset(
        self,
        method: str,
        *,
        channel: str | None = None,
        times: int | None = 1,
        accepted: bool = False,
    ) -> Fault:
        """Drop the connection, before the call took effect or after."""
        return self.add(
            Fault(method=method, channel=channel, times=times, reset=True, accepted=accepted)
        )

    def delay(
        self, method: str, seconds: float, *, channel: str | None = None, times: int | None = 1
    ) -> Fault:
        """Answer rightly, but late; the call takes effect at once."""
        return self.add(
            Fault(method=method, channel=channel, times=times, delay=seconds, accepted=True)
        )

    def spoilt(
        self,
        method: str,
        spoil: Spoil,
        *,
        channel: str | None = None,
        times: int | None = 1,
        accepted: bool = True,
    ) -> Fault:
        """Answer in a way that is of no use; the call takes effect all the same, if so told."""
        return self.add(
            Fault(method=method, channel=channel, times=times, spoil=spoil, accepted=accepted)
        )

    def held(
        self, method: str, *, channel: str | None = None, accepted: bool = False, after: int = 0
    ) -> Hold:
        """Let one call stand still, before it takes effect or behind that; it gets no answer."""
        hold = Hold()
        fault = Fault(method=method, channel=channel, hold=hold, accepted=accepted, after=after)
        self.add(fault)
        return hold
