"""What a version promises, signed once and never changed.

The signature is Ed25519 over `mlmcsc-dataset-1`, a line feed, and the manifest's compact JSON with
sorted keys (UTF-8, no ASCII escaping), without the member `signature`. Where the rows lie is not
part of it: they may be packed anew, and a redacted row keeps its leaf, so the root stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson

from mlmcsc.domain.records import Record
from mlmcsc.errors import IntegrityError

FORMAT: Final = "mlmcsc-dataset-1"

Sign = Callable[[bytes], tuple[str, bytes, bytes]]
"""Takes a message; key id, public key and signature."""
Verify = Callable[[bytes, bytes, bytes], bool]
"""Takes public key, signature and message."""


@dataclass(frozen=True, slots=True)
class FrozenFeatures(Record):
    """A feature set as a version holds it.

    Attributes:
        feature_type: Kind of feature.
        extractor_version: By which extractor.
        feature_dimension: Numbers per vector.
        dtype: As stored.
        n_vectors: Images of the version that have one.
        digest: SHA-256 (hex) over, for each such image by ascending id: image id (int64,
            little-endian) and the SHA-256 of the stored vector.
    """

    feature_type: str
    extractor_version: str
    feature_dimension: int
    dtype: str
    n_vectors: int
    digest: str


@dataclass(frozen=True, slots=True)
class Manifest(Record):
    """A version's promise.

    Attributes:
        database_id: Where it was frozen.
        version: Its name.
        created_at: RFC 3339, UTC.
        root: Merkle root of the rows by image id (RFC 6962), hex.
        n_rows: Number of rows.
        label_policy: Which value stands for an image.
        group_by: What stays together in a split.
        stratify: Whether the label range was spread over the splits.
        seed: The seed of the splits.
        ratios: Shares of train, val and test.
        label_range: Lowest and highest label.
        filters: What narrowed the choice of images, by keyword.
        report: How many images were left out for which reason, and the like.
        features: The feature sets, by type and extractor.
        format: `FORMAT`.
    """

    database_id: str
    version: str
    created_at: str
    root: str
    n_rows: int
    label_policy: str
    group_by: str
    stratify: bool
    seed: int
    ratios: tuple[float, float, float]
    label_range: tuple[float, float]
    filters: Mapping[str, Any]
    report: Mapping[str, Any]
    features: tuple[FrozenFeatures, ...]
    format: str = FORMAT

    def message(self) -> bytes:
        """What is signed."""
        return f"{FORMAT}\n".encode() + orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS)

    def signed(self, sign: Sign) -> dict[str, Any]:
        """The manifest as plain values, with its signature."""
        key_id, public_key, signature = sign(self.message())
        told = {"key_id": key_id, "public_key": public_key.hex(), "signature": signature.hex()}
        plain: dict[str, Any] = orjson.loads(orjson.dumps(asdict(self)))
        return plain | {"signature": told}


def read_manifest(document: Any) -> tuple[Manifest, bytes, bytes]:
    """Manifest, public key and signature of what `Manifest.signed` gave.

    Raises:
        IntegrityError: It is not one.
    """
    try:
        values = dict(document)
        signature = values.pop("signature")
        features = tuple(FrozenFeatures(**each) for each in values.pop("features"))
        ratios, label_range = tuple(values.pop("ratios")), tuple(values.pop("label_range"))
        manifest = Manifest(**values, ratios=ratios, label_range=label_range, features=features)
        keys = bytes.fromhex(signature["public_key"]), bytes.fromhex(signature["signature"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise IntegrityError(
            f"This is not the manifest of a dataset version ({type(error).__name__}). Restore the "
            "database, or the version's file, from a backup."
        ) from None
    if manifest.format != FORMAT:
        raise IntegrityError(
            f"The manifest has the format {manifest.format!r}; this release reads {FORMAT}."
        )
    return manifest, *keys


def trusted(document: Any, public_key: bytes, verify: Verify) -> Manifest:
    """The manifest, if this database signed it.

    Raises:
        IntegrityError: It is no manifest, or does not bear the signature.
    """
    manifest, key, signature = read_manifest(document)
    if key != public_key or not verify(key, signature, manifest.message()):
        raise IntegrityError(
            f"The manifest of version {manifest.version!r} does not bear this database's "
            "signature: it was changed. Restore it from a backup."
        )
    return manifest
