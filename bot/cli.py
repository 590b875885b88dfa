"""The command line. Exit codes: 0 fine, 1 something is wrong and was named, 2 wrong use."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from uvicorn.loops.auto import auto_loop_factory

from bot import console
from bot.checks import check
from bot.inspect_file import inspect
from bot.logs import set_up_logs
from bot.serve import serve
from bot.settings import load_settings
from services.audit import NotedHead
from services.errors import ServiceError, UpstreamError
from services.sealing import new_key
from storage.database import Database, StorageError
from storage.migrations import migrate

FINE, WRONG = 0, 1
SWITCH_SECONDS = 0.0005
"""How long a thread of the database waits at most for its turn in a busy process; Python's own 5 ms
add up over the steps of a write, while Slack waits for its answer."""


def run(arguments: Sequence[str]) -> int:
    """Run one command; what is wrong is one sentence on standard error."""
    parsed = _parser().parse_args(arguments)
    # What we write (the database above all) is nobody else's to read.
    os.umask(0o077)
    try:
        return _command(parsed)
    except (ServiceError, UpstreamError) as error:
        return _told(error.user_message or str(error))
    except StorageError as error:
        return _told(str(error))
    except KeyboardInterrupt:
        return FINE
    except BrokenPipeError:
        # Whoever read our output has left; nothing more can be said to them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE


def _command(parsed: argparse.Namespace) -> int:
    match parsed.command:
        case "serve":
            settings = load_settings()
            set_up_logs(settings.log_level, settings.log_format)
            sys.setswitchinterval(SWITCH_SECONDS)
            with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
                runner.run(serve(settings))
        case "check":
            return asyncio.run(check(as_json=parsed.json))
        case "migrate":
            _say(f"The schema is at {asyncio.run(_migrate())}.")
        case "inspect":
            for line in inspect(parsed.file, parsed.key, datetime.now(UTC)):
                _say(line)
        case "list" | "audit" | "sync":
            return asyncio.run(console.command(parsed))
        case "keys":
            _say(new_key(f"k{datetime.now(UTC):%Y%m%d}"))
        case _:
            _parser().print_help()
    return FINE


async def _migrate() -> str:
    database = Database(load_settings().database_url)
    try:
        return await migrate(database)
    finally:
        await database.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="enroll-token",
        description="The Slack bot that runs Apple enrollment program tokens.",
        epilog="Settings come from the environment and from .env in the working folder; README "
        "lists them.",
    )
    parser.add_argument("--version", action="version", version=version("enroll-token"))
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    commands.add_parser("help", help="show this page")
    commands.add_parser("serve", help="run the bot: Socket Mode, or HTTP mode")
    checked = commands.add_parser(
        "check", help="look at settings, Slack, roles, keys and database, and say what to fix"
    )
    checked.add_argument("--json", action="store_true", help="for programs")
    commands.add_parser("migrate", help="bring the database's schema up to this release")
    listed = commands.add_parser("list", help="the tokens, the most urgent first")
    listed.add_argument("--json", action="store_true", help="for programs")
    synced = commands.add_parser("sync", help="read a token's devices now")
    synced.add_argument("token", metavar="TOKEN", help="the token's name")
    synced.add_argument(
        "--full", action="store_true", help="read the whole list, not only what changed"
    )
    audit = commands.add_parser("audit", help="the audit log: verify it, or export it as CSV")
    audit_commands = audit.add_subparsers(dest="audit_command", required=True, metavar="COMMAND")
    verified = audit_commands.add_parser("verify", help="say whether the chain of entries holds")
    verified.add_argument(
        "--head",
        type=_noted_head,
        metavar="NUMBER:HASH",
        help="a head that was noted, as the digest shows it: the chain has to go through it",
    )
    exported = audit_commands.add_parser("export", help="write the entries as CSV, newest first")
    exported.add_argument("--token", metavar="NAME", help="only those of this token")
    inspected = commands.add_parser(
        "inspect", help="say what a .p7m file is, and for which certificate; needs no settings"
    )
    inspected.add_argument("file", type=Path, metavar="FILE", help="the .p7m file")
    inspected.add_argument(
        "--key", type=Path, help="the private key alone, in PEM: tells the expiry too"
    )
    keys = commands.add_parser("keys", help="key-encryption keys")
    keys_commands = keys.add_subparsers(dest="keys_command", required=True, metavar="COMMAND")
    keys_commands.add_parser("new", help="make an entry for ENCRYPTION_KEYS; needs no settings")
    return parser


def _noted_head(text: str) -> NotedHead:
    try:
        return NotedHead.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{error}: copy it from the digest, such as 12: and 64 digits"
        ) from error


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _told(sentence: str) -> int:
    sys.stderr.write(f"enroll-token: {sentence}\n")
    return WRONG
