"""A person fills in a form: finds inputs by what stands beside them."""

from typing import Any

from tests.sandbox.slack.forms import complaint, filled, first_value
from tests.sandbox.slack.reading import Json, elements_of, readable
from tests.sandbox.slack.stored_files import Body, StoredFile
from tests.sandbox.slack.team import Team
from tests.sandbox.slack.views import View


def find_element(blocks: list[Json], label: str) -> tuple[Json, Json]:
    """Find an element by its label, its placeholder or the text beside it."""
    seen = []
    for block in blocks:
        for element in elements_of(block):
            if first_value(element) is None:
                continue
            words = _words_at(block, element)
            if label in words:
                return block, element
            seen.append(words[0] if words else element["action_id"])
    raise AssertionError(f"There is no input {label!r}; there are {seen}.")


def fill(team: Team, view: View, label: str, given: Any) -> Json:  # noqa: ANN401 - as typed
    """Put something into an input of a view, and return its value in Slack's shape."""
    block, element = find_element(view.blocks, label)
    value = filled(element, _looked_up(team, element, given))
    view.values[block["block_id"], element["action_id"]] = value
    return value


def attach(view: View, label: str, file: StoredFile) -> None:
    """Put an uploaded file into a file input, beside those that are there."""
    attach_at(view, find_element(view.blocks, label), file)


def attach_at(view: View, found: tuple[Json, Json], file: StoredFile) -> None:
    """Put an uploaded file into the file input of that block."""
    block, element = found
    kinds = element.get("filetypes", [])
    if kinds and not file.name.lower().endswith(tuple(f".{kind.lower()}" for kind in kinds)):
        raise AssertionError(f"{file.name} is none of {kinds}: Slack's client does not take it.")
    value = view.value(block, element)
    files = [*value["files"], file.to_file()]
    if len(files) > element.get("max_files", 10):
        raise AssertionError(f"More than {element['max_files']} files: the client takes no more.")
    value = {"type": "file_input", "files": files}
    view.values[block["block_id"], element["action_id"]] = value


def uploaded(
    team: Team,
    user_id: str,
    file: tuple[str, bytes],
    *,
    body: Body = Body.CONTENT,
    location: str = "",
    mode: str = "hosted",
) -> StoredFile:
    """Upload a file as a person does while a form is open."""
    name, content = file
    return team.files.add(
        StoredFile(
            id=team.new_id("F"),
            team_id=team.team_id,
            user_id=user_id,
            name=name,
            content=content,
            origin=team.origin,
            for_app=True,
            body=body,
            location=location,
            mode=mode,
        )
    )


def complaints(view: View) -> dict[str, str]:
    """Say by label what Slack's own client has against sending this form."""
    found = {}
    for label, block in view.inputs.items():
        words = complaint(block, view.value(block, block["element"]))
        if words is not None:
            found[label] = words
    return found


def _words_at(block: Json, element: Json) -> list[str]:
    texts = [block.get("label"), element.get("placeholder"), block.get("text")]
    words = [readable(text) for text in texts if isinstance(text, dict)]
    return [*words, str(element.get("action_id", ""))]


def _looked_up(team: Team, element: Json, given: Any) -> Any:  # noqa: ANN401 - as typed
    """Turn names of people and channels into the ids that Slack sends."""
    kind = element["type"]
    if given is None or not kind.endswith("_select"):
        return given
    if kind in ("users_select", "multi_users_select"):
        names = {person.real_name: person.id for person in team.people.values()}
    elif kind in ("channels_select", "conversations_select"):
        names = {channel.name: channel.id for channel in team.channels.values()}
    else:
        return given
    if kind.startswith("multi_"):
        return [_id_of(names, each) for each in given]
    return _id_of(names, given)


def _id_of(names: dict[str, str], given: Any) -> str:  # noqa: ANN401 - a name or has an id
    wanted = str(getattr(given, "id", given))
    if wanted not in names and wanted not in names.values():
        raise AssertionError(f"Nothing is called {wanted!r}; there are {sorted(names)}.")
    return names.get(wanted, wanted)
