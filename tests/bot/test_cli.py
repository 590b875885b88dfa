"""The command line as people start it: what it needs, what it says, how it ends."""

import asyncio
import gc
import json
import logging
import os
import re
import socket
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.cli import run
from services.keys import open_keys
from services.sealing import new_key, parse_keys
from storage.database import Database
from tests.bot.served import only
from tests.sandbox.apple.credentials import Credentials
from tests.sandbox.apple.keypairs import key_pair
from tests.sandbox.apple.mint import Mint
from tests.sandbox.deployment import BOT_TOKEN, MANIFEST, SIGNING_SECRET, Deployment, deployment

ENTRY = re.compile(r"k\d{8}:[A-Za-z0-9+/]{43}=")
SENTENCE_LENGTH = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """The command line in this process: as good as a process of its own, and ten times as fast."""

    deployed: Deployment
    environment: pytest.MonkeyPatch
    output: pytest.CaptureFixture[str]

    def set(self, **settings: str) -> None:
        self.deployed.environment.update(settings)

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, output, errors; log lines are left out of the errors."""
        only(self.environment, self.deployed.folder, self.deployed.environment)
        self.output.readouterr()
        with warnings.catch_warnings():
            # A start that fails leaves its listening socket to the end of its process.
            warnings.simplefilter("ignore", ResourceWarning)
            async with asyncio.timeout(20):
                code = await asyncio.to_thread(run, arguments)
            if "serve" in arguments:
                gc.collect()
        out, err = self.output.readouterr()
        told = [line for line in err.splitlines() if not line.startswith("timestamp=")]
        assert not [secret for secret in self.secrets() if secret in out + err]
        return code, out, "\n".join(told)

    def secrets(self) -> list[str]:
        entry = self.deployed.environment["ENCRYPTION_KEYS"]
        return [BOT_TOKEN, SIGNING_SECRET, entry.partition(":")[2] or "unset", "xapp-canary"]

    async def refused(self, *arguments: str) -> str:
        """It ends with 1 and one sentence, without a traceback and without a secret."""
        code, out, err = await self.run(*arguments)
        assert (code, out) == (1, "")
        assert err.startswith("enroll-token: ")
        assert "\n" not in err
        assert err.endswith((".", "keys new"))
        assert len(err) < SENTENCE_LENGTH
        return err

    async def findings(self) -> list[dict[str, str]]:
        """What `check` looked at."""
        code, out, err = await self.run("check", "--json")
        assert err == ""
        found: list[dict[str, str]] = json.loads(out)
        assert code == int(not all(one["fine"] for one in found))
        return found

    async def fixes(self) -> dict[str, str]:
        """What `check` says is to be fixed, by what it is about."""
        found = {one["about"]: one["said"] for one in await self.findings() if not one["fine"]}
        assert found
        return found

    def age(self, revision: str) -> None:
        """Let the schema be another release's."""
        database = sqlite3.connect(self.deployed.database)
        with database:
            database.execute("UPDATE alembic_version SET version_num = ?", [revision])
        database.close()


@pytest.fixture
async def terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Terminal]:
    root, mask = logging.getLogger(), os.umask(0o022)
    handlers, level = root.handlers, root.level
    async with deployment(tmp_path) as made:
        yield Terminal(deployed=made, environment=monkeypatch, output=capsys)
    root.handlers, root.level = handlers, level
    os.umask(mask)


