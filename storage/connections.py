"""The driver's connection, which takes what it has begun with it when it is closed.

Python's `sqlite3` closes a connection whose statements are not all over only half: it stays a
"zombie" with its transaction and its locks until the last of them is collected as garbage (SQLite,
`sqlite3_close_v2`). A statement that was cancelled midway is such a one, and would keep everybody
from writing.
"""

import sqlite3
from typing import Any
from weakref import WeakSet


class Cursor(sqlite3.Cursor):
    """A cursor that can be found again."""


class Connection(sqlite3.Connection):
    """A connection that ends its statements before it closes."""

    def __init__(self, *arguments: Any, **more: Any) -> None:  # noqa: ANN401 - the parent's
        super().__init__(*arguments, **more)
        self._cursors: WeakSet[Cursor] = WeakSet()

    def cursor(self, factory: Any = Cursor) -> Any:  # noqa: ANN401 - the parent's
        """A new cursor, known until nobody needs it."""
        made = super().cursor(factory)
        self._cursors.add(made)
        return made

    def close(self) -> None:
        """End what is not over, roll back, and let go of every lock."""
        for cursor in list(self._cursors):
            cursor.close()
        super().close()
