"""Microsoft's OpenAPI description of Graph, made ready for a validator.

Reality is less strict than the description in two places: answers leave `@odata.type` out, and
the date in errors has no zone. A copy without these two rules is made for each run.
"""

from pathlib import Path
from typing import Any

import yaml

TYPE = "@odata.type"


def relaxed(description: Path, prefix: str) -> dict[str, Any]:
    """Read the description; its paths get the prefix under which Graph serves them."""
    content: dict[str, Any] = yaml.safe_load(description.read_text(encoding="utf-8"))
    _drop_required_type(content)
    inner = content["components"]["schemas"]["microsoft.graph.ODataErrors.InnerError"]
    inner["properties"]["date"] = {"type": "string", "nullable": True}
    content["paths"] = {f"{prefix}{path}": item for path, item in content["paths"].items()}
    del content["servers"]
    return content


def _drop_required_type(node: object) -> None:
    if isinstance(node, list):
        for each in node:
            _drop_required_type(each)
    if not isinstance(node, dict):
        return
    required = node.get("required")
    if isinstance(required, list) and TYPE in required:
        node["required"] = [name for name in required if name != TYPE]
        if not node["required"]:
            del node["required"]
    for each in node.values():
        _drop_required_type(each)
