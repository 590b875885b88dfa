"""`check` says which mode the permissions allow, and what is wrong at Microsoft, in plain words."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from bot.check_microsoft import (
    CONFIGURATION,
    NOBODY,
    READ,
    USERS,
    WRITE,
    microsoft_findings,
)
from bot.findings import Finding
from bot.settings import load_settings
from tests.bot.served import only
from tests.sandbox.apple import faults
from tests.sandbox.deployment import Deployment, Transport, deployment, new_stage
from tests.sandbox.graph import applications

SETTINGS = "/beta/deviceManagement/depOnboardingSettings"


@dataclass(frozen=True, slots=True)
class Checker:
    """A deployment with a tenant, and `check`'s look at Microsoft in this process."""

    deployed: Deployment
    environment: pytest.MonkeyPatch

    async def findings(self) -> list[Finding]:
        only(self.environment, self.deployed.folder, self.deployed.environment)
        settings = load_settings()
        found = [one async for one in microsoft_findings(settings)]
        secret = self.deployed.environment.get("ENTRA_CLIENT_SECRET", "no secret")
        assert not [one for one in found if secret in one.said]
        return found

    async def fine(self) -> dict[str, str]:
        """What is said of each thing, where nothing is to be fixed."""
        found = await self.findings()
        assert all(one.fine for one in found), found
        return {about: _joined(found, about) for about in {one.about for one in found}}

    async def fixes(self) -> dict[str, str]:
        """What is to be fixed, by what it is about."""
        found = [one for one in await self.findings() if not one.fine]
        return {one.about: _joined(found, one.about) for one in found}


def _joined(found: list[Finding], about: str) -> str:
    return "\n".join(one.said for one in found if one.about == about)


@pytest.fixture
async def checker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Checker]:
    async with deployment(tmp_path, Transport.HTTP, new_stage(intune=True)) as made:
        yield Checker(made, monkeypatch)


def may(checker: Checker, *roles: str) -> None:
    checker.deployed.tenant.applications[0].roles = set(roles)


async def test_full_mode_where_the_bot_may_write(checker: Checker) -> None:
    tenant = checker.deployed.tenant
    tenant.add_token("HQ")
    tenant.add_token("Branch")
    tenant.add_configurator()
    found = await checker.fine()
    assert "full mode: the bot can create" in found["Intune"]
    assert "2 tokens found" in found["Intune"]
    assert tenant.id in found["Microsoft"]


async def test_guided_mode_names_what_full_mode_takes(checker: Checker) -> None:
    may(checker, applications.READ)
    found = await checker.fine()
    assert found["Intune"].startswith("guided mode")
    assert "ReadWrite.All (5ac13192-7ace-4fcf-b828-1a26f28068ee)" in found["Intune"]
    assert "dc377aa6-52d8-4e23-b271-2a7ae04cedf3" in found["permissions"]


async def test_without_any_permission_each_is_named_with_its_id_and_use(checker: Checker) -> None:
    may(checker)
    checker.deployed.environment["ENTRA_WATCH"] = "on"
    fixes = await checker.fixes()
    for permission in (READ, WRITE):
        assert str(permission) in fixes["Intune"]
        assert permission.use in fixes["Intune"]
    assert f"{USERS} is missing" in fixes["permissions"]
    assert "Grant admin consent" in fixes["permissions"]


def test_the_permissions_have_the_ids_that_microsoft_published() -> None:
    assert [one.id for one in (READ, WRITE, CONFIGURATION, USERS)] == [
        "06a5fe6d-c49d-46a7-b082-56b1b14103c7",
        "5ac13192-7ace-4fcf-b828-1a26f28068ee",
        "dc377aa6-52d8-4e23-b271-2a7ae04cedf3",
        "df021288-bdef-4463-88db-98f22de89214",
    ]


async def test_a_permission_that_nothing_needs_is_named(checker: Checker) -> None:
    may(checker, *applications.FULL, "Directory.ReadWrite.All")
    assert "Directory.ReadWrite.All not needed" in (await checker.fine())["permissions"]


async def test_recorded_mode_where_no_app_registration_is_set(checker: Checker) -> None:
    entra = [name for name in checker.deployed.environment if name.startswith("ENTRA_CLIENT")]
    for name in (*entra, "ENTRA_TENANT_ID"):
        del checker.deployed.environment[name]
    found = await checker.fine()
    assert found["Intune"].startswith("recorded mode")
    assert found.keys() == {"programs", "Intune"}
    checker.deployed.environment["PROGRAMS"] = "apple"
    assert (await checker.fine()).keys() == {"programs"}


