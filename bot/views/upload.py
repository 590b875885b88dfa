"""The forms in which evidence is brought, and what they become."""

from collections.abc import Mapping
from typing import Any, assert_never

from bot.views.blocks import Block, View, context, field, modal, page, plain, section
from bot.views.fields import day_picked, typed
from bot.views.wording import HOLDERS, escape, said
from services.expiry_dates import FIELD
from services.uploads import TOO_LATE, UploadForm, evidence_of
from storage.records import Request, Token, Upload
from storage.states import Evidence, ProgramName, TokenState, UploadState

CALLBACK = "upload"
DATE_CALLBACK = "upload.date"
CHECK_CALLBACK = "upload.check"
TITLE = "Upload server token"
DATE_TITLE = "Enter the expiry date"
CHECK_TITLE = "Check the file first"
DONE_TITLE = "Done?"
BY_HAND = (
    "This goes on in the admin center now. Do the steps in your newest direct message, then press "
    "*Done* there."
)
TITLES = {
    Evidence.SERVER_TOKEN_FILE: TITLE,
    Evidence.EXPIRY_DATE: DATE_TITLE,
    Evidence.THEIR_WORD: DONE_TITLE,
}


def evidence_form(request: Request, token: Token) -> View:
    """The form for what the request waits for; a word needs none."""
    evidence = evidence_of(request)
    match evidence:
        case Evidence.SERVER_TOKEN_FILE:
            return upload_form(request, token)
        case Evidence.EXPIRY_DATE:
            return date_form(request, token)
        case Evidence.THEIR_WORD:
            return page(TITLE, BY_HAND)
        case _:
            assert_never(evidence)


def upload_form(request: Request, token: Token) -> View:
    """The form for the `.p7m`; the Apple ID is prefilled and may differ."""
    intune = token.program is ProgramName.INTUNE
    whose = (
        "The file is encrypted for Intune's key: I look whom it is for, then hand it to Intune."
        if intune
        else "The file is encrypted for our key."
    )
    blocks = [
        section(f"The server token file for *{escape(token.name)}*, as the portal gave it to you."),
        _apple_id(request, token),
        *_file_fields(),
        context(f"{whose} It is deleted from Slack after use if allowed."),
    ]
    return _form(TITLE, blocks, CALLBACK, request, "Upload")


def date_form(request: Request, token: Token) -> View:
    """The form for the date that the admin center shows."""
    blocks = [
        section(
            f"What the admin center shows for *{escape(token.name)}* now. I cannot look myself: "
            "reminders follow the date that you enter."
        ),
        field(
            FIELD,
            "Expiry date of the new token",
            {"type": "datepicker"},
            hint="About one year from today.",
        ),
        _apple_id(request, token),
    ]
    return _form(DATE_TITLE, blocks, DATE_CALLBACK, request, "It is in use")


def check_form(request: Request, token: Token) -> View:
    """The form for a `.p7m` that is to be looked at, and not kept."""
    blocks = [
        section(
            f"Whose key is the `.p7m` file encrypted for? I compare it with the certificates that "
            f"Intune shows, before you upload it there for *{escape(token.name)}*."
        ),
        *_file_fields(),
        context("Nothing of the file is kept, and it is deleted from Slack if allowed."),
    ]
    return _form(CHECK_TITLE, blocks, CHECK_CALLBACK, request, "Check")


def _form(title: str, blocks: list[Block], callback_id: str, request: Request, submit: str) -> View:
    return modal(
        title,
        blocks,
        callback_id=callback_id,
        private_metadata=request.id,
        submit=plain(submit),
        close=plain("Cancel"),
    )


def _apple_id(request: Request, token: Token) -> Block:
    return field(
        "apple_id",
        "Apple ID used for the download",
        {"type": "plain_text_input", "initial_value": request.apple_id or token.apple_id},
        hint="Change it if you signed in with another one.",
    )


