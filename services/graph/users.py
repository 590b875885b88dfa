"""People in Entra ID, as far as the watch over Apple IDs needs them: Graph v1.0, read only.

Source: Graph v1.0, `user` and `directory/deletedItems`; permission `User.Read.All`, and
`User-LifeCycleInfo.Read.All` for the date on which somebody leaves.
"""

import re
from urllib.parse import quote

from services.graph.answers import DeletedUserAnswer, UserAnswer
from services.graph.http import Graph
from services.graph.messages import DeletedUser, User

SIGN_IN = re.compile(r"[\w.'!#^~-]+@[\w.-]+")
"""What may be a sign-in address (userPrincipalName), and so stand in a path."""
LEAVE_DATE_ROLE = "User-LifeCycleInfo.Read.All"
SELECTED = "id,userPrincipalName,mail,displayName,accountEnabled,lastPasswordChangeDateTime"


class EntraUsers:
    """The people of one tenant. Every method raises GraphError."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    async def find(self, address: str) -> User | None:
        """Whoever signs in with this address, or has it as mail, proxy or other address."""
        by_sign_in = await self.get(address) if SIGN_IN.fullmatch(address) else None
        return by_sign_in or await self._by_mail(address)

    async def get(self, object_id: str) -> User | None:
        """The person of this object id (or sign-in address); None where they are gone."""
        path = f"/v1.0/users/{quote(object_id, safe='@')}?$select={await self._selected()}"
        answer = await self.graph.find(path, UserAnswer)
        return answer.record() if answer else None

    async def deleted(self, object_id: str) -> DeletedUser | None:
        """The person, if deleted in the last 30 days; None where Entra has forgotten them."""
        path = f"/v1.0/directory/deletedItems/{quote(object_id, safe='')}"
        answer = await self.graph.find(path, DeletedUserAnswer)
        return answer.record() if answer else None

    async def _by_mail(self, address: str) -> User | None:
        text = address.replace("'", "''")
        condition = (
            f"mail eq '{text}' or proxyAddresses/any(p:p eq 'smtp:{text}')"
            f" or otherMails/any(o:o eq '{text}')"
        )
        path = (
            f"/v1.0/users?$filter={quote(condition, safe='')}&$count=true"
            f"&$select={await self._selected()}"
        )
        pages = self.graph.pages(path, UserAnswer, eventual=True)
        found = [one.record() async for page in pages for one in page]
        # A mailbox comes before an address that somebody merely noted.
        found.sort(key=lambda one: (one.mail or "").casefold() != address.casefold())
        return found[0] if found else None

    async def _selected(self) -> str:
        allowed = LEAVE_DATE_ROLE in await self.graph.roles()
        return f"{SELECTED},employeeLeaveDateTime" if allowed else SELECTED
