"""What becomes of the text behind a slash command on its way to the app."""

import re

from tests.sandbox.slack.team import Team


def sent_text(team: Team, text: str) -> str:
    """Escape three characters, and turn names into ids where the manifest asks for it."""
    words = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _with_ids(team, words) if team.escapes_commands else words


def _with_ids(team: Team, words: str) -> str:
    # The longest first, so that one name within another is left whole.
    for person in sorted(team.people.values(), key=lambda p: -len(p.real_name)):
        mention = f"<@{person.id}|{person.name}>"
        for name in (person.real_name, person.name):
            words = re.sub(rf"@{re.escape(name)}(?![\w.])", mention, words)
    for group in team.groups.values():
        mention = f"<!subteam^{group.id}|@{group.handle}>"
        words = re.sub(rf"@{re.escape(group.handle)}(?![\w-])", mention, words)
    for channel_id, name in team.channel_names.items():
        reference = f"<#{channel_id}|{name}>"
        words = re.sub(rf"#{re.escape(name)}(?![\w-])", reference, words)
    return words
