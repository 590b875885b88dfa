"""`python -m tests.stress [--write]`: the whole stress run, and its figures for the documents."""

import argparse
import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.stress.outbox import Plan, Result, faults_of, run

REPORT = Path(__file__).parents[2] / "docs" / "reliability.md"
WHOLE = Plan(messages=2000, channels=40, kill_every=0.8, seed=2000)
TITLES = {
    False: "Without a scope to look",
    True: "With a scope to look",
}


def report(result: Result) -> str:
    """What came of one run, as a table."""
    rows = {
        "messages": result.plan.messages,
        "worker processes killed": result.kills,
        "calls with trouble made by Slack": result.troubles.total(),
        "posts that Slack took": result.posted,
        "messages lost": len(result.lost),
        "messages out of order": len(result.out_of_order),
        "second copies": result.copies,
        "second copies without *Repeat:*": result.unmarked_copies,
        "posts marked *Repeat:*": result.marked,
        "repeats counted in the database": result.counted,
    }
    lines = [f"| {what} | {count:,} |" for what, count in rows.items()]
    head = f"Seed {result.plan.seed}, {result.seconds:.0f} seconds."
    return "\n".join([head, "", "| what | count |", "| --- | --- |", *lines])


def write(title: str, text: str) -> None:
    """Put the table where the document keeps it."""
    begin, end = f"<!-- {title} -->\n", f"<!-- end of {title} -->\n"
    before, _, rest = REPORT.read_text().partition(begin)
    REPORT.write_text(before + begin + f"{title}. {text}\n" + end + rest.partition(end)[2])


def main() -> int:
    """Run it with and without the scope; 1 if a promise was broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="write docs/reliability.md")
    parsed = parser.parse_args()
    broken = 0
    for looks, title in TITLES.items():
        with TemporaryDirectory() as folder:
            result = asyncio.run(run(Path(folder), replace(WHOLE, looks=looks)))
        text, faults = report(result), faults_of(result)
        sys.stdout.write(f"{title}. {text}\n\n")
        sys.stdout.writelines(f"FAULT {fault}\n" for fault in faults)
        broken += len(faults)
        if parsed.write:
            write(title, text)
    return min(broken, 1)


if __name__ == "__main__":
    sys.exit(main())
