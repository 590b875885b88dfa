"""Every setting is checked before anything starts, and what is wrong is named without secrets."""

import re
from pathlib import Path

import pytest

from bot.settings import Settings, load_settings, unknown_names
from services.errors import ConfigurationError
from services.sealing import new_key
from storage.states import Action
from tests.bot.served import only
from tests.sandbox.deployment import MANIFEST

SECRET = "canary-51c7"
README = MANIFEST.parent / "README.md"
ROW = re.compile(r"^\| `([A-Z_]+)` \| (.*?) \| (.*) \|$", re.MULTILINE)
LEAST = {"SLACK_BOT_TOKEN": "xoxb-1", "ALERT_CHANNEL": "C0ALERTS", "ENCRYPTION_KEYS": "k1:AAAA"}
BAD = {
    "SLACK_API_URL": [
        "http://slack.com/api/",
        "https://slack.com/api",
        "slack.com",
        "ftp://x/api/",
    ],
    "OPERATORS": ["olivia", "@olivia", "U1,olivia", "C0ALERTS", "u0olivia", "U0OLIVIA;U0AMIR"],
    "APPROVERS": ["#it"],
    "ADMINS": ["admin@schools.example"],
    "VIEWERS": ["everybody"],
    "APPROVALS_REQUIRED": ["many", "-1", "1.5", "create=x", "dance=1", "create=", "=1", "create:1"],
    "ALERT_CHANNEL": ["it-alerts", "#it-alerts", "U0OLIVIA", "c0alerts"],
    "APPROVAL_CHANNEL": ["#it"],
    "PROGRAMS": ["jamf", "apple,jamf", ",", "Apple"],
    "ENCRYPTION_KEYS": ["file:/nowhere/keys"],
    "APPLE_ENROLLMENT_URL": ["http://mdmenrollment.apple.com", "https://x.example/v1", "apple"],
    "GRAPH_URL": ["http://graph.microsoft.com", "https://graph.microsoft.com/beta", "graph"],
    "ENTRA_LOGIN_URL": ["http://login.example", "https://login.example/tenant", "login"],
    "ENTRA_TENANT_ID": ["common", "organizations", "schools", "../x", "a/b.example"],
    "ENTRA_CLIENT_ID": ["enroll-token", "11111111-2222-3333-4444-55555555555", "{}"],
    "ENTRA_CLIENT_CERTIFICATE": ["/nowhere/bot.pem", "."],
    "ENTRA_WATCH": ["maybe", "2", "hourly"],
    "INTUNE_CREATE_ORDER": ["upload_first"],
    "INTUNE_TOKEN_ENCODING": ["hex"],
    "INTUNE_PUBLIC_KEY": ["der"],
    "SYNC_EVERY": ["0", "-1", "often", "1.5"],
    "TICK_EVERY": ["0", "x"],
    "HEALTH_EVERY": ["0", "-1", "often"],
    "REMINDER_DAYS": ["-1", "soon", "7;3", "366", "1.5", "99999999999"],
    "DAY_STARTS": ["9", "24:00", "9:00", "09:60", "nine", "09:00:00"],
    "CLOCK_URL": ["http://clock.example/time", "clock", "http://u:p@127.0.0.1/time"],
    "METRICS_PORT": ["0", "65536", "http"],
    "HEARTBEAT_URL": ["http://beats.example/x", "beats", "https://", "https://u:p@b.example/"],
    "TIME_ZONE": ["Berlin", "../etc/passwd", "Mars/Olympus", "/etc/localtime"],
    "PORT": ["0", "65536", "http"],
    "LOG_LEVEL": ["LOUD"],
    "LOG_FORMAT": ["xml"],
}
CLIENT = "6f0a4a3e-0000-4000-8000-000000000001"
CASES = [(name, value) for name, values in BAD.items() for value in values]


@pytest.fixture(autouse=True)
def _least(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, tmp_path, LEAST)


def complaint() -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert SECRET not in str(caught.value)
    return caught.value.user_message


