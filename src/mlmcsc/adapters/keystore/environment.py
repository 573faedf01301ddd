"""Master keys in environment variables, which this process can read but not change."""

from __future__ import annotations

import base64
import re

from mlmcsc.adapters.keystore.ring import master_key
from mlmcsc.domain.sealing import KEY_BYTES, MasterKey
from mlmcsc.errors import MissingKeyError

_BASE64 = re.compile(r"[A-Za-z0-9+/]{43}=?|[A-Za-z0-9_-]{43}=?")
"""32 bytes in the standard or the url-safe alphabet (RFC 4648 §4, §5), padded or not."""

_GENERATE = "`openssl rand -base64 32` makes one"


def decode_key(text: str) -> bytes | None:
    """The 32 bytes of a key in base64; None for any other text."""
    if not _BASE64.fullmatch(text):
        return None
    standard = text.translate(str.maketrans("-_", "+/")).rstrip("=") + "="
    key = base64.b64decode(standard)
    # Two bits are left over; a text in which they are set was mistyped.
    return key if base64.b64encode(key).decode() == standard else None


class EnvironmentKeyStore:
    """The current key in one variable, and older ones, so that keys can be rotated, in another.

    Texts are checked at each use: a database can be opened, and what is clear in it read, under a
    wrong key. No message tells a value.

    Args:
        value: Base64, standard or url-safe, of exactly 32 bytes.
        variable: The variable's name, for messages.
        retired: Older keys, comma-separated, of `variable` with `_RETIRED` after it.
    """

    writable = False

    def __init__(self, value: str, variable: str = "MLMCSC_KEY", retired: str = "") -> None:
        self.place = variable
        self._value = value
        self._retired = retired

    def current(self) -> MasterKey:
        """The key in the variable.

        Raises:
            MissingKeyError: It is not base64 of 32 bytes.
        """
        return _parse(self._value, self.place)

    def get(self, key_id: str) -> MasterKey:
        """The key of this id, current or retired.

        Raises:
            MissingKeyError: Neither variable holds it, or one holds something else than keys.
        """
        keys = {key.key_id: key for key in (self.current(), *self._older())}
        if key_id not in keys:
            raise MissingKeyError(
                f"Neither {self.place} nor {self.place}_RETIRED holds the key {key_id}, only "
                f"{', '.join(keys)}. Set {self.place} to the key of this database, or unset it to "
                "use the key file."
            )
        return keys[key_id]

    def create(self) -> MasterKey:
        """Refused: a process cannot set its own variables for the next one.

        Raises:
            MissingKeyError: Always; tells a wrong value, else how to rotate.
        """
        self.current()
        raise MissingKeyError(
            f"A new key cannot be put into the variable {self.place} from here. Set {self.place} "
            f"to the new key ({_GENERATE}) and {self.place}_RETIRED to the old, then run "
            "`mlmcsc privacy rotate-key`."
        )

    def promote(self, key_id: str) -> None:
        """Nothing for the key that is current already; any other is refused.

        Raises:
            MissingKeyError: Another key stands in the variable.
        """
        if self.current().key_id != key_id:
            raise MissingKeyError(
                f"The key {key_id} is not the one in {self.place}. Set {self.place} to it and "
                f"{self.place}_RETIRED to the old key."
            )

    def pending(self) -> tuple[str, ...]:
        """None: a key in the variable is current at once."""
        return ()

    def retired(self) -> tuple[str, ...]:
        """Ids of the keys in the second variable."""
        current = self.current()
        return tuple(key.key_id for key in self._older() if key != current)

    def destroy(self, key_id: str) -> None:
        """Refused: only who sets the variables can remove one.

        Raises:
            MissingKeyError: Always; tells what to remove.
        """
        raise MissingKeyError(
            f"The key {key_id} cannot be removed from {self.place}_RETIRED from here. Remove it "
            "where the variable is set, and wherever else it was written down."
        )

    def _older(self) -> list[MasterKey]:
        variable = f"{self.place}_RETIRED"
        parts = [part.strip() for part in self._retired.split(",")] if self._retired else []
        return [_parse(part, f"{variable} (key {n})") for n, part in enumerate(parts, 1)]


def _parse(text: str, variable: str) -> MasterKey:
    key = decode_key(text)
    if key is None:
        raise MissingKeyError(
            f"{variable} holds {len(text)} characters that are not a key: a key is base64 of "
            f"exactly {KEY_BYTES} bytes, 44 characters without spaces or line ends. Set it to the "
            f"key of this database ({_GENERATE} for a new one), or unset it to use the key file."
        )
    return master_key(key)
