"""`python -m tests.sandbox`: what can be looked at without any account."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

INTERRUPTED = 130
DATA = Path(__file__).parents[2] / ".demo"


def main(arguments: Sequence[str]) -> int:
    """Run one word's story; without a word, say which there are."""
    parser = _parser()
    parsed = parser.parse_args(arguments)
    if parsed.word is None:
        parser.print_help()
        return 0
    try:
        return _walked(parsed)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED


def _walked(parsed: argparse.Namespace) -> int:
    # Loading everything takes a while, in which Ctrl-C must be as quiet as later.
    if parsed.word == "demo":
        from tests.sandbox.demo.command import demo  # noqa: PLC0415

        return demo(parsed.folder, port=parsed.port, fresh=parsed.fresh)
    from tests.sandbox.tour import tour  # noqa: PLC0415

    return tour(parsed.write)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.sandbox",
        description="The bot between a stand-in Slack and a stand-in Apple; needs no account.",
    )
    words = parser.add_subparsers(dest="word", metavar="WORD", title="words")
    toured = words.add_parser(
        "tour", help="walk through a token's year in the terminal", description="Walk through it."
    )
    toured.add_argument(
        "--write", type=Path, metavar="FILE", help="write the same story to FILE, as Markdown"
    )
    demoed = words.add_parser(
        "demo", help="use all of it in a browser", description="Use all of it in a browser."
    )
    demoed.add_argument("--fresh", action="store_true", help="begin anew, without the last data")
    demoed.add_argument(
        "--port", type=int, default=4040, metavar="PORT", help="the first port to try (4040)"
    )
    demoed.add_argument(
        "--folder", type=Path, default=DATA, metavar="FOLDER", help="where its data is kept"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
