"""A token is created from Slack, and its devices are synced."""

import pytest

from tests.journeys.steps import APPLE_ID, approved, register_at_apple, upload
from tests.sandbox.deployment import Deployment, Transport


@pytest.mark.parametrize("transport", list(Transport))
async def test_a_token_is_requested_approved_uploaded_proved_and_synced(
    deployed: Deployment,
) -> None:
    slack, alerts = deployed.slack, deployed.alerts
    steps = await approved(deployed, "HQ iPads")
    server = register_at_apple(deployed, devices=25)
    await upload(deployed, steps, *server.download_token(as_admin=APPLE_ID))
    active = await slack.wait_for(lambda: alerts.messages[0], what="the outcome")
    assert active.says("HQ iPads")
    result = await slack.wait_for(lambda: alerts.messages[1], what="the sync's result")
    assert result.says("25 added")