def entra(environment: pytest.MonkeyPatch, **others: str) -> None:
    """An app registration with a secret; a setting given as empty is left out."""
    values = {
        "ENTRA_TENANT_ID": "schools.example",
        "ENTRA_CLIENT_ID": CLIENT,
        "ENTRA_CLIENT_SECRET": SECRET,
    }
    for name, value in (values | others).items():
        environment.setenv(name, value)


@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_bad_value_is_refused_in_one_sentence_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    sentence = complaint()
    assert sentence.startswith(f"{name} ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "Value error" not in sentence


@pytest.mark.parametrize("name", sorted(LEAST))
def test_a_required_setting_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name)
    assert complaint() == f"{name} is not set: see the table of settings in README."


@pytest.mark.parametrize("name", sorted(LEAST))
def test_an_empty_setting_counts_as_missing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "")
    assert complaint().startswith(f"{name} is not set")


def test_all_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALERT_CHANNEL")
    monkeypatch.setenv("PORT", "x")
    monkeypatch.setenv("OPERATORS", "olivia")
    assert all(name in complaint() for name in ("ALERT_CHANNEL", "PORT", "OPERATORS"))


@pytest.mark.parametrize(
    "name",
    [
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "SLACK_SIGNING_SECRET",
        "ENCRYPTION_KEYS",
        "ENTRA_CLIENT_SECRET",
    ],
)
def test_no_complaint_and_no_settings_show_a_secret(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    entra(monkeypatch)
    monkeypatch.setenv(name, f"k1:{SECRET}")
    assert SECRET not in repr(load_settings())
    monkeypatch.setenv("PORT", "x")
    complaint()


def test_a_secret_pasted_into_the_wrong_setting_is_not_echoed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("LOG_FORMAT", "SLACK_API_URL", "ALERT_CHANNEL", "TIME_ZONE", "PORT"):
        monkeypatch.setenv(name, SECRET)
    assert SECRET not in complaint()


def test_lists_take_spaces_and_drop_empty_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPERATORS", " U0OLIVIA , S0TEAM,,W0OTTO, ")
    assert load_settings().operators == ("U0OLIVIA", "S0TEAM", "W0OTTO")


@pytest.mark.parametrize(
    ("text", "needed"),
    [("", 1), ("0", 0), ("3", 3), ("create=2", 2), ("create=2,1", 2), ("2, create=0", 0)],
)
def test_approvals_are_a_number_or_pairs(
    monkeypatch: pytest.MonkeyPatch, text: str, needed: int
) -> None:
    monkeypatch.setenv("APPROVALS_REQUIRED", text)
    assert load_settings().approvals_required.needed(Action.CREATE) == needed


def test_reminder_days_are_numbers_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().reminder_days == (60, 30, 14, 7, 3, 1, 0)
    monkeypatch.setenv("REMINDER_DAYS", " 7, 30,0 ,7")
    assert load_settings().reminder_days == (30, 7, 0)


def test_the_heartbeats_path_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTBEAT_URL", f"https://beats.example/{SECRET}")
    settings = load_settings()
    assert settings.other_addresses() == ["HEARTBEAT_URL=https://beats.example"]
    assert SECRET not in repr(settings)


def test_keys_come_from_a_file_with_one_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = new_key("k1"), new_key("k2"), new_key("k3")
    (tmp_path / "keys").write_text(f"{first}\n\n  {second}\n")
    monkeypatch.setenv("ENCRYPTION_KEYS", f"file:keys,{third}")
    found = [key.get_secret_value() for key in load_settings().encryption_keys]
    assert found == [first, second, third]


def test_a_key_file_that_is_no_text_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keys").write_bytes(b"\xff\xfe")
    for path in ("keys", "."):
        monkeypatch.setenv("ENCRYPTION_KEYS", f"file:{path}")
        assert complaint().startswith("ENCRYPTION_KEYS names a file that cannot be read")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.1.2.3"])
def test_http_is_allowed_to_a_loopback_address(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("SLACK_API_URL", f"http://{host}:8080/api/")
    monkeypatch.setenv("APPLE_ENROLLMENT_URL", f"http://{host}:8081")
    settings = load_settings()
    assert settings.file_origin == f"http://{host}:8080"
    assert len(settings.other_addresses()) == 2


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "0.0.0.1", "localhost.evil.example", "127.0.0.1.evil.example", "[::2]"]
)
def test_http_is_refused_to_any_other_address(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("APPLE_ENROLLMENT_URL", f"http://{host}")
    assert complaint().startswith("APPLE_ENROLLMENT_URL takes an https address")


def test_the_loopback_address_may_not_be_a_user_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_API_URL", "http://127.0.0.1@evil.example/api/")
    assert complaint().startswith("SLACK_API_URL")


@pytest.mark.parametrize(
    ("missing", "others", "said"),
    [
        ("ENTRA_CLIENT_ID", {}, "ENTRA_TENANT_ID is set, but ENTRA_CLIENT_ID is not"),
        ("ENTRA_TENANT_ID", {}, "ENTRA_CLIENT_ID is set, but ENTRA_TENANT_ID is not"),
        ("ENTRA_CLIENT_SECRET", {}, "neither ENTRA_CLIENT_SECRET nor ENTRA_CLIENT_CERTIFICATE"),
        (
            "ENTRA_CLIENT_ID",
            {"ENTRA_TENANT_ID": "", "ENTRA_CLIENT_SECRET": "", "ENTRA_WATCH": "on"},
            "ENTRA_WATCH is set, but ENTRA_CLIENT_ID is not",
        ),
    ],
)
def test_half_an_app_registration_is_refused_with_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, missing: str, others: dict[str, str], said: str
) -> None:
    entra(monkeypatch, **{missing: ""} | others)
    assert said in complaint()