def bare(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command in a folder of its own, without one setting."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(MANIFEST.parent)}
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


def test_help_needs_no_settings_and_lists_what_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = bare(tmp_path, "--help")
    assert run(["help"]) == done.returncode == 0
    for page in (done.stdout, capsys.readouterr().out):
        for command in ("serve", "check", "migrate", "inspect", "keys"):
            assert re.search(rf"^    {command} ", page, re.MULTILINE), command
        for later in ("backup", "adopt", "upload"):
            assert not re.search(rf"^    {later} ", page, re.MULTILINE), later
    assert not list(tmp_path.iterdir())


def test_a_new_key_needs_no_settings_and_is_another_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only(monkeypatch, tmp_path, {})
    entries = []
    for _ in range(2):
        assert run(["keys", "new"]) == 0
        entries.append(capsys.readouterr().out)
    assert entries[0] != entries[1]
    assert all(ENTRY.fullmatch(entry.strip()) for entry in entries)


def test_inspect_needs_no_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = key_pair("School, north", serial=0x5EED)
    (tmp_path / "token.p7m").write_bytes(Mint(pair.certificate_pem).token(Credentials.invented()))
    (tmp_path / "key.pem").write_bytes(pair.private_key_pem)
    only(monkeypatch, tmp_path, {})
    assert run(["inspect", "token.p7m", "--key", "key.pem"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "S/MIME" in out
    assert "CS_" not in out


def test_a_wrong_file_is_named_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "page.p7m").write_text("<!doctype html><p>Sign in</p>")
    for name in ("page.p7m", "missing.p7m", "."):
        assert run(["inspect", str(tmp_path / name)]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("enroll-token: ")
        assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["dance"], ["inspect"], ["keys"], ["keys", "eat"], ["serve", "now"], ["--loud"]]
)
def test_wrong_use_ends_with_2_and_the_usage(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: enroll-token")


def test_without_settings_each_missing_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only(monkeypatch, tmp_path, {})
    for command in ("serve", "migrate"):
        assert run([command]) == 1
        told = capsys.readouterr().err
        for name in ("SLACK_BOT_TOKEN", "ALERT_CHANNEL", "ENCRYPTION_KEYS"):
            assert f"{name} is not set" in told


async def test_a_wrong_bot_token_ends_the_start(terminal: Terminal) -> None:
    terminal.set(SLACK_BOT_TOKEN="xoxb-wrong")
    sentence = await terminal.refused("serve")
    assert "SLACK_BOT_TOKEN (invalid_auth)" in sentence


async def test_a_process_of_its_own_ends_as_its_command_did(terminal: Terminal) -> None:
    terminal.set(SLACK_BOT_TOKEN="xoxb-wrong")
    code, out, err = await terminal.deployed.command_line("serve")
    assert (code, out) == (1, "")
    assert err.splitlines()[-1].startswith("enroll-token: Slack refuses SLACK_BOT_TOKEN")
    assert "Traceback" not in err


async def test_a_missing_scope_ends_the_start_and_is_named(terminal: Terminal) -> None:
    terminal.deployed.slack.token.scopes.remove("files:read")
    assert "files:read" in await terminal.refused("serve")


async def test_scopes_that_slack_does_not_tell_are_not_taken_for_none(terminal: Terminal) -> None:
    terminal.deployed.slack.shows_scopes = False
    assert all(one["fine"] for one in await terminal.findings())


async def test_without_a_way_in_for_deliveries_the_start_ends(terminal: Terminal) -> None:
    terminal.set(SLACK_SIGNING_SECRET="")
    for told in (await terminal.refused("serve"), (await terminal.fixes())["delivery"]):
        assert "SLACK_APP_TOKEN" in told
        assert "SLACK_SIGNING_SECRET" in told


async def test_an_app_token_that_is_none_ends_start_and_check(terminal: Terminal) -> None:
    for token, code in (("xapp-canary", "invalid_auth"), (BOT_TOKEN, "not_allowed_token_type")):
        terminal.set(SLACK_APP_TOKEN=token)
        for told in (await terminal.refused("serve"), (await terminal.fixes())["delivery"]):
            assert f"SLACK_APP_TOKEN ({code})" in told
            assert "connections:write" in told


async def test_an_app_token_without_its_scope_ends_start_and_check(terminal: Terminal) -> None:
    slack = terminal.deployed.slack
    slack.tokens[slack.app_token].scopes.clear()
    terminal.set(SLACK_APP_TOKEN=slack.app_token)
    assert "missing_scope" in await terminal.refused("serve")
    assert "missing_scope" in (await terminal.fixes())["delivery"]


async def test_a_good_app_token_means_socket_mode_and_opens_nothing_in_check(
    terminal: Terminal,
) -> None:
    slack = terminal.deployed.slack
    terminal.set(SLACK_APP_TOKEN=slack.app_token)
    async with slack.serve_sockets() as sockets:
        (found,) = [one for one in await terminal.findings() if one["about"] == "delivery"]
        assert found["fine"]
        assert found["said"].startswith("Socket Mode")
        assert not sockets.tried


async def test_socket_mode_that_is_switched_off_at_slack_ends_the_start(
    terminal: Terminal,
) -> None:
    slack = terminal.deployed.slack
    terminal.set(SLACK_APP_TOKEN=slack.app_token)
    async with slack.serve_sockets() as sockets:
        sockets.enabled = False
        assert "Turn it on" in await terminal.refused("serve")


async def test_a_slack_that_cannot_be_reached_ends_the_start(terminal: Terminal) -> None:
    terminal.set(SLACK_API_URL="http://127.0.0.1:9/api/")
    assert "cannot be reached" in await terminal.refused("serve")


async def test_a_slack_that_is_ill_ends_the_start(terminal: Terminal) -> None:
    terminal.deployed.slack.faults.status("auth.test", 503, times=None)
    await terminal.refused("serve")


async def test_a_malformed_key_ends_the_start_and_is_not_echoed(terminal: Terminal) -> None:
    for entry in ("k1:short", "justtext", "k1:" + "A" * 60, ":", ","):
        terminal.set(ENCRYPTION_KEYS=entry)
        sentence = await terminal.refused("serve")
        assert "ENCRYPTION_KEYS" in sentence
        assert "A" * 60 not in sentence


async def test_another_key_of_the_same_name_ends_start_and_check(terminal: Terminal) -> None:
    await terminal.run("migrate")
    database = Database(f"sqlite+aiosqlite:///{terminal.deployed.database}")
    await open_keys(database, parse_keys((terminal.deployed.environment["ENCRYPTION_KEYS"],)))
    await database.close()
    terminal.set(ENCRYPTION_KEYS=new_key("k1"))
    assert "'k1'" in await terminal.refused("serve")
    assert "does not open" in (await terminal.fixes())["keys"]
    terminal.set(ENCRYPTION_KEYS=new_key("k2"))
    assert "'k1'" in (await terminal.fixes())["keys"]


async def test_a_port_in_use_ends_the_start(terminal: Terminal) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        terminal.set(PORT=str(taken.getsockname()[1]))
        sentence = await terminal.refused("serve")
    assert terminal.deployed.environment["PORT"] in sentence


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
async def test_an_address_that_is_not_ours_ends_the_start(terminal: Terminal, host: str) -> None:
    terminal.set(HOST=host)
    assert host in await terminal.refused("serve")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite+aiosqlite:////proc/nowhere/x.db",
        "sqlite+aiosqlite:///.",
        "mysql://root@localhost/x",
        "sqlite+aiosqlite://",
        "not a url",
    ],
)
async def test_a_database_that_cannot_be_used_ends_the_start(terminal: Terminal, url: str) -> None:
    terminal.set(DATABASE_URL=url)
    await terminal.refused("serve")


