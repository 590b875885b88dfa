"""What a contract run found, as a page for docs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

ID = re.compile(r"(ECV2_)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HEAD = """# The contract with Microsoft Graph

Made by `make contract GRAPH_OPENAPI=…`: the client's own calls pass through
[Prism](https://github.com/stoplightio/prism), a validating proxy, to the stand-in for Graph.
Prism judges each request and each answer by Microsoft's own OpenAPI description of Graph beta
(`GRAPH_OPENAPI`: the part about enrollment program tokens, scope tags, the push certificate and
content tokens). Two rules of it are dropped, as Graph itself breaks them: that `@odata.type` is
in every object, and that the date in errors has a zone.

What this proves: calls and answers have the documented form. What it cannot prove: that Intune
does what the form promises; that was never tried on a live tenant. Not in that description, so
not judged here: Entra's login, `configurationPolicies`, `users` and `deletedItems`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One call, and what Prism said of it."""

    about: str
    method: str
    path: str
    status: int
    violations: list[str]

    @property
    def call(self) -> str:
        """Method and path, ids left out."""
        path = ID.sub("{id}", self.path.removeprefix("/beta")).replace("{id}_{id}", "{id}")
        return f"{self.method} {path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the run found; `spoilt` are the calls that break the contract on purpose."""

    told: list[Told]
    spoilt: list[Told]
    names: int
    unknown_names: list[str]

    @property
    def kept(self) -> bool:
        """Whether the contract holds, and would have been seen not to."""
        broken = any(one.violations for one in self.told) or bool(self.unknown_names)
        return not broken and all(one.violations for one in self.spoilt)


def report(found: Found) -> str:
    """The page: a line a kind of call, the same ones counted."""
    broken = sum(len(one.violations) for one in found.told)
    unnoticed = sum(not one.violations for one in found.spoilt)
    return "\n".join(
        [
            HEAD,
            f"**{len(found.told)} calls, {broken} violations.** Broken on purpose: "
            f"{len(found.spoilt)} calls, {unnoticed} of them unnoticed.",
            "",
            "The description allows more names than it lists, so names are compared apart: "
            f"{found.names} in requests and answers, {len(found.unknown_names)} of them unknown.",
            *(f"- {name}" for name in found.unknown_names),
            "",
            "| about | call | status | times | violations |",
            "| --- | --- | --- | --- | --- |",
            *_lines(found.told),
            "",
            "Broken on purpose, to see that it is noticed:",
            "",
            "| about | call | status | times | violations |",
            "| --- | --- | --- | --- | --- |",
            *_lines(found.spoilt),
            "",
        ]
    )


def _lines(told: Sequence[Told]) -> list[str]:
    counted: dict[tuple[str, str, int, str], int] = {}
    for one in told:
        said = "<br>".join(one.violations).replace("|", "\\|") or "none"
        key = (one.about, one.call, one.status, said)
        counted[key] = counted.get(key, 0) + 1
    return [
        f"| {about} | `{call}` | {status} | {times} | {said} |"
        for (about, call, status, said), times in counted.items()
    ]