def pem(folder: Path, *parts: str) -> str:
    """A file with these PEM parts, as far as a look at it tells."""
    lines = (f"-----BEGIN {part}-----\nAAAA\n-----END {part}-----\n" for part in parts)
    (folder / "bot.pem").write_text("".join(lines))
    return str(folder / "bot.pem")


def test_a_secret_and_a_certificate_at_once_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pem(tmp_path, "PRIVATE KEY", "CERTIFICATE")
    entra(monkeypatch, ENTRA_CLIENT_CERTIFICATE=path)
    assert "ENTRA_CLIENT_SECRET and ENTRA_CLIENT_CERTIFICATE are both set" in complaint()
    monkeypatch.setenv("ENTRA_CLIENT_SECRET", "")
    assert load_settings().entra_client_certificate == path


@pytest.mark.parametrize(
    "parts",
    [(), ("CERTIFICATE",), ("PRIVATE KEY",), ("ENCRYPTED PRIVATE KEY", "CERTIFICATE")],
)
def test_a_certificate_file_needs_both_parts_and_no_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: tuple[str, ...]
) -> None:
    entra(monkeypatch, ENTRA_CLIENT_SECRET="", ENTRA_CLIENT_CERTIFICATE=pem(tmp_path, *parts))
    assert complaint().startswith("ENTRA_CLIENT_CERTIFICATE names a file without a private key")


@pytest.mark.parametrize(
    ("text", "asked", "offered"),
    [
        ("", False, ("apple",)),
        ("", True, ("apple", "intune")),
        ("intune", False, ("intune",)),
        ("intune, apple", False, ("intune", "apple")),
        ("apple,apple", True, ("apple",)),
    ],
)
def test_intune_is_offered_where_microsoft_can_be_asked_or_where_it_is_named(
    monkeypatch: pytest.MonkeyPatch, text: str, *, asked: bool, offered: tuple[str, ...]
) -> None:
    if asked:
        entra(monkeypatch)
    monkeypatch.setenv("PROGRAMS", text)
    assert load_settings().programs == offered


@pytest.mark.parametrize(
    ("word", "watched"), [("on", True), ("True", True), ("1", True), ("off", False), ("no", False)]
)
def test_the_watch_over_entra_is_switched_by_a_word(
    monkeypatch: pytest.MonkeyPatch, word: str, *, watched: bool
) -> None:
    entra(monkeypatch, ENTRA_WATCH=word)
    assert load_settings().entra_watch is watched


