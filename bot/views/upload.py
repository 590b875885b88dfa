"""The upload form, what it becomes, and the messages about a file that was not taken."""

from collections.abc import Mapping
from typing import Any

from bot.views.blocks import (
    Message,
    View,
    actions,
    button,
    context,
    field,
    modal,
    page,
    plain,
    section,
)
from bot.views.fields import typed
from bot.views.steps import UPLOAD
from bot.views.wording import escape, mention, said
from services.uploads import UploadForm
from storage.records import Request, Token, Upload
from storage.states import UploadState

CALLBACK = "upload"
TITLE = "Upload server token"
KEPT = (
    "Apple gives no usable answer at the moment. The file is kept under seal and tried again for "
    "24 hours; you need not upload it again."
)


def upload_form(request: Request, token: Token) -> View:
    """The form for the `.p7m`; the Apple ID is prefilled and may differ."""
    blocks = [
        section(f"The server token file for *{escape(token.name)}*, as the portal gave it to you."),
        field(
            "apple_id",
            "Apple ID used for the download",
            {"type": "plain_text_input", "initial_value": request.apple_id or token.apple_id},
            hint="Change it if you signed in with another one.",
        ),
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
        context(
            "The file is encrypted for our key; it is deleted from Slack after use if allowed."
        ),
    ]
    return modal(
        TITLE,
        blocks,
        callback_id=CALLBACK,
        private_metadata=request.id,
        submit=plain("Upload"),
        close=plain("Cancel"),
    )


def parse_upload(view: Mapping[str, Any]) -> UploadForm:
    """The form as submitted; neither a file nor text is the service's to refuse."""
    state = view["state"]["values"]
    files = state.get("file", {}).get("file", {}).get("files") or []
    return UploadForm(
        submission=str(view["id"]),
        request_id=str(view["private_metadata"]),
        apple_id=typed(state, "apple_id"),
        file_id=str(files[0]["id"]) if files else "",
        view_id=str(view["id"]),
        text=typed(state, "text"),
    )


def checking() -> View:
    """What the form becomes at once."""
    return page(
        TITLE,
        "*Checking…* The file is read, opened and tried with Apple. You can close this; the result "
        "comes as a direct message too.",
    )


def upload_result(upload: Upload, token: Token) -> View:
    """What the checking view becomes when the outcome is known."""
    if upload.state is UploadState.HELD:
        text = (
            "*The file is whole, and of another server.* It is kept under seal and takes effect "
            "when the request is approved."
        )
    elif upload.state is UploadState.RECEIVED:
        text = KEPT
    elif upload.state is UploadState.ACCEPTED:
        text = (
            f":white_check_mark: *{escape(token.name)} is in use.* Apple accepted the token. A "
            "sync is under way."
        )
    else:
        text = (
            f":warning: *The file was not taken.* {said(upload.answer or '')}\nThe step stays open."
        )
    return page(TITLE, text)


def incident(upload: Upload, token: Token) -> Message:
    """A file was made for a key that nobody here knows: somebody else can read it."""
    name = escape(token.name)
    text = (
        f":rotating_light: *Another certificate is at Apple for {name}.* "
        f"{mention(upload.uploader)} brought a server token file that was made for a key which is "
        "none of ours. Whoever made that certificate can read the file and act as our server.\n"
        "1. Let the requester upload our `.pem` at the portal and download the token anew; that "
        "ends the one in this file.\n"
        "2. Find out in the portal's activity who uploaded the other certificate.\n"
        "3. Tell your security team."
    )
    return Message(text=f"Another certificate is at Apple for {name}", blocks=[section(text)])


def upload_kept(token: Token) -> Message:
    """Its holder gives no answer, so the file waits under seal."""
    name = escape(token.name)
    return Message(
        text=f"The file for {name} waits for Apple's answer",
        blocks=[section(f"*{name}*: {KEPT}")],
    )


def upload_refused(upload: Upload, request: Request, token: Token) -> Message:
    """The same as a direct message, with the button to try again."""
    name = escape(token.name)
    blocks = [
        section(
            f":warning: *The file for {name} was not taken.*\n{said(upload.answer or '')}\n"
            "Nothing was changed; the step stays open."
        ),
        actions(button("Upload server token", UPLOAD, request.id), block_id="upload"),
    ]
    return Message(text=f"The file for {name} was not taken", blocks=blocks)


def delete_file_please(token: Token, permalink: str) -> Message:
    """Slack does not let the app delete the uploader's file."""
    text = (
        f"The file that you uploaded for *{escape(token.name)}* is not needed any more. Slack lets "
        f"only you delete it: <{permalink}|open the file> and choose *Delete*."
    )
    return Message(text="Please delete the uploaded file", blocks=[section(text)])
