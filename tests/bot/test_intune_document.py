"""docs/intune.md says what the code does, and its commands work."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.check_microsoft import CONFIGURATION, READ, USERS, WRITE
from bot.settings import Settings
from services.graph.entra import Application, Entra, read_certificate
from services.graph.exchange import graph_http
from tests.sandbox.deployment import MANIFEST
from tests.sandbox.graph.service import GraphServer

DOCUMENT = (MANIFEST.parent / "docs" / "intune.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)


def test_each_permission_stands_there_with_its_id() -> None:
    for one in (READ, WRITE, CONFIGURATION, USERS):
        assert f"| `{one.name}` | `{one.id}` |" in DOCUMENT


def test_each_setting_that_is_named_there_exists() -> None:
    # What stands before a test's command is no setting of the bot.
    told = re.sub(r"`[A-Z_]+=\S+ \S*pytest[^`]*`", "", DOCUMENT)
    named = set(re.findall(r"\b(?:ENTRA|GRAPH|INTUNE)_[A-Z_]+\b", told)) | {"PROGRAMS"}
    assert named <= {name.upper() for name in Settings.model_fields}


@pytest.fixture
def made(tmp_path: Path) -> tuple[bytes, bytes]:
    """What the commands leave: the certificate, and the file with its key."""
    if shutil.which("openssl") is None:
        pytest.skip("the commands are openssl's")
    (commands,) = [block for block in BLOCKS if "openssl req" in block]
    run = subprocess.run(
        ["sh", "-e"], input=commands, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bot-certificate.pem", "bot.pem"]
    assert (tmp_path / "bot.pem").stat().st_mode & 0o077 == 0
    return (tmp_path / "bot-certificate.pem").read_bytes(), (tmp_path / "bot.pem").read_bytes()


async def test_the_commands_there_make_a_certificate_that_signs_in(
    made: tuple[bytes, bytes],
) -> None:
    certificate, both = made
    microsoft = GraphServer()
    tenant = microsoft.add_tenant()
    application = tenant.add_application()
    application.add_certificate(certificate)
    async with microsoft.serve() as origin, graph_http(origin) as http:
        signed = Application(
            tenant_id=tenant.id,
            client_id=application.client_id,
            credential=read_certificate(both),
            resource=origin,
        )
        assert (await Entra(http, signed).access_token()).roles == application.roles