async def test_a_file_that_is_no_database_ends_the_start(terminal: Terminal) -> None:
    terminal.deployed.database.parent.mkdir()
    terminal.deployed.database.write_bytes(b"no database at all" * 1000)
    await terminal.refused("serve")


async def test_a_schema_of_a_newer_release_ends_the_start(terminal: Terminal) -> None:
    await terminal.run("migrate")
    terminal.age("9999")
    assert "9999" in await terminal.refused("serve")


async def test_migrate_makes_the_schema_and_says_which(terminal: Terminal) -> None:
    for _ in range(2):
        code, out, err = await terminal.run("migrate")
        assert (code, err) == (0, "")
        assert re.fullmatch(r"The schema is at \w+\.\n", out)
    assert terminal.deployed.database.is_file()


async def test_check_finds_nothing_where_all_is_well(terminal: Terminal) -> None:
    await terminal.run("migrate")
    code, out, err = await terminal.run("check")
    assert (code, err) == (0, "")
    assert all(line.startswith("ok  ") for line in out.splitlines())
    found = {one["about"] for one in await terminal.findings()}
    assert found >= {"settings", "Slack", "role approver", "approvals", "database", "keys"}


async def test_check_before_the_first_start_makes_nothing(terminal: Terminal) -> None:
    assert all(one["fine"] for one in await terminal.findings())
    assert not terminal.deployed.database.exists()


async def test_check_names_a_missing_setting(terminal: Terminal) -> None:
    del terminal.deployed.environment["ALERT_CHANNEL"]
    assert (await terminal.fixes())["settings"].startswith("ALERT_CHANNEL is not set")


async def test_check_names_missing_scopes_and_a_wrong_token(terminal: Terminal) -> None:
    terminal.deployed.slack.token.scopes -= {"files:read", "im:write"}
    said = (await terminal.fixes())["Slack"]
    assert "files:read" in said
    assert "im:write" in said
    terminal.deployed.slack.token.error = "account_inactive"
    assert "account_inactive" in (await terminal.fixes())["Slack"]


async def test_check_names_roles_that_nobody_has(terminal: Terminal) -> None:
    terminal.set(APPROVERS="", ADMINS=terminal.deployed.cast.guest.id)
    found = await terminal.fixes()
    assert "APPROVERS" in found["role approver"]
    assert "ADMINS" in found["role admin"]
    assert terminal.deployed.cast.operator.id in found["approvals"]


async def test_check_names_who_could_not_get_an_approval(terminal: Terminal) -> None:
    terminal.set(APPROVERS=terminal.deployed.cast.operator.id)
    assert terminal.deployed.cast.operator.id in (await terminal.fixes())["approvals"]
    terminal.set(APPROVALS_REQUIRED="0")
    assert all(one["fine"] for one in await terminal.findings())


async def test_check_names_a_group_that_cannot_be_looked_up(terminal: Terminal) -> None:
    terminal.set(APPROVERS="S0NOWHERE")
    assert "no_such_subteam" in (await terminal.fixes())["role approver"]


async def test_check_names_unknown_names_and_other_addresses(terminal: Terminal) -> None:
    (terminal.deployed.folder / ".env").write_text("OPERATER=U1\n")
    assert "OPERATER" in (await terminal.fixes())["settings"]
    said = [one["said"] for one in await terminal.findings()]
    assert any(one.startswith("SLACK_API_URL=") for one in said)


async def test_check_names_a_malformed_key(terminal: Terminal) -> None:
    terminal.set(ENCRYPTION_KEYS="k1:short")
    assert "ENCRYPTION_KEYS" in (await terminal.fixes())["keys"]


async def test_check_names_a_schema_of_another_release(terminal: Terminal) -> None:
    await terminal.run("migrate")
    terminal.age("0000")
    assert "0000" in (await terminal.fixes())["database"]


async def test_check_names_a_file_that_is_no_database(terminal: Terminal) -> None:
    terminal.deployed.database.parent.mkdir()
    terminal.deployed.database.write_bytes(b"no database at all" * 1000)
    await terminal.fixes()
