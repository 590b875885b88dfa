"""The body of an answer, read in bounded steps: neither its size nor its packing fills memory."""

import zlib

from services.apple.errors import AppleError, Trouble

ANSWER_BYTES = 32 * 1024 * 1024
STEP = 256 * 1024
GZIP = 16 + zlib.MAX_WBITS


class Plain:
    """A body as it is sent."""

    def __init__(self) -> None:
        self._body = bytearray()

    def take(self, chunk: bytes) -> None:
        """Add what came; raises AppleError when it is too much."""
        self._body += chunk
        if len(self._body) > ANSWER_BYTES:
            raise AppleError(Trouble.UNEXPECTED, "the answer is larger than 32 MiB")

    def whole(self) -> bytes:
        """All of it."""
        return bytes(self._body)


class Unpacked(Plain):
    """A body that was packed by gzip; a little of it may stand for very much."""

    def __init__(self) -> None:
        super().__init__()
        self._packing = zlib.decompressobj(GZIP)
        self._came = False

    def take(self, chunk: bytes) -> None:
        """Unpack what came, a step at a time; raises AppleError when it is too much, or broken."""
        self._came = self._came or bool(chunk)
        try:
            while chunk and not self._packing.eof:
                super().take(self._packing.decompress(chunk, STEP))
                chunk = self._packing.unconsumed_tail
        except zlib.error:
            raise AppleError(Trouble.UNEXPECTED, "the answer's packing is broken") from None

    def whole(self) -> bytes:
        """All of it; raises AppleError where the end is missing."""
        if self._came and not self._packing.eof:
            raise AppleError(Trouble.UNEXPECTED, "the answer's packing ends early")
        return super().whole()
