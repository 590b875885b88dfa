"""The files methods: uploads in two steps, look-ups while a scan runs, deletion by owner."""

from tests.sandbox.slack.chat_methods import checked_content
from tests.sandbox.slack.conversations import Channel
from tests.sandbox.slack.reading import Json
from tests.sandbox.slack.refusals import Refused, channel_for
from tests.sandbox.slack.stored_files import StoredFile, Ticket
from tests.sandbox.slack.team import Team

MOST_CHANNELS = 100


def info(team: Team, arguments: Json) -> Json:
    """Describe a file, once Slack's scan let it through."""
    file = _existing(team, str(arguments["file"]))
    if not file.scanned and team.files.scan_hides_file:
        raise Refused("file_not_found")
    if not visible(team, file):
        raise Refused("file_not_found")
    return {"file": file.to_file(with_url=file.scanned)}


def delete(team: Team, arguments: Json) -> Json:
    """Delete a file of the app's own."""
    file = _existing(team, str(arguments["file"]))
    if file.user_id != team.bot_user_id:
        raise Refused("cant_delete_file")
    file.deleted = True
    return {}


def get_upload_url(team: Team, arguments: Json) -> Json:
    """Announce an upload: its name and its length."""
    length = str(arguments["length"])
    if not length.isdigit() or int(length) == 0:
        raise Refused.for_reasons("invalid_arguments", ["[ERROR] length must be more than 0"])
    file = StoredFile(
        id=team.new_id("F"),
        team_id=team.team_id,
        user_id=team.bot_user_id,
        name=str(arguments["filename"]),
        content=b"",
        origin=team.origin,
    )
    ticket = team.new_id("upload")
    team.files.tickets[ticket] = Ticket(file=file, length=int(length))
    return {"upload_url": f"{team.origin}/upload/v1/{ticket}", "file_id": file.id}


def complete_upload(team: Team, arguments: Json) -> Json:
    """Finish uploads and share them into a conversation, as one message."""
    named = arguments["files"]
    if not isinstance(named, list) or not named:
        raise Refused.for_reasons("invalid_arguments", ["[ERROR] files must be an array"])
    channels = _places(team, arguments)
    if arguments.get("thread_ts") and len(channels) != 1:
        raise Refused.for_reasons(
            "invalid_arguments", ["[ERROR] thread_ts needs exactly one channel"]
        )
    comment = {"text": arguments.get("initial_comment"), "blocks": arguments.get("blocks")}
    content: Json = {"text": "", "blocks": []}
    if any(comment.values()):
        content = checked_content(team, comment, "files.completeUploadExternal")
    files = [_arrived(team, one) for one in named]
    for channel in channels:
        for file in files:
            file.channels.add(channel.id)
        thread_ts = arguments.get("thread_ts")
        team.post(channel, team.bot_user_id, files=list(files), thread_ts=thread_ts, **content)
    return {"files": [file.to_file() for file in files]}


def visible(team: Team, file: StoredFile) -> bool:
    """Whether the app may see a file: its own, given to it in a form, or shared where it is."""
    if file.for_app or file.user_id == team.bot_user_id:
        return True
    return any(team.bot_user_id in team.channels[c].members for c in file.channels)


def _existing(team: Team, file_id: str) -> StoredFile:
    file = team.files.by_id.get(file_id)
    if file is None:
        raise Refused("file_not_found")
    if file.deleted:
        raise Refused("file_deleted")
    return file


def _places(team: Team, arguments: Json) -> list[Channel]:
    ids = str(arguments.get("channels") or arguments.get("channel_id") or "").split(",")
    if len(ids) > MOST_CHANNELS:
        raise Refused("channels_limit_exceeded")
    places = []
    for place in filter(None, ids):
        channel = team.im_with(place) if place in team.people else channel_for(team, place)
        if team.bot_user_id not in channel.members:
            raise Refused("not_in_channel")
        if channel.is_archived:
            raise Refused("posting_to_channel_denied")
        places.append(channel)
    return places


def _arrived(team: Team, named: Json) -> StoredFile:
    for key, ticket in team.files.tickets.items():
        if ticket.file.id == named.get("id"):
            if not ticket.arrived:
                raise Refused("file_not_found")
            del team.files.tickets[key]
            ticket.file.title = str(named.get("title") or ticket.file.name)
            return team.files.add(ticket.file)
    raise Refused("file_not_found")
