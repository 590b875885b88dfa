"""The direct messages about what was brought: kept, checked, not taken, a strange key."""

from bot.views.blocks import Message, actions, section
from bot.views.bringing import bring_button, check_buttons
from bot.views.upload import kept_words, refused_words
from bot.views.wording import HOLDERS, escape, mention, said
from services.uploads import waits_for_evidence
from storage.records import Request, Token, Upload
from storage.states import ProgramName


def incident(upload: Upload, token: Token) -> Message:
    """A file was made for a key that nobody here knows: somebody else can read it."""
    name, ours = escape(token.name), token.program is ProgramName.APPLE
    nobodys, pem = (
        ("none of ours", "our `.pem`") if ours else ("neither Intune's nor ours", "Intune's `.pem`")
    )
    text = (
        f":rotating_light: *Another certificate is at Apple for {name}.* "
        f"{mention(upload.uploader)} brought a server token file that was made for a key which is "
        f"{nobodys}. Whoever made that certificate can read the file and act as our server.\n"
        f"1. Let the requester upload {pem} at the portal and download the token anew; that "
        "ends the one in this file.\n"
        "2. Find out in the portal's activity who uploaded the other certificate.\n"
        "3. Tell your security team."
    )
    return Message(text=f"Another certificate is at Apple for {name}", blocks=[section(text)])


def upload_kept(upload: Upload, token: Token) -> Message:
    """Its holder gives no answer, so it waits."""
    name = escape(token.name)
    return Message(
        text=f"{name} waits for {HOLDERS[token.program]}'s answer",
        blocks=[section(f"*{name}*: {kept_words(upload, token)}")],
    )


def upload_checked(upload: Upload, request: Request, token: Token) -> Message:
    """The file is the right one; nothing was done with it."""
    name = escape(token.name)
    text = f":white_check_mark: *{name}*: {said(upload.answer or '')}"
    blocks = [section(text)]
    if waits_for_evidence(request):
        blocks.append(actions(bring_button(request), block_id="upload"))
    return Message(text=f"The file for {name} is the right one", blocks=blocks)


def upload_refused(upload: Upload, request: Request, token: Token) -> Message:
    """The same as a direct message, with the button to try again."""
    name, words = escape(token.name), refused_words(upload)
    open_still = waits_for_evidence(request)
    then = "Nothing was changed here; the step stays open." if open_still else ""
    blocks = [section(f":warning: *{name}: {words}*\n{said(upload.answer or '')}\n{then}")]
    if open_still:
        again = [bring_button(request), *check_buttons(request)]
        blocks.append(actions(*again, block_id="upload"))
    return Message(text=f"{name}: {words}", blocks=blocks)


def delete_file_please(token: Token, permalink: str) -> Message:
    """Slack does not let the app delete the uploader's file."""
    text = (
        f"The file that you uploaded for *{escape(token.name)}* is not needed any more. Slack lets "
        f"only you delete it: <{permalink}|open the file> and choose *Delete*."
    )
    return Message(text="Please delete the uploaded file", blocks=[section(text)])
