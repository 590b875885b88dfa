"""Messages and views are drawn as lines of text, the way a reader sees them."""

from collections.abc import Callable

from tests.sandbox.slack.conversations import Message
from tests.sandbox.slack.drawing import Drawing, draw_element
from tests.sandbox.slack.reading import Json
from tests.sandbox.slack.views import View

RULE = "─" * 48

Draw = Callable[[Json, "Drawing"], list[str]]


def render_message(message: Message) -> str:
    """Draw a message: who wrote it, its blocks or else its text, files, and its thread."""
    drawing = Drawing(message.directory, {})
    who = message.directory.called(message.user_id).lstrip("@")
    marks = ["APP"] if message.app_id else []
    marks += ["only visible to you"] if message.is_ephemeral else []
    marks += ["edited"] if message.edited else []
    lines = [" · ".join([who, *marks])]
    lines += draw_blocks(message.blocks, drawing) or drawing.mrkdwn(message.text).split("\n")
    lines += [f"( file: {file.title or file.name} )" for file in message.files]
    for reply in message.thread:
        lines += [f"  ┆ {line}" for line in render_message(reply).split("\n")]
    return "\n".join(line.rstrip() for line in lines)


def render_view(view: View) -> str:
    """Draw a modal or a Home tab, with what stands in its inputs."""
    drawing = Drawing(view.directory, view.values)
    body = draw_blocks(view.blocks, drawing)
    if view.content["type"] == "home":
        return "\n".join(line.rstrip() for line in body)
    close = drawing.words(view.content.get("close")) or "Cancel"
    feet = [f"[ {close} ]", *([f"[ {view.submit} ]"] if view.submit else [])]
    lines = [f"┌─ {view.title} ─", *[f"│ {line}" for line in body], f"└─ {'  '.join(feet)}"]
    return "\n".join(line.rstrip() for line in lines)


def draw_blocks(blocks: list[Json], drawing: Drawing) -> list[str]:
    """Draw blocks one below the other; a kind of block that has no drawing is a KeyError."""
    return [line for block in blocks for line in BLOCKS[block["type"]](block, drawing)]


def _section(block: Json, drawing: Drawing) -> list[str]:
    lines = drawing.words(block.get("text")).split("\n") if "text" in block else []
    for field in block.get("fields", []):
        lines += [f"  {line}" for line in drawing.words(field).split("\n")]
    if "accessory" in block:
        first, *rest = draw_element(block, block["accessory"], drawing)
        lines[0] = f"{lines[0]}   {first}"
        lines += rest
    return lines


def _header(block: Json, drawing: Drawing) -> list[str]:
    words = drawing.words(block["text"])
    return [words, "═" * len(words)]


def _context(block: Json, drawing: Drawing) -> list[str]:
    parts = [
        f"( {element['alt_text']} )" if element["type"] == "image" else drawing.words(element)
        for element in block["elements"]
    ]
    return [f"· {line}" for line in "  ".join(parts).split("\n")]


def _actions(block: Json, drawing: Drawing) -> list[str]:
    drawn = [draw_element(block, element, drawing) for element in block["elements"]]
    flat = "  ".join(lines[0] for lines in drawn if len(lines) == 1)
    tall = [line for lines in drawn if len(lines) > 1 for line in lines]
    return [*([flat] if flat else []), *tall]


def _divider(_block: Json, _drawing: Drawing) -> list[str]:
    return [RULE]


def _image(block: Json, drawing: Drawing) -> list[str]:
    title = drawing.words(block.get("title"))
    return [*([title] if title else []), f"( picture: {block['alt_text']} )"]


def _input(block: Json, drawing: Drawing) -> list[str]:
    label = drawing.words(block["label"]) + (" (optional)" if block.get("optional") else "")
    hint = [drawing.words(block["hint"])] if "hint" in block else []
    body = draw_element(block, block["element"], drawing)
    return [label, *[f"  {line}" for line in [*body, *hint]]]


def _alert(block: Json, drawing: Drawing) -> list[str]:
    level = block.get("level", "default")
    first, *rest = drawing.words(block["text"]).split("\n")
    return [f"[{level if level != 'default' else 'note'}] {first}", *rest]


def _markdown(block: Json, _drawing: Drawing) -> list[str]:
    return str(block["text"]).split("\n")


def _rich_text(block: Json, drawing: Drawing) -> list[str]:
    return [line for part in block["elements"] for line in _rich_part(part, drawing)]


def _rich_part(part: Json, drawing: Drawing) -> list[str]:
    kind = part["type"]
    if kind == "rich_text_list":
        ordered = part["style"] == "ordered"
        return [
            f"{f'{number}.' if ordered else '•'} {line}"
            for number, item in enumerate(part["elements"], 1)
            for line in _rich_part(item, drawing)
        ]
    lines = "".join(_inline(piece, drawing) for piece in part["elements"]).split("\n")
    mark = {"rich_text_quote": "> ", "rich_text_preformatted": "    "}.get(kind, "")
    return [f"{mark}{line}" for line in lines]


def _inline(piece: Json, drawing: Drawing) -> str:
    kind = piece["type"]
    if kind == "text":
        return str(piece["text"])
    if kind == "link":
        return f"{piece['text']} ({piece['url']})" if "text" in piece else str(piece["url"])
    if kind == "emoji":
        return f":{piece['name']}:"
    return drawing.called(piece[f"{kind}_id"])


def _table(block: Json, drawing: Drawing) -> list[str]:
    rows = [[_cell(cell, drawing) for cell in row] for row in block["rows"]]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=False)]
    return [
        " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        for row in rows
    ]


def _cell(cell: Json, drawing: Drawing) -> str:
    return str(cell["text"]) if cell["type"] == "raw_text" else " ".join(_rich_text(cell, drawing))


BLOCKS: dict[str, Draw] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "divider": _divider,
    "image": _image,
    "input": _input,
    "alert": _alert,
    "markdown": _markdown,
    "rich_text": _rich_text,
    "table": _table,
}
