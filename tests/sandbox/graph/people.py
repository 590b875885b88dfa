"""People in the tenant's directory, and what may be asked about them."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from tests.sandbox.graph.answers import bad_request, stamp

USER_DEFAULTS = ("id", "displayName", "givenName", "surname", "mail", "userPrincipalName")
_CLAUSE = re.compile(
    r"(?:(mail|userPrincipalName|id) eq|(proxyAddresses|otherMails)/any\((\w):\3 eq)"
    r" '((?:[^']|'')*)'\)?"
)


@dataclass(slots=True, kw_only=True, eq=False)
class DirectoryUser:
    """A person; `deleted_at` where they are among the deleted."""

    name: str
    upn: str
    mail: str | None = None
    proxy_addresses: list[str] = field(default_factory=list)
    """Such as `SMTP:olivia@contoso.example`."""
    other_mails: list[str] = field(default_factory=list)
    enabled: bool = True
    password_changed_at: datetime | None = None
    leaves_at: datetime | None = None
    deleted_at: datetime | None = None
    id: str = field(default_factory=lambda: str(uuid4()))

    def fields(self) -> dict[str, object]:
        """List all that can be selected; `lastPasswordChangeDateTime` comes only on demand."""
        given, _, family = self.name.partition(" ")
        changed, leaves = self.password_changed_at, self.leaves_at
        return {
            "id": self.id,
            "displayName": self.name,
            "givenName": given,
            "surname": family,
            "mail": self.mail,
            "userPrincipalName": self.upn,
            "accountEnabled": self.enabled,
            "proxyAddresses": list(self.proxy_addresses),
            "otherMails": list(self.other_mails),
            "onPremisesSyncEnabled": None,
            "lastPasswordChangeDateTime": stamp(changed) if changed else None,
            "employeeLeaveDateTime": stamp(leaves) if leaves else None,
            "deletedDateTime": stamp(self.deleted_at) if self.deleted_at else None,
        }


def matching(condition: str) -> tuple[Callable[[DirectoryUser], bool], bool]:
    """Read `$filter`: whom it means, and whether it takes ConsistencyLevel and `$count`."""
    found = _clauses(condition)

    def means(user: DirectoryUser) -> bool:
        fields = user.fields()
        for clause in found:
            held = fields[clause[1] or clause[2]]
            values = held if isinstance(held, list) else [held]
            wanted = clause[4].replace("''", "'").casefold()
            if wanted in [str(value).casefold() for value in values]:
                return True
        return False

    return means, any(clause[2] for clause in found)


def _clauses(condition: str) -> list[re.Match[str]]:
    found: list[re.Match[str]] = []
    rest = f" or {condition}"
    while rest:
        clause = _CLAUSE.match(rest, len(" or ")) if rest.startswith(" or ") else None
        if clause is None:
            raise bad_request("Invalid filter clause")
        found.append(clause)
        rest = rest[clause.end() :]
    return found
