"""Keys: names of files inside a place; none leads out of it."""

from __future__ import annotations

from typing import Final

from mlmcsc.errors import ValidationError

LONGEST: Final = 900
"""UTF-8 bytes: S3 allows 1,024, and a prefix goes before."""
LONGEST_SEGMENT: Final = 255
"""UTF-8 bytes a file system takes for one name."""
LAYOUT: Final = frozenset(
    {"database", "configuration", "files.jsonl", "files.jsonl.zst", "proof.json"}
)
"""First segments within a set, its manifest apart: what is left of one that was being removed."""


def checked_key(key: str) -> str:
    """The key, if it names a file inside the place and nothing else.

    Raises:
        ValidationError: It is absolute, has `..`, `.`, an empty segment, a backslash, a colon or
            a control character, or is too long.
    """
    if not is_key(key):
        raise ValidationError(
            f"key={key[:120]!a}: a file of a backup has a relative name of at most {LONGEST} bytes "
            "with '/', without '..', '\\', ':' or controls. Nothing was read or written; the list "
            "that names it is damaged or not ours. Use another backup."
        )
    return key


def is_key(key: str) -> bool:
    """Whether it names a file inside a place, as all names that backups give do."""
    segments = key.split("/")
    return not (
        any(segment in {"", ".", ".."} for segment in segments)
        or any(ord(character) < 32 or character in "\\:\x7f" for character in key)  # noqa: PLR2004
        or any(len(segment.encode("utf-8", "replace")) > LONGEST_SEGMENT for segment in segments)
        or len(key.encode("utf-8", "replace")) > LONGEST
        or not _is_text(key)
    )


def checked_prefix(prefix: str) -> str:
    """The prefix `""` or `a/b/`, if it stays inside the place.

    Raises:
        ValidationError: It does not, or does not end with `/`.
    """
    if prefix:
        checked_key(prefix.removesuffix("/") if prefix.endswith("/") else f"{prefix}//")
    return prefix


def _is_text(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:  # half a surrogate pair: no file system and no bucket takes it
        return False
    return True
