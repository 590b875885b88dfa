"""`python -m tests.sandbox demo` as a process, the way `make demo` runs it."""

import contextlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
COMMAND = ("-m", "tests.sandbox", "demo")
PATIENCE = 60.0
URL = re.compile(r"^http://127\.0\.0\.1:\d+/$")


@dataclass
class Running:
    """A demo that runs, and all that it printed so far."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address that it printed, without the slash."""
        return next(line for line in self.lines if URL.match(line)).rstrip("/")

    def act(self, part: str, act: str, **asked: object) -> Any:  # noqa: ANN401 - JSON
        """Do something on the Slack page."""
        return self.post("/slack/act", {"as": part, "act": act, **asked})

    def post(self, path: str, asked: object) -> Any:  # noqa: ANN401 - JSON
        """Do something on any page."""
        answer = httpx.post(
            f"{self.url}{path}", json=asked, headers={"Origin": self.url}, trust_env=False
        )
        return answer.json()

    def seen(self, page: str = "slack", part: str = "operator") -> dict[str, Any]:
        """Look at a page once: its sections."""
        sections: dict[str, Any] = {}
        with httpx.stream("GET", f"{self.url}/live/{page}?as={part}", trust_env=False) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: ["):
                    name, value = httpx.Response(200, text=line.removeprefix("data: ")).json()
                    sections[name] = value
                if line == "event: whole":
                    return sections
        raise AssertionError("The page ended before it was whole.")

    def end(self, how: int = signal.SIGINT) -> float:
        """End it as Ctrl-C does; how long that took."""
        began = time.monotonic()
        self.process.send_signal(how)
        out, _ = self.process.communicate(timeout=PATIENCE)
        self.lines += out.splitlines()
        return time.monotonic() - began


@contextlib.contextmanager
def running(folder: Path, *arguments: str, port: int = 4900) -> Iterator[Running]:
    """A demo with its data in a folder, ended at the end of the block."""
    with subprocess.Popen(
        [sys.executable, *COMMAND, "--folder", str(folder), "--port", str(port), *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    ) as process:
        demo = Running(process)
        try:
            assert process.stdout is not None
            for line in process.stdout:
                demo.lines.append(line.rstrip("\n"))
                if line.startswith("Ctrl-C"):
                    break
            else:
                raise AssertionError("\n".join(demo.lines))
            yield demo
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=PATIENCE)


def wait_for(condition: Any, what: str, within: float = PATIENCE) -> Any:  # noqa: ANN401 - what it returns
    """Wait until the condition holds, and return what it returned."""
    deadline = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.05)
    return found
