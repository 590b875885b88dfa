"""Lists in pages, as Graph gives them: `$top`, `$skiptoken`, `$count`, `$select`, next links."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TypeVar
from urllib.parse import urlencode

from tests.sandbox.apple.answers import Answer
from tests.sandbox.graph.answers import bad_request, granted, selected
from tests.sandbox.graph.call import Call

Item = TypeVar("Item")


def listed(
    call: Call, items: Sequence[Item], shown: Callable[[Item], dict[str, object]], kind: str
) -> Answer:
    """Answer with the page that is asked for."""
    knobs = call.tenant.knobs
    size = _number(call.query.get("$top"), knobs.page_size)
    if not 1 <= size <= knobs.largest_page:
        text = f"Invalid page size specified: '{size}'. Must be between 1 and {knobs.largest_page}"
        raise bad_request(f"{text} inclusive.")
    start = _number(call.query.get("$skiptoken"), 0)
    names = call.query.get("$select")
    value = [selected(shown(one), names, kind) for one in islice(items, start, start + size)]
    version = call.path.split("/")[1]
    content: dict[str, object] = {
        "@odata.context": f"{call.origin}/{version}/$metadata#{call.path.split('/', 2)[2]}"
    }
    if call.query.get("$count") == "true":
        content["@odata.count"] = len(items)
    if start + size < len(items):
        content["@odata.nextLink"] = _link(call, start + size)
    return granted({**content, "value": value})


def _link(call: Call, start: int) -> str:
    query = urlencode({**call.query, "$skiptoken": str(start)}, safe="$,")
    return f"{call.tenant.knobs.stray_next_link or call.origin}{call.path}?{query}"


def _number(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal()):
        raise bad_request(f"Invalid value '{text}' for a query option that takes a number.")
    return int(text)