def _file_fields() -> list[Block]:
    return [
        field(
            "file",
            "Server token file",
            # No filter by extension: whether Slack takes p7m is nowhere documented.
            {"type": "file_input", "max_files": 1},
            hint="It ends in .p7m and has about 1.5 kB. Do not open or rename it.",
            optional=True,
        ),
        field(
            "text",
            "Or paste the file's text",
            {"type": "plain_text_input", "multiline": True, "max_length": 3000},
            hint="Where uploads are barred: open it in a text editor and copy all of it.",
            optional=True,
        ),
    ]


def parse_upload(view: Mapping[str, Any]) -> UploadForm:
    """The form as submitted; neither a file nor text is the service's to refuse."""
    state = view["state"]["values"]
    files = state.get("file", {}).get("file", {}).get("files") or []
    by_date = view.get("callback_id") == DATE_CALLBACK
    return UploadForm(
        submission=str(view["id"]),
        request_id=str(view["private_metadata"]),
        apple_id=typed(state, "apple_id"),
        file_id=str(files[0]["id"]) if files else "",
        view_id=str(view["id"]),
        text=typed(state, "text"),
        evidence=Evidence.EXPIRY_DATE if by_date else Evidence.SERVER_TOKEN_FILE,
        expires_on=day_picked(state, FIELD),
        only_check=view.get("callback_id") == CHECK_CALLBACK,
    )


def checking(title: str = TITLE) -> View:
    """What the form becomes at once."""
    return page(
        title,
        "*Checking…* You can close this; the result comes as a direct message too.",
    )


def upload_result(upload: Upload, token: Token) -> View:
    """What the checking view becomes when the outcome is known."""
    title = CHECK_TITLE if upload.only_check else TITLES[upload.evidence]
    return page(title, _result(upload, token))


def _result(upload: Upload, token: Token) -> str:
    match upload.state:
        case UploadState.HELD if upload.evidence is Evidence.EXPIRY_DATE:
            return "*The date is kept.* It counts once the request is approved."
        case UploadState.HELD:
            return (
                "*The file is whole, and of another server.* It is kept under seal and takes "
                "effect when the request is approved."
            )
        case UploadState.RECEIVED:
            return kept_words(upload, token)
        case UploadState.ACCEPTED:
            return f":white_check_mark: *{escape(token.name)} {_now(token)}.*"
        case UploadState.CHECKED:
            return f":white_check_mark: {said(upload.answer or '')}"
        case UploadState.REFUSED:
            stays = "" if upload.reason == TOO_LATE else "\nThe step stays open."
            return f":warning: *{refused_words(upload)}* {said(upload.answer or '')}{stays}"
        case _:
            assert_never(upload.state)


def _now(token: Token) -> str:
    if token.state is TokenState.DELETED:
        return "is deleted"
    return "is in use" if token.removed_here_at is None else "has no devices here any more"


def kept_words(upload: Upload, token: Token) -> str:
    """That it waits for its holder, in words."""
    holder = HOLDERS[token.program]
    if upload.evidence is Evidence.SERVER_TOKEN_FILE:
        return (
            f"{holder} gives no usable answer at the moment, or does not show the new token yet. "
            "The file is kept under seal and tried again by itself, for 24 hours at most; you need "
            "not upload it again."
        )
    seen = said(upload.answer) if upload.answer else f"{holder} gives no usable answer just now."
    return f"*Not yet.* {seen}\nIt is asked again by itself; you need not press anything."


def refused_words(upload: Upload) -> str:
    """That it was not taken, in words."""
    if upload.only_check:
        return "This is not the right file."
    return REFUSED[upload.evidence]


REFUSED = {
    Evidence.SERVER_TOKEN_FILE: "The file was not taken.",
    Evidence.EXPIRY_DATE: "The date was not taken.",
    Evidence.THEIR_WORD: "Not confirmed.",
}
"""Of each kind of evidence, that it was not taken; a test proves that none is missing."""
