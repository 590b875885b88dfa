"""Secrets stay out of the database, its journal and the logs."""

from tests.journeys.steps import APPLE_ID, approved, register_at_apple, upload
from tests.sandbox.deployment import Deployment


async def test_no_secret_is_found_in_database_journal_or_logs(deployed: Deployment) -> None:
    await deployed.stop()
    deployed.environment["LOG_LEVEL"] = "DEBUG"
    await deployed.start()
    steps = await approved(deployed, "HQ iPads")
    server = register_at_apple(deployed)
    await upload(deployed, steps, *server.download_token(as_admin=APPLE_ID))
    await deployed.slack.wait_for(lambda: deployed.alerts.messages[1], what="the sync's result")
    assert server.token is not None
    held = server.token.credentials
    environment = deployed.environment
    secrets = [
        held.consumer_key,
        held.consumer_secret,
        held.access_token,
        held.access_secret,
        environment["SLACK_BOT_TOKEN"],
        environment[deployed.delivery_setting],
        environment["ENCRYPTION_KEYS"].partition(":")[2],
        "PRIVATE KEY",
    ]
    files = [path for path in deployed.folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"enroll-token.db", "enroll-token.db-wal"}
    for path in files:
        content = path.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in content], path
    said = str(deployed.slack.requests)
    assert not [secret for secret in secrets[:4] if secret in said]
