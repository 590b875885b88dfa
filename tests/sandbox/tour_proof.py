"""What has to be true at the end of the tour: answered in time, accepted, and no secret kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.sandbox.deployment import BOT_TOKEN, SIGNING_SECRET, Deployment
from tests.sandbox.slack.delivery import ACK_SECONDS

PRIVATE_KEY = "PRIVATE KEY-----"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Something that is claimed, and what speaks against it."""

    words: str
    against: list[str]


def claims(deployed: Deployment, *, known_text: str, calm: int) -> Iterator[Claim]:
    """Look at everything that was recorded; `known_text` is known to stand in the database.

    So many of Apple's first calls were made before anything was made to go wrong there.
    """
    yield from common_claims(deployed, known_text=known_text)
    yield Claim(
        words="Apple's stand-in refused no call before something went wrong there",
        against=[
            f"{call.path}: {call.code}" for call in deployed.apple.requests[:calm] if call.code
        ],
    )
    yield Claim(
        words="the certificate and the steps came once, although the process was killed between",
        against=_repeated(deployed, known_text),
    )


def common_claims(deployed: Deployment, *, known_text: str) -> Iterator[Claim]:
    """What holds of every team's story."""
    yield _answered_in_time(deployed)
    yield Claim(
        words="Slack's stand-in had nothing against any message, form or call it was sent",
        against=list(deployed.slack.violations),
    )
    yield Claim(
        words="the process logged no error",
        against=[line for line in deployed.log().splitlines() if "level=error" in line],
    )
    files = _kept_files(deployed)
    names = ", ".join(path.name for path in files)
    against = _secrets_in(files, _secrets(deployed)) + _unread(files, known_text)
    yield Claim(words=f"no secret stands in {names}", against=against)
    said = repr([call.arguments for call in deployed.slack.requests])
    yield Claim(
        words="no secret was sent to Slack",
        against=[
            f"{what} was sent to Slack"
            for what, secret in _secrets(deployed).items()
            if secret in said
        ],
    )


def _answered_in_time(deployed: Deployment) -> Claim:
    acks = deployed.slack.acks
    slowest = max(ack.seconds for ack in acks)
    late = [f"{ack.kind}: {ack.seconds:.1f} s" for ack in acks if ack.seconds >= ACK_SECONDS]
    return Claim(
        words=f"every command, click and form was acknowledged within {ACK_SECONDS:.0f} seconds: "
        f"{len(acks)} of them, the slowest in {slowest * 1000:.0f} ms",
        against=late,
    )


def _repeated(deployed: Deployment, name: str) -> list[str]:
    messages = [one for one in deployed.cast.operator.dm.messages if one.says(name)]
    certificates = [file.name for message in messages for file in message.files]
    steps = [
        call
        for call in deployed.slack.calls("chat.postMessage")
        if "Save the `.pem`" in repr(call) and name in repr(call)
    ]
    counts = {"certificate": len(certificates), "list of steps": len(steps)}
    return [f"{what} came {count} times" for what, count in counts.items() if count != 1]


def _kept_files(deployed: Deployment) -> list[Path]:
    """The database with its journals, and the logs."""
    return sorted(deployed.database.parent.glob(f"{deployed.database.name}*")) + deployed.logs


def _secrets(deployed: Deployment) -> dict[str, str]:
    """What must be found nowhere; the fifth value of a server token, its expiry, is told to all."""
    secrets = {
        "the marker of a private key": PRIVATE_KEY,
        "Slack's bot token": BOT_TOKEN,
        "Slack's signing secret": SIGNING_SECRET,
        "the secret of the app registration": deployed.environment.get(
            "ENTRA_CLIENT_SECRET", "none that could be found"
        ),
        "the key-encryption key": deployed.environment["ENCRYPTION_KEYS"].partition(":")[2],
    }
    servers = [server for each in deployed.apple.organisations for server in each.servers]
    for token in (token for server in servers for token in server.tokens):
        values = token.credentials.fields()
        del values["access_token_expiry"]
        secrets |= {f"the token's {name}": value for name, value in values.items()}
    return secrets


def _secrets_in(files: list[Path], secrets: dict[str, str]) -> list[str]:
    contents = {path.name: path.read_bytes() for path in files}
    return [
        f"{what} stands in {name}"
        for name, content in contents.items()
        for what, secret in secrets.items()
        if secret.encode() in content
    ]


def _unread(files: list[Path], known_text: str) -> list[str]:
    """A search that cannot even find the token's name proves nothing."""
    if any(known_text.encode() in path.read_bytes() for path in files):
        return []
    return [f"not even {known_text} was found, so the wrong files were read"]