async def test_an_app_registration_for_entra_alone_needs_nothing_of_intune(
    checker: Checker,
) -> None:
    may(checker, applications.USERS)
    checker.deployed.environment["PROGRAMS"] = "apple"
    assert "not used" in (await checker.fine())["Microsoft"]
    checker.deployed.environment["ENTRA_WATCH"] = "on"
    found = await checker.fine()
    assert found.keys() == {"programs", "Microsoft", "Entra"}
    assert not checker.deployed.microsoft.calls(SETTINGS)


async def test_an_expired_secret_is_said_with_microsofts_number(checker: Checker) -> None:
    (secret,) = checker.deployed.tenant.applications[0].secrets
    secret.expires_at = datetime.now(UTC) - timedelta(days=1)
    said = (await checker.fixes())["Microsoft"]
    assert "has expired. An admin adds a new one" in said
    assert "AADSTS7000222" in said
    assert "request-id" in said


async def test_a_wrong_tenant_and_a_wrong_secret_are_told_apart(checker: Checker) -> None:
    checker.deployed.environment["ENTRA_CLIENT_SECRET"] = "wrong"
    assert "AADSTS7000215" in (await checker.fixes())["Microsoft"]
    checker.deployed.environment["ENTRA_TENANT_ID"] = "fabrikam.example"
    said = (await checker.fixes())["Microsoft"]
    assert "Entra does not know this tenant" in said
    assert "AADSTS90002" in said


async def test_a_tenant_without_a_licence_is_said_so(checker: Checker) -> None:
    checker.deployed.tenant.knobs.licensed = False
    said = (await checker.fixes())["Intune"]
    assert "no Intune licence" in said
    assert "request-id" in said


async def test_a_permission_taken_away_since_the_access_token_is_said_so(
    checker: Checker,
) -> None:
    refusal = faults.status(403, '{"error":{"code":"Forbidden","message":"No"}}')
    checker.deployed.microsoft.faults.next(SETTINGS, refusal, times=9)
    assert "lacks a permission" in (await checker.fixes())["Intune"]


async def test_entra_that_does_not_answer_is_said(checker: Checker) -> None:
    checker.deployed.environment["ENTRA_WATCH"] = "on"
    assert "looked up, every hour" in (await checker.fine())["Entra"]
    path = f"/v1.0/users/{NOBODY}"
    checker.deployed.microsoft.faults.next(path, faults.throttled(None), times=9)
    said = (await checker.fixes())["Entra"]
    assert "finds nothing meanwhile" in said
    assert "asks us to wait" in said


async def test_a_microsoft_that_cannot_be_reached_is_said(checker: Checker) -> None:
    checker.deployed.environment["ENTRA_LOGIN_URL"] = "http://127.0.0.1:9"
    assert "no usable answer" in (await checker.fixes())["Microsoft"]


def certificate(checker: Checker, days: int) -> bytes:
    """Have the settings name a certificate that is good for so long; it without its key."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "enroll-token")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=days)
    ).sign(key, hashes.SHA256())
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = checker.deployed.folder / "bot.pem"
    path.write_bytes(secret + pem)
    checker.deployed.environment.pop("ENTRA_CLIENT_SECRET", None)
    checker.deployed.environment["ENTRA_CLIENT_CERTIFICATE"] = str(path)
    return pem


@pytest.mark.parametrize(("days", "fine"), [(400, True), (20, False)])
async def test_a_certificate_signs_in_and_its_end_is_told(
    checker: Checker, days: int, *, fine: bool
) -> None:
    checker.deployed.tenant.applications[0].add_certificate(certificate(checker, days))
    found = await checker.findings()
    ends = f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"
    (about,) = [one for one in found if f"good until {ends}" in one.said]
    assert about.fine is fine
    assert "full mode" in _joined(found, "Intune")


async def test_check_tells_it_among_all_else_and_a_fault_is_exit_code_1(
    checker: Checker,
) -> None:
    code, out, err = await checker.deployed.command_line("check", "--json")
    assert (code, err) == (0, "")
    assert {one["about"] for one in json.loads(out)} >= {"programs", "Microsoft", "Intune"}
    checker.deployed.tenant.knobs.licensed = False
    code, out, err = await checker.deployed.command_line("check")
    assert code == 1
    assert "FIX  Intune: This tenant has no Intune licence" in out


async def test_a_start_with_a_certificate_of_another_key_ends_in_one_sentence(
    checker: Checker,
) -> None:
    other = certificate(checker, 400)
    certificate(checker, 400)
    path = checker.deployed.folder / "bot.pem"
    path.write_bytes(path.read_bytes().partition(b"-----BEGIN CERTIFICATE")[0] + other)
    code, out, err = await checker.deployed.command_line("serve")
    assert (code, out) == (1, "")
    assert "its key does not belong to its certificate" in err.splitlines()[-1]
    assert "Traceback" not in err
