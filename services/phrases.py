"""How a sentence for people names a person or quotes outside text, without knowing Slack.

A person is their id between two private marks, which the views turn into a mention. Outside text
loses such marks (and everything else that cannot be seen) before it joins a sentence, so that no
name can pose as a mention.
"""

import unicodedata
from collections.abc import Iterable

PERSON_MARK = "\ue000"
QUOTED_LENGTH = 80
PLAIN_QUOTES = str.maketrans("“”", '""')
"""What is quoted cannot end its quotation."""
MOST_NAMED = 10


def person(person_id: str) -> str:
    """The person, to be mentioned."""
    return f"{PERSON_MARK}{person_id}{PERSON_MARK}"


def people(person_ids: Iterable[str]) -> str:
    """These people, or `nobody yet`; more than ten are counted."""
    everybody = sorted(person_ids)
    named = ", ".join(person(one) for one in everybody[:MOST_NAMED])
    more = len(everybody) - MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named or "nobody yet"


def quoted(text: str) -> str:
    """Outside text in quotes, on one line, without unseen characters, cut to 80 characters."""
    seen = "".join(
        " " if mark.isspace() else mark for mark in text if not _unseen(mark) or mark.isspace()
    )
    line = " ".join(seen.split()).translate(PLAIN_QUOTES)
    shown = line if len(line) <= QUOTED_LENGTH else f"{line[: QUOTED_LENGTH - 1]}…"
    return f"“{shown}”"


def _unseen(mark: str) -> bool:
    return unicodedata.category(mark).startswith("C")
