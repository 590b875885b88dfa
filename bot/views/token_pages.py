"""The list of tokens as a modal, page by page."""

from zoneinfo import ZoneInfo

from bot.views import tokens
from bot.views.blocks import View, actions, context, modal
from bot.views.paging import page_buttons
from services.tokens import Page, TokenView

OPEN = "tokens.open"
MORE = "tokens.more"
BACK = "tokens.back"
TITLE = "Tokens"
STATUS_TITLE = "Status"


def token_page(page: Page[TokenView], zone: ZoneInfo) -> View:
    """One page of the list, with buttons to the others."""
    if page.pages == 1:
        return modal(TITLE, tokens.token_list(page, "", zone).blocks)
    blocks = tokens.token_rows(page, zone)
    blocks.append(context(f"Page {page.number + 1} of {page.pages}"))
    blocks.append(actions(tokens.PICTURE_BUTTON, block_id="picture"))
    blocks += page_buttons(page.number, page.pages, back=BACK, more=MORE)
    return modal(TITLE, blocks)


def status_page(shown: TokenView, zone: ZoneInfo) -> View:
    """Everything about one token, as a modal."""
    return modal(STATUS_TITLE, [*tokens.token_status(shown, zone).blocks])
