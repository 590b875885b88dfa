"""Files of the workspace, and the ways a download can go wrong."""

import mimetypes
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath

from tests.sandbox.slack.reading import Json


class Body(StrEnum):
    """What the file host answers a download with."""

    CONTENT = "content"
    """The bytes that were uploaded."""
    HTML = "html"
    """A web page with status 200, whatever the token."""
    ENDLESS = "endless"
    """Bytes that never end."""
    EMPTY = "empty"
    """No byte at all."""
    REDIRECT = "redirect"
    """A redirect to `location`."""


@dataclass(slots=True, kw_only=True, eq=False)
class StoredFile:
    """One file, owned by whoever uploaded it."""

    id: str
    team_id: str
    user_id: str
    name: str
    content: bytes = field(repr=False)
    origin: str
    title: str = ""
    created: int = field(default_factory=lambda: int(time.time()))
    ready_at: float = 0.0
    channels: set[str] = field(default_factory=set)
    for_app: bool = False
    deleted: bool = False
    mode: str = "hosted"
    body: Body = Body.CONTENT
    location: str = "https://elsewhere.example/"

    @property
    def scanned(self) -> bool:
        """Whether Slack's scan let it through by now."""
        return time.monotonic() >= self.ready_at

    @property
    def path(self) -> str:
        """Where the file host serves it."""
        return f"/files-pri/{self.team_id}-{self.id}"

    def to_file(self, *, with_url: bool = True) -> Json:
        """Make the file object of Slack's answers and payloads."""
        suffix = PurePath(self.name).suffix.lstrip(".").lower()
        file: Json = {
            "id": self.id,
            "created": self.created,
            "timestamp": self.created,
            "name": self.name,
            "title": self.title or self.name,
            "mimetype": mimetypes.guess_type(self.name)[0] or "application/octet-stream",
            "filetype": suffix or "binary",
            "pretty_type": suffix.upper() or "Binary",
            "user": self.user_id,
            "user_team": self.team_id,
            "editable": False,
            "size": len(self.content),
            "mode": self.mode,
            "is_external": self.mode == "external",
            "external_type": "",
            "is_public": False,
            "public_url_shared": False,
            "display_as_bot": False,
            "username": "",
            "permalink": f"{self.origin}/files/{self.user_id}/{self.id}/{self.name}",
            "channels": sorted(c for c in self.channels if c.startswith("C")),
            "groups": sorted(c for c in self.channels if c.startswith("G")),
            "ims": sorted(c for c in self.channels if c.startswith("D")),
        }
        if self.mode == "file_access":
            return {"id": self.id, "mode": "file_access", "file_access": "check_file_info"}
        if with_url:
            file["url_private"] = f"{self.origin}{self.path}/{self.name}"
            file["url_private_download"] = f"{self.origin}{self.path}/download/{self.name}"
        return file


@dataclass(slots=True, kw_only=True)
class Ticket:
    """An upload that was announced: its bytes are awaited, or came."""

    file: StoredFile
    length: int
    arrived: bool = False


@dataclass(slots=True)
class Files:
    """All files of the workspace, uploads under way, and how slowly Slack scans."""

    by_id: dict[str, StoredFile] = field(default_factory=dict)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    scan_seconds: float = 0.0
    scan_hides_file: bool = True
    """While a scan runs, files.info knows no such file; if false, only its address is missing."""

    def add(self, file: StoredFile) -> StoredFile:
        """Keep a file, which its scan holds back for a while."""
        file.ready_at = time.monotonic() + self.scan_seconds
        self.by_id[file.id] = file
        return file

    def named(self, name: str) -> list[StoredFile]:
        """List the files of a name that were not deleted."""
        return self._where(lambda file: file.name == name)

    def owned_by(self, user_id: str) -> list[StoredFile]:
        """List somebody's files that were not deleted."""
        return self._where(lambda file: file.user_id == user_id)

    def _where(self, fits: Callable[[StoredFile], bool]) -> list[StoredFile]:
        return [file for file in self.by_id.values() if fits(file) and not file.deleted]
