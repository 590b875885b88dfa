"""What stands around every page: the time, the first steps, the lively organisation."""

from datetime import datetime
from typing import Any

from tests.sandbox.demo.house import House
from tests.sandbox.demo.records import dues, progress
from tests.sandbox.slack.reading import Json


def frame(house: House) -> dict[str, Any]:
    """The sections that every page gets."""
    now = house.time.now()
    return {
        "time": {
            "ahead": house.time.ahead.total_seconds(),
            "zone": house.zone,
            "dues": [
                {"what": due.what, "about": due.about, "at": stamp(due.at)}
                | {"routine": due.routine}
                for due in dues(house.database, now)
            ],
        },
        "steps": _steps(house),
        "lively": {
            "done": house.kept.lively,
            "busy": house.is_making,
            "now": house.making,
        },
        "troubles": list(house.troubles),
    }


def stamp(moment: datetime) -> str:
    """Write a time for a script."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _steps(house: House) -> list[Json]:
    done = progress(house.database)
    servers = [s for o in house.stage.apple.organisations for s in o.servers]
    downloaded = any(server.token for server in servers)
    return [
        {"key": "ask", "done": done.asked},
        {"key": "approve", "done": done.approved},
        {"key": "portal", "done": done.approved and downloaded},
        {"key": "upload", "done": done.active},
    ]
