"""Small files, read whole; hostile large ones are not."""

from __future__ import annotations

from collections.abc import Iterable

from mlmcsc.errors import IntegrityError


def joined(place: str, key: str, pieces: Iterable[bytes], largest: int) -> bytes:
    """All pieces.

    Raises:
        IntegrityError: There are more than `largest` bytes.
    """
    content = bytearray()
    for piece in pieces:
        content += piece
        if len(content) > largest:
            raise IntegrityError(
                f"{place}: {key} has more than the {largest} bytes that are expected: it is "
                "damaged or not ours. Nothing was changed. Use another backup."
            )
    return bytes(content)
