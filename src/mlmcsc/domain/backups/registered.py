"""What a place tells, signed, of one backup: enough to know it again in the register."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mlmcsc.domain.backups.manifest import Manifest
from mlmcsc.domain.backups.proof import Proof


@dataclass(frozen=True, slots=True)
class SignedSet:
    """A set whose manifest this database signed.

    Attributes:
        name: What it is called.
        manifest: What it promises.
        sha256: SHA-256 (hex) of its manifest file.
        proof: What the newest drill said of this manifest, signed too; None: there is no proof.
        version_sizes: Reads the signed list of files: bytes of the originals of versions' files,
            by name; raises `IntegrityError` where the list is damaged.
    """

    name: str
    manifest: Manifest
    sha256: str
    proof: Proof | None
    version_sizes: Callable[[], Mapping[str, int]]


def moment(text: str) -> datetime:
    """A time in a manifest or a proof, UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def path_of(place: str, name: str) -> str:
    """The set itself, to be shown."""
    return f"{place.rstrip('/')}/{name}" if "://" in place else str(Path(place) / name)
