"""App registrations: their secrets, certificates and permissions."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from cryptography import x509

READ = "DeviceManagementServiceConfig.Read.All"
WRITE = "DeviceManagementServiceConfig.ReadWrite.All"
CONFIGURATION = "DeviceManagementConfiguration.Read.All"
SCOPE_TAGS = "DeviceManagementRBAC.Read.All"
MANAGED_DEVICES = "DeviceManagementManagedDevices.Read.All"
USERS = "User.Read.All"
LEAVE_DATES = "User-LifeCycleInfo.Read.All"

FULL = (READ, WRITE, CONFIGURATION, USERS)
GUIDED = (READ, CONFIGURATION, USERS)


@dataclass(slots=True, kw_only=True)
class Secret:
    """A client secret."""

    value: str = field(repr=False)
    expires_at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class AppRegistration:
    """An application that may sign in as itself; `roles` are granted by an admin."""

    name: str
    roles: set[str]
    client_id: str = field(default_factory=lambda: str(uuid4()))
    secrets: list[Secret] = field(default_factory=list)
    certificates: list[x509.Certificate] = field(default_factory=list)

    def add_secret(self, expires_at: datetime) -> str:
        """Make a client secret, which is shown once."""
        value = f"{secrets.token_hex(2)}8Q~{secrets.token_urlsafe(25)}"
        self.secrets.append(Secret(value=value, expires_at=expires_at))
        return value

    def add_certificate(self, certificate_pem: bytes) -> None:
        """Trust a certificate; its key stays with the application."""
        self.certificates.append(x509.load_pem_x509_certificate(certificate_pem))
