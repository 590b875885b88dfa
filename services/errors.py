"""Every error that the product raises on purpose.

ServiceError                 expected; its `user_message` says what to do next
├── Refused                  the person may not, or not now
│   ├── NotAllowed           the person lacks the role
│   └── TooManyFiles         services/upload_limits: too many files of theirs cannot be opened
├── Invalid                  a field of a form is wrong; `field` names it
├── InvalidForm              all such fields of one form
├── NotFound                 nothing of that name or id
├── GoesOnByHand             services/errands: a holder takes nothing from us; a person does it
├── BegunElsewhere           services/errands: another process prepares this request
├── WrongFile                services/wrong_file: the file is not the one we need
├── SealBroken               services/sealing: a key is missing, wrong, or a ciphertext was moved
└── ConfigurationError       bot/settings, start-up: a setting, scope or token is missing or wrong
UpstreamError                another system failed; `retryable` says whether asking again may help
├── ListAstray               services/programs: a list of devices that comes to no proper end
├── NotShown                 services/errands: a holder does not show (yet) what was done there
├── AppleError               services/apple: with Apple's code
└── GraphError               services/graph: with Graph's or Entra's code

Anything else is a bug: its traceback goes to the log, an incident id to the person.
"""


class ServiceError(Exception):
    """An expected refusal, with a sentence for people that says what to do next.

    `str(error)` is for the log and holds no secrets; `field` names the form's field that is
    wrong, where there is one.
    """

    def __init__(self, log_text: str, *, user_message: str, field: str | None = None) -> None:
        super().__init__(log_text)
        self.user_message = user_message
        self.field = field


class Refused(ServiceError):
    """The rules do not allow it, or do not allow it now."""


class NotAllowed(Refused):
    """The person does not have the role that this takes."""


class Invalid(ServiceError):
    """What was typed in a field cannot be taken; `field` names it."""


class InvalidForm(ServiceError):
    """Several fields of one form; `fields` holds a sentence for each by the field's name."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(
            f"fields refused: {', '.join(sorted(fields))}", user_message=" ".join(fields.values())
        )
        self.fields = fields


class NotFound(ServiceError):
    """No token, request or message of that name or id."""


class SealBroken(ServiceError):
    """A key is missing or wrong, or a sealed value is not where it was sealed."""


class ConfigurationError(ServiceError):
    """A setting, a token or a scope is missing or wrong, so that the process cannot start."""


class UpstreamError(Exception):
    """Another system failed; `system` names it, `retryable` says whether asking again may help.

    `retry_after_seconds` is how long it asked us to wait, where it did.
    """

    def __init__(
        self,
        log_text: str,
        *,
        system: str,
        retryable: bool,
        user_message: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(log_text)
        self.system = system
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds
        self.user_message = user_message or (
            f"{system} did not answer as expected. Try again in a few minutes."
        )
