"""How often a person's files may have our private key used on them.

Whoever could have file after file tried might learn from the answers what only the key tells. A
person is let in again an hour later; a right file is never counted.
"""

import math
from datetime import timedelta

from services.errors import Refused
from storage.database import Transaction
from storage.records import Upload

FILES = 10
WITHIN = timedelta(hours=1)
TOO_MANY = "too_many"


class TooManyFiles(Refused):
    """The person brought too many files that were not taken; this one was not looked at."""


async def check_pace(tx: Transaction, upload: Upload) -> None:
    """Raise TooManyFiles if the key was used for too many of the person's files before this one.

    Each upload is held against those before it, so that any number of processes agree, and that
    a file that is tried again is treated as it was the first time.
    """
    counted = await tx.uploads.untaken_before(upload, WITHIN, but=TOO_MANY)
    if len(counted) < FILES:
        return
    until = counted[-FILES] + WITHIN
    minutes = max(1, math.ceil((until - upload.submitted_at) / timedelta(minutes=1)))
    wait = "1 minute" if minutes == 1 else f"{minutes} minutes"
    raise TooManyFiles(
        f"{upload.uploader} brought {len(counted)} files within an hour",
        user_message=f"{FILES} files that you brought within an hour were not taken, so this one "
        f"was not opened. Nothing was changed. Upload it again in {wait}; make sure that it is the "
        "newest .p7m of the right server.",
    )
