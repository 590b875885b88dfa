"""The tour of `make tour` is acted out to its end."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 300
"""It takes 60 on an idle machine."""
KEY_LINES = (
    "  `crate` is not a word I know. Did you mean `/enroll-token create`?",
    "  [ Approve ]  [ Decline… ]  [ Cancel ]",
    "  Approved; waits for the server token file",
    "  ✅ HQ iPads is in use until ",
    "  🔄 HQ iPads has 25 devices now: 25 added, 0 changed, 0 removed, 0 failed.",
    "  2 tokens: nothing needs anybody this week.",
    "  ( picture: Tokens by the time they have left: 1 HQ iPads: 359 days left; ",
    "  🚨 HQ iPads: new terms at Apple wait for a signature",
    "  ✅ HQ iPads works again since 18 January 2027, 15:",
    "  🚨 2 tokens: Apple has been asking us to wait for over an hour",
    "  🚨 2 tokens: Apple has given no usable answer for over an hour",
    "  ✅ 2 tokens work again since ",
    "  🚨 Depot iPads: a newer token of its server was downloaded, which ended this one",
    "  ⚠️ The password of the Apple ID depot@schools.example was changed",
    "  ✅ Every token of the Apple ID whose password changed is renewed.",
    "  🚨 Depot iPads: the Apple ID that downloaded it is gone or barred",
    "  ⚠️ Depot iPads needs a new owner by 30 June 2027",
    "  ⚠️ The Slack account of @Bea Approver was deactivated",
    "  📅 HQ iPads expires in 61 days, on 12 January 2028.",
    "  💤 Snoozed by @Olivia Operator until 3 January 2028.",
    "  ⚠️ Nobody has answered the reminder for HQ iPads.",
    "  ✅ HQ iPads was renewed by @Olivia Operator, until ",
    "  🚨 Depot iPads: it has expired",
    "  ✅ HQ iPads is renewed: in use until ",
    "  HQ iPads is deleted. Its keys and credentials are overwritten",
    "  ok   Intune: full mode: the bot can create, renew, sync and delete tokens itself",
    "  🔍 1 token found in Intune. It is watched from now on. Nobody answers for it yet.",
    "  📅 Intune's Apple push certificate expires in 14 days, on 26 January 2027",
    "  ⚠️ It goes on by hand. Intune did not take the file from me.",
    "  ✅ Primary iPads is renewed: in use until ",
    "  ⚠️ Entra says: the password of it@contoso.example was changed",
    "  • yes: every command, click and form was acknowledged within 3 seconds",
    "  • yes: no secret stands in enroll-token.db",
)


@pytest.mark.timeout(SECONDS + 30)
def test_the_tour_ends_well_and_is_written(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "tour.md"
    code, told = run("tour", "--write", str(page))
    assert code == 0, told
    for line in KEY_LINES:
        assert f"\n{line}" in told
    assert max(len(line) for line in told.splitlines()) <= 100
    written = page.read_text(encoding="utf-8")
    assert written.count("```") % 2 == 0
    assert "127.0.0.1:«port»" in written


def test_a_word_that_is_none_is_wrong_use() -> None:
    code, told = run("trip")
    assert code == 2
    assert "'trip'" in told


def run(*arguments: str) -> tuple[int, str]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.sandbox", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    ) as process:
        try:
            told, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            # Asked, not killed: it takes its own process down with it.
            process.terminate()
            told, _ = process.communicate()
    return process.returncode, told
