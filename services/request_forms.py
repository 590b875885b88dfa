"""Forms by which people ask, as submitted, and what may stand in their fields."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from services import names
from services.errors import Invalid, InvalidForm
from storage.states import Action, Portal, ProgramName, RenewalCause

PUBLIC_DOMAINS = frozenset(
    {
        "aol.com",
        "apple.com",
        "gmail.com",
        "gmx.de",
        "gmx.net",
        "googlemail.com",
        "hotmail.com",
        "icloud.com",
        "live.com",
        "mac.com",
        "mail.com",
        "me.com",
        "msn.com",
        "outlook.com",
        "privaterelay.appleid.com",
        "proton.me",
        "protonmail.com",
        "web.de",
        "yahoo.com",
        "yandex.ru",
    }
)
"""Where anybody gets an address: an Apple ID there is most often a personal one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateForm:
    """A create form as submitted; `submission` is Slack's id of it, the same at each delivery.

    `sure` says that the person answered the question about an Apple ID at a public domain. Scope
    tags are names by ids where they were chosen, ids where they were typed.
    """

    submission: str
    program: ProgramName
    portal: Portal
    name: str
    server_name: str
    apple_id: str
    owner: str
    reason: str
    consented: bool
    sure: bool = False
    scope_tags: Mapping[str, str] = field(default_factory=dict)
    scope_tag_ids: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewForm:
    """A renew form as submitted; `replaces` asks for a token of another server."""

    submission: str
    token_id: str
    cause: RenewalCause
    apple_id: str
    reason: str
    replaces: bool
    rotate: bool
    sure: bool = False
    scope_tags: Mapping[str, str] = field(default_factory=dict)
    scope_tag_ids: str = ""

    @property
    def action(self) -> Action:
        """What it asks for."""
        return Action.REPLACE if self.replaces else Action.RENEW


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteForm:
    """A delete or remove form as submitted; `typed` is the name as the person typed it."""

    submission: str
    token_id: str
    action: Action
    typed: str
    reason: str


class PublicDomain(InvalidForm):
    """The Apple ID looks personal; the person may say that it is the organisation's."""

    def __init__(self, apple_id: str) -> None:
        self.domain = apple_id.rpartition("@")[2]
        super().__init__(
            {
                "apple_id": f"Anybody can have an address at {self.domain}, and a personal one "
                "must not hold a token. Take the organisation's, or say below that it is."
            }
        )


def checked_create(form: CreateForm) -> CreateForm:
    """The form with its fields trimmed. Raises InvalidForm, PublicDomain."""
    wrong: dict[str, str] = {}
    name = _field(wrong, names.token_name, form.name)
    checked = replace(
        form,
        name=name,
        server_name=_field(wrong, names.server_name, form.server_name)
        if form.server_name.strip()
        else name,
        apple_id=_field(wrong, names.apple_id, form.apple_id),
        reason=_field(wrong, names.reason, form.reason),
        scope_tags=_tags(wrong, form),
    )
    if not form.owner:
        wrong["owner"] = "Choose who answers for the token."
    if not form.consented:
        wrong["consent"] = "Without this agreement the token cannot be requested."
    _raise(wrong)
    _question(checked.apple_id, sure=form.sure)
    return checked


def checked_renew(form: RenewForm, *, known: str) -> RenewForm:
    """The form with its fields trimmed; the Apple ID `known` so far is not questioned again.

    Raises InvalidForm, PublicDomain.
    """
    wrong: dict[str, str] = {}
    checked = replace(
        form,
        apple_id=_field(wrong, names.apple_id, form.apple_id),
        reason=form.reason.strip(),
        scope_tags=_tags(wrong, form),
    )
    if checked.reason or form.cause is RenewalCause.OTHER:
        checked = replace(checked, reason=_field(wrong, names.reason, form.reason))
    _raise(wrong)
    same = checked.apple_id.casefold() == known.casefold()
    _question(checked.apple_id, sure=form.sure or same)
    return checked


def checked_delete(form: DeleteForm, *, name: str) -> DeleteForm:
    """The form, its name typed as it is and its reason trimmed. Raises InvalidForm."""
    wrong: dict[str, str] = {}
    checked = replace(form, reason=_field(wrong, names.reason, form.reason))
    if form.typed.strip() != name:
        wrong["typed"] = "This is not the token's name. Type it exactly as it stands above."
    _raise(wrong)
    return checked


def _field(wrong: dict[str, str], check: Callable[[str], str], text: str) -> str:
    try:
        return check(text)
    except Invalid as error:
        wrong[error.field or ""] = error.user_message
        return ""


def _tags(wrong: dict[str, str], form: CreateForm | RenewForm) -> Mapping[str, str]:
    try:
        return {**form.scope_tags, **names.scope_tags(form.scope_tag_ids)}
    except Invalid as error:
        wrong[error.field or ""] = error.user_message
        return {}


def _raise(wrong: dict[str, str]) -> None:
    if wrong:
        raise InvalidForm(wrong)


def _question(apple_id: str, *, sure: bool) -> None:
    if not sure and apple_id.rpartition("@")[2].casefold() in PUBLIC_DOMAINS:
        raise PublicDomain(apple_id)
