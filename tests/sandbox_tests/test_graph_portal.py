"""Claims about the admin center of the stand-in: what a person does there by hand."""

from datetime import timedelta

import pytest

from tests.sandbox.apple.certificates import PortalRefused
from tests.sandbox.apple.organisation import Organisation
from tests.sandbox.apple.service import Apple
from tests.sandbox.graph.entries import DevicePlatform, TokenEntry
from tests.sandbox.graph.service import GraphServer
from tests.sandbox.graph.tenant import Tenant

ADMIN = "admin@schools.example"


@pytest.fixture
def customer() -> Organisation:
    return Apple().add_organisation("Example Schools", admin=ADMIN)


@pytest.fixture
def tenant() -> Tenant:
    return GraphServer().add_tenant()


def made(tenant: Tenant, customer: Organisation, name: str = "HQ") -> TokenEntry:
    tab = tenant.portal.open_create()
    server = customer.add_server(name, certificate_pem=tab.certificate_pem)
    file = server.download_token().content
    return tenant.portal.create_token(tab, file, apple_id=ADMIN, name=name)


def test_a_token_is_made_in_the_tab_that_made_its_key(
    tenant: Tenant, customer: Organisation
) -> None:
    token = made(tenant, customer)
    issued = customer.servers[0].token
    assert issued is not None
    assert token.expires_at == issued.credentials.access_token_expiry
    assert tenant.token("HQ") is token


def test_a_tab_that_was_closed_takes_its_key_along(tenant: Tenant, customer: Organisation) -> None:
    tab = tenant.portal.open_create()
    server = customer.add_server("HQ", certificate_pem=tab.certificate_pem)
    file = server.download_token().content
    tab.close()
    with pytest.raises(PortalRefused, match="Begin again"):
        tenant.portal.create_token(tab, file, apple_id=ADMIN, name="HQ")
    with pytest.raises(PortalRefused, match="public key"):
        tenant.portal.create_token(tenant.portal.open_create(), file, apple_id=ADMIN, name="HQ")
    assert tenant.tokens == {}


def test_without_the_consent_nothing_is_made(tenant: Tenant, customer: Organisation) -> None:
    tab = tenant.portal.open_create()
    server = customer.add_server("HQ", certificate_pem=tab.certificate_pem)
    file = server.download_token().content
    with pytest.raises(PortalRefused, match="Agree"):
        tenant.portal.create_token(tab, file, apple_id=ADMIN, name="HQ", consent=False)
    tenant.portal.create_token(tab, file, apple_id=ADMIN, name="HQ")


def test_a_renewal_is_for_this_token_alone(tenant: Tenant, customer: Organisation) -> None:
    token, other = made(tenant, customer), made(tenant, customer, "Lab")
    file = customer.servers[0].download_token(lifetime=timedelta(days=400)).content
    with pytest.raises(PortalRefused):
        tenant.portal.renew_token(other, file, apple_id=ADMIN)
    with pytest.raises(PortalRefused):
        tenant.portal.renew_token(token, file, apple_id="nobody")
    tenant.portal.renew_token(token, file, apple_id="new@schools.example", scope_tags=["0"])
    assert token.apple_id == "new@schools.example"
    assert token.expires_at is not None
    assert token.expires_at > tenant.now() + timedelta(days=399)


def test_a_deletion_waits_until_nothing_hangs_on_the_token(tenant: Tenant) -> None:
    token = tenant.add_token("HQ", devices=2)
    policy = tenant.add_policy(token, "iPads", default=True)
    with pytest.raises(PortalRefused, match="Devices"):
        tenant.portal.delete_token(token)
    tenant.portal.delete_devices(token, token.live())
    with pytest.raises(PortalRefused, match="Profiles"):
        tenant.portal.delete_token(token)
    tenant.portal.delete_profile(token, token.profiles[f"{token.id}_{policy.id}"])
    assert token.defaults == {}
    tenant.portal.delete_token(token)
    assert tenant.tokens == {}


def test_a_profile_is_given_to_devices_and_taken_with_its_deletion(tenant: Tenant) -> None:
    token = tenant.add_token("HQ", devices=2)
    profile = tenant.add_profile(token, "Macs", platform=DevicePlatform.MACOS)
    serial = token.live()[0].serial_number
    tenant.portal.assign(token, profile, [serial])
    with pytest.raises(PortalRefused):
        tenant.portal.assign(token, profile, ["UNKNOWN"])
    assert [one.profile_id for one in token.live()] == [profile.id, None]
    tenant.portal.delete_profile(token, profile)
    assert [one.profile_id for one in token.live()] == [None, None]


def test_syncs_are_a_quarter_of_an_hour_apart(tenant: Tenant) -> None:
    token = tenant.add_token("HQ")
    tenant.portal.sync(token)
    with pytest.raises(PortalRefused, match="15 minutes"):
        tenant.portal.sync(token)


def test_a_token_is_renamed_and_has_a_name(tenant: Tenant) -> None:
    token = tenant.add_token("HQ")
    tenant.portal.rename(token, " Headquarters ")
    assert token.name == "Headquarters"
    with pytest.raises(PortalRefused):
        tenant.portal.rename(token, " ")
