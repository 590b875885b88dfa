"""What may be typed as the name of a token, a server, an Apple ID or a reason."""

import unicodedata

from services.errors import Invalid

NAME_LENGTH = 80
REASON_LENGTH = 500
APPLE_ID_LENGTH = 320
TAG_LENGTH = 10
# What a browser, a mail or a chat may slip in unseen: direction marks, joiners, byte-order marks.
UNSEEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
JOINERS = {"\u200d", "\ufe0f"}


def token_name(text: str) -> str:
    """The name, trimmed: 1-80 visible characters, not only emoji. Raises Invalid (`name`)."""
    return _name(text, "name", "The token's name")


def server_name(text: str) -> str:
    """The server's name at Apple, under the same rules. Raises Invalid (`server_name`)."""
    return _name(text, "server_name", "The server's name")


def apple_id(text: str) -> str:
    """The Apple ID, trimmed; an address with one @. Raises Invalid (`apple_id`)."""
    address = text.strip()
    local, _, domain = address.partition("@")
    plain = not any(unicodedata.category(mark) in UNSEEN or mark.isspace() for mark in address)
    if not (plain and local and "." in domain and "@" not in domain):
        raise Invalid(
            "not an Apple ID",
            user_message="An Apple ID is an e-mail address, like it-admin@school.example.",
            field="apple_id",
        )
    if len(address) > APPLE_ID_LENGTH:
        raise Invalid(
            "Apple ID too long",
            user_message=f"This is longer than {APPLE_ID_LENGTH} characters.",
            field="apple_id",
        )
    return address


def scope_tags(text: str) -> dict[str, str]:
    """Ids of scope tags with commas, each without a name. Raises Invalid (`scope_tag_ids`)."""
    ids = [part for part in text.replace(",", " ").split() if part]
    if any(not (part.isascii() and part.isdecimal() and len(part) <= TAG_LENGTH) for part in ids):
        raise Invalid(
            "not ids of scope tags",
            user_message="The ids of scope tags are numbers, such as 0, 3. Leave it empty if you "
            "do not know them.",
            field="scope_tag_ids",
        )
    return dict.fromkeys(ids, "")


def reason(text: str) -> str:
    """Why it is asked for, trimmed; line breaks stay. Raises Invalid (`reason`)."""
    cleaned = text.strip()
    if not cleaned or len(cleaned) > REASON_LENGTH:
        raise Invalid(
            "reason empty or too long",
            user_message=f"Say in 1 to {REASON_LENGTH} characters why the token is needed.",
            field="reason",
        )
    return cleaned


def _name(text: str, field: str, what: str) -> str:
    name = text.strip()
    if not 1 <= len(name) <= NAME_LENGTH:
        raise Invalid(
            f"{field} has {len(name)} characters",
            user_message=f"{what} has {len(name)} characters; take 1 to {NAME_LENGTH}.",
            field=field,
        )
    if any(unicodedata.category(mark) in UNSEEN for mark in name if mark not in JOINERS):
        raise Invalid(
            f"{field} has unseen characters",
            user_message=f"{what} holds characters that cannot be seen. Type it anew.",
            field=field,
        )
    if not any(unicodedata.category(mark)[0] in "LN" for mark in name) or _only_emoji(name):
        raise Invalid(
            f"{field} has no letter or digit",
            user_message=f"{what} needs at least one letter or digit, so that it can be typed.",
            field=field,
        )
    return name


def _only_emoji(name: str) -> bool:
    # Slack sends emoji as :short_names:, which hold letters.
    words = name.replace("::", ": :").split()
    return all(len(word) > 2 and word[0] == word[-1] == ":" for word in words)  # noqa: PLR2004 - a colon on each side
