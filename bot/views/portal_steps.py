"""The numbered steps at Apple's portal and in Intune's admin center."""

from bot.views.bringing import PRESSED
from bot.views.request_card import RequestFacts
from bot.views.wording import ADMIN_CENTER, PORTALS, PortalWords, escape
from services.taking_out import TAKING_OUT
from services.uploads import evidence_of
from storage.states import Action, Evidence, ProgramName, RenewalCause

LATER = "You can set which devices belong to the server now or later, in Apple's portal."


def numbered(shown: RequestFacts) -> list[str]:
    """The steps as lines, one after the other."""
    request, portal = shown.request, PORTALS[shown.token.portal]
    creates = request.action is Action.CREATE
    if request.action in TAKING_OUT:
        lines = _take_out(shown)
    elif evidence_of(request) is Evidence.SERVER_TOKEN_FILE:
        lines = _create(shown, portal) if creates else _renew(shown, portal)
    else:
        lines = _create_by_hand(shown, portal) if creates else _renew_by_hand(shown, portal)
    steps = [f"{number}. {line}" for number, line in enumerate(lines, 1)]
    return [*steps, LATER] if creates else steps


def _take_out(shown: RequestFacts) -> list[str]:
    console, token = ADMIN_CENTER, shown.token
    name = escape(token.holder_name or token.name)
    opened = f"Open the {console.link}, {console.menu}, and choose the token *{name}*."
    if shown.request.action is Action.REMOVE:
        return [
            opened,
            "Open *Devices*, choose all of them and press *Delete*. They leave management; those "
            "that are still assigned at Apple come back at Intune's next full sync.",
            _word(shown),
        ]
    return [
        opened,
        "See that *Devices* and *Profiles* list nothing (devices removed from Apple do not count), "
        "and that no enrollment policy is left for it. Intune deletes it only then.",
        "Choose *Delete* and confirm.",
        _word(shown),
    ]


def _word(shown: RequestFacts) -> str:
    press = f"Come back here and press *{PRESSED[Evidence.THEIR_WORD]}*."
    if shown.token.holder_id is None:
        return f"{press} I cannot look at Intune, so your word counts."
    return f"{press} I then look at Intune and confirm it."


def _create(shown: RequestFacts, portal: PortalWords) -> list[str]:
    return [
        f"Save the `.pem` file that I sent you: {_whose(shown)} public-key certificate.",
        *_add_server(shown, portal),
        _press(shown),
    ]


def _whose(shown: RequestFacts) -> str:
    return "Intune's" if shown.token.program is ProgramName.INTUNE else "the"


def _add_server(shown: RequestFacts, portal: PortalWords) -> list[str]:
    return [
        _sign_in(shown, portal),
        f"Click {portal.menu} and choose *{portal.add}*.",
        f"Name the {portal.server} (formerly {portal.server_formerly}), for example "
        f"*{escape(shown.token.server_name)}*; any name will do. Upload the `.pem` file and save.",
        f"Choose *{portal.download}*. You get a file that ends in `.p7m`; do not open it.",
    ]


def _create_by_hand(shown: RequestFacts, portal: PortalWords) -> list[str]:
    console = ADMIN_CENTER
    unused = " If I sent you a `.pem` before, leave it." if shown.request.detour else ""
    return [
        f"Open the {console.link}, {console.menu}, and choose *{console.create}*. *Keep this tab "
        f"open until you press {console.create} at the end*: closing it makes the certificate of "
        "the next step worthless.",
        f"Tick *{console.agree}* (it lets Microsoft send user and device information to Apple) and "
        f"choose *{console.public_key}*. Save the `.pem` file.{unused}",
        f"In another tab: {_lowered(_sign_in(shown, portal))}",
        *_add_server(shown, portal)[1:],
        f"Back in the first tab: {_fill_in(shown)} Press *{console.create}*.",
        _press(shown),
    ]


def _fill_in(shown: RequestFacts) -> str:
    console, request = ADMIN_CENTER, shown.request
    apple_id = escape(request.apple_id or shown.token.apple_id)
    tags = ", ".join(escape(name or one) for one, name in request.scope_tags.items())
    chosen = f", {console.scope_tags} *{tags}*" if tags else ""
    return f"{console.apple_id} *{apple_id}*, {console.file}: the `.p7m` file{chosen}."


def _renew_by_hand(shown: RequestFacts, portal: PortalWords) -> list[str]:
    console = ADMIN_CENTER
    name = escape(shown.token.holder_name or shown.token.name)
    return [
        *_download(shown, portal),
        f"Open the {console.link}, {console.menu}, the token *{name}*, and choose "
        f"*{console.renew}*.",
        f"{_fill_in(shown)} Go on to the end and press *{console.renew}*.",
        _press(shown),
    ]


def _renew(shown: RequestFacts, portal: PortalWords) -> list[str]:
    return [*_download(shown, portal), _press(shown)]


def _download(shown: RequestFacts, portal: PortalWords) -> list[str]:
    request, server = shown.request, escape(shown.token.server_name)
    if request.cause is RenewalCause.ALREADY_DOWNLOADED:
        return [
            "Find the newest `.p7m` file that was downloaded; do not open it. If it is lost, sign "
            f"in at <{portal.url}|{portal.name}>, open the server *{server}* and choose "
            f"*{portal.download}* once more.",
        ]
    which = f"open the server *{server}*"
    if request.action is Action.REPLACE:
        which = "open the other server (or *Add* one)"
    lines = [_sign_in(shown, portal), f"Click {portal.menu} and {which}."]
    if request.rotate:
        lines.insert(0, "Save the new `.pem` file that I sent you: the public-key certificate.")
        lines.append("Upload the new `.pem` file there and save, *before* you download anything.")
    ends = (
        ""
        if request.action is Action.REPLACE
        else f" *{portal.download} invalidates the token in use*, so be ready to finish at once."
    )
    return [
        *lines,
        f"Choose *{portal.download}*. You get a file that ends in `.p7m`; do not open it.{ends}",
    ]


def _press(shown: RequestFacts) -> str:
    evidence = evidence_of(shown.request)
    pressed = PRESSED[evidence]
    match evidence:
        case Evidence.SERVER_TOKEN_FILE:
            return f"Come back here and press *{pressed}*."
        case Evidence.EXPIRY_DATE:
            return (
                "Look at the expiry date that the admin center shows for the token, come back here "
                f"and press *{pressed}*."
            )
        case Evidence.THEIR_WORD:
            return f"Come back here and press *{pressed}*. I then look at Intune and confirm it."


def _lowered(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _sign_in(shown: RequestFacts, portal: PortalWords) -> str:
    apple_id = escape(shown.request.apple_id or shown.token.apple_id)
    formerly = f" (formerly {portal.formerly})" if portal.formerly else ""
    return (
        f"Sign in at <{portal.url}|{portal.name}>{formerly} with *{apple_id}*, your organisation's "
        "Apple ID, not a personal one. It needs the role Administrator or Device Enrollment "
        "Manager."
    )
