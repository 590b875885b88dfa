"""`python -m tests.bench`: measure everything, print it, and write docs/benchmarks.md."""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from tests.bench import measure
from tests.bench.load import Load
from tests.bench.report import Results, lines, page
from tests.sandbox.deployment import Transport

REPORT = Path(__file__).parents[2] / "docs" / "benchmarks.md"


async def measured(folder: Path, *, devices: int, load: Load, starts: int) -> Results:
    """Measure everything, one after the other."""
    load_average = os.getloadavg()[0]
    start = await measure.start(_made(folder / "start"), times=starts)
    few = await measure.sync(_made(folder / "few"), devices=devices // 10)
    many = await measure.sync(_made(folder / "many"), devices=devices)
    pressed = [
        await measure.answers(_made(folder / one.value), one, devices=devices, load=load)
        for one in Transport
    ]
    return Results(
        start=start,
        few=few,
        many=many,
        pressed=pressed,
        load_average=load_average,
        load_average_after=os.getloadavg()[0],
    )


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def main() -> int:
    """Measure and tell; 1 if a claim is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--a-second", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--starts", type=int, default=5)
    parsed = parser.parse_args()
    load = Load(a_second=parsed.a_second, seconds=parsed.seconds)
    with tempfile.TemporaryDirectory() as folder:
        results = asyncio.run(
            measured(Path(folder), devices=parsed.devices, load=load, starts=parsed.starts)
        )
    found = lines(results)
    for line in found:
        sys.stdout.write(f"{'ok    ' if line.holds else 'MISSED'} {line.what}: {line.measured}\n")
    for one in results.pressed:
        sys.stdout.writelines(f"       {what} x{n}\n" for what, n in one.outcome.errors.items())
    if parsed.write:
        REPORT.write_text(page(results), encoding="utf-8")
    return 0 if all(line.holds for line in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