LOOPBACK = {
    "SLACK_API_URL": "http://127.0.0.1:1/api/",
    "APPLE_ENROLLMENT_URL": "http://localhost:2",
    "GRAPH_URL": "http://127.0.0.1:5",
    "ENTRA_LOGIN_URL": "http://127.0.0.1:6",
    "HEARTBEAT_URL": "http://[::1]:3/beat",
}


@pytest.mark.parametrize("other", [*LOOPBACK, "CLOCK_URL"])
def test_a_moved_clock_is_refused_unless_every_address_is_loopback(
    monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    for name, address in (LOOPBACK | {"CLOCK_URL": "http://127.0.0.1:4/time"}).items():
        monkeypatch.setenv(name, address)
    assert "CLOCK_URL=http://127.0.0.1:4/time" in load_settings().other_addresses()
    ending = "/api/" if other == "SLACK_API_URL" else ""
    monkeypatch.setenv(other, f"https://real.example{ending}")
    assert f"refused while {other} is not a loopback address" in complaint()


def test_a_moved_clock_is_refused_beside_the_addresses_that_are_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLOCK_URL", "http://127.0.0.1:4/time")
    assert "refused while SLACK_API_URL is not a loopback address" in complaint()


def test_a_moved_clock_minds_microsofts_own_addresses_only_where_they_are_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLOCK_URL", "http://127.0.0.1:4/time")
    for name in ("SLACK_API_URL", "APPLE_ENROLLMENT_URL"):
        monkeypatch.setenv(name, LOOPBACK[name])
    assert load_settings().clock_url is not None
    entra(monkeypatch)
    assert "refused while GRAPH_URL is not a loopback address" in complaint()
    monkeypatch.setenv("GRAPH_URL", LOOPBACK["GRAPH_URL"])
    assert "refused while ENTRA_LOGIN_URL is not a loopback address" in complaint()


def test_files_come_from_slacks_file_host_unless_the_api_is_moved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load_settings().file_origin == "https://files.slack.com"
    monkeypatch.setenv("SLACK_API_URL", "https://proxy.example:444/slack/api/")
    assert load_settings().file_origin == "https://proxy.example:444"


def test_a_file_of_settings_is_read_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("PORT=4001\nHOST=0.0.0.0\nslack_bot_token=xoxb-file\n")
    monkeypatch.setenv("PORT", "4002")
    settings = load_settings()
    assert (settings.port, settings.host) == (4002, "0.0.0.0")  # noqa: S104 - a value, not a socket
    assert settings.slack_bot_token.get_secret_value() == LEAST["SLACK_BOT_TOKEN"]


def test_unknown_names_in_the_file_are_named(tmp_path: Path) -> None:
    assert unknown_names() == []
    (tmp_path / ".env").write_text("PORT=4001\nOPERATOR=U1\nSLAK_TOKEN=x\n")
    assert unknown_names() == ["OPERATOR", "SLAK_TOKEN"]


def test_the_defaults_are_those_that_are_documented() -> None:
    settings = load_settings()
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.apple_enrollment_url == "https://mdmenrollment.apple.com"
    assert settings.graph_url == "https://graph.microsoft.com"
    assert settings.entra_login_url == "https://login.microsoftonline.com"
    assert (settings.entra_client_id, settings.entra_watch) == (None, False)
    assert settings.database_url == "sqlite+aiosqlite:///data/enroll-token.db"
    assert (settings.sync_every, settings.tick_every, settings.port) == (43200, 30, 3000)
    assert (settings.time_zone, settings.log_format, settings.programs) == (
        "UTC",
        "text",
        ("apple",),
    )
    assert settings.approvals_required.needed(Action.CREATE) == 1
    assert (settings.requests_channel, settings.other_addresses()) == ("C0ALERTS", [])
    assert settings.operators == settings.viewers == ()


def test_nothing_can_change_a_setting_later() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().port = 1


def test_readme_names_every_setting_with_its_default() -> None:
    rows = {name: default for name, default, _ in ROW.findall(README.read_text(encoding="utf-8"))}
    assert rows.keys() == {name.upper() for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, str | int) and field.default:
            assert str(field.default) in rows[name.upper()], name
