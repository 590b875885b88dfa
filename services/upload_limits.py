"""How often a person's files may have our private key used on them.

Whoever could have file after file tried might learn from the answers what only the key tells. A
person is let in again an hour later. Files that could be opened, and those that were refused
before the key was used, are not counted: somebody may renew thirty tokens on one Friday.
"""

import math
from datetime import timedelta

from services.errors import Refused
from services.wrong_file import WrongFileReason
from storage.database import Transaction
from storage.records import Upload

FILES = 10
WITHIN = timedelta(hours=1)
TOO_MANY = "too_many"


class TooManyFiles(Refused):
    """Too many of the person's files could not be opened; this one was not looked at."""


async def check_pace(tx: Transaction, upload: Upload) -> None:
    """Raise TooManyFiles if the key was used in vain on too many of the person's files before.

    Each upload is held against those before it, so that any number of processes agree, and that
    a file that is tried again is treated as it was the first time.
    """
    counted = await tx.uploads.unopened_before(upload, WITHIN, reason=WrongFileReason.DAMAGED)
    if len(counted) < FILES:
        return
    until = counted[-FILES] + WITHIN
    minutes = max(1, math.ceil((until - upload.submitted_at) / timedelta(minutes=1)))
    wait = "1 minute" if minutes == 1 else f"{minutes} minutes"
    raise TooManyFiles(
        f"{upload.uploader} brought {len(counted)} files within an hour that cannot be opened",
        user_message=f"{FILES} files that you brought within an hour could not be opened, so this "
        f"one was not tried. Nothing was changed. Upload it again in {wait}, and make sure that it "
        "is the newest .p7m of the right server.",
    )
