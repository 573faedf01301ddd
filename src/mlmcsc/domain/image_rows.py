"""An image's row: what its file says, and what the person who stored it says."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mlmcsc.domain.fields import RowSpec
from mlmcsc.domain.image_facts import ImageFacts
from mlmcsc.domain.tables import IMAGES
from mlmcsc.errors import ValidationError

TYPED = ("pixel_size_um", "magnification", "detector", "accelerating_voltage_kv")
"""Fields that both a file and a person may state."""

MAX_NAME = 255

AGREE = 0.01
"""Relative difference up to which two statements of a number agree: nominal values are rounded."""


def check_metadata(spec: RowSpec, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Check the keywords of `store_image`.

    Raises:
        ValidationError: A value is wrong, or settings are not an object.
    """
    spec.known(metadata)
    if "image_path" in metadata:
        raise ValidationError("image_path is what an image is known by; it is no metadata.")
    values = {name: spec.by_name[name].check(value) for name, value in metadata.items()}
    settings = values.get("acquisition_settings")
    if settings is not None and not isinstance(settings, dict):
        raise ValidationError(
            f"acquisition_settings={settings!r}: give an object such as {{'brightness': 0.5}}."
        )
    return {name: value for name, value in values.items() if value is not None}


def check_change(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Check the keywords of `update_image`; None clears a fact that an image can do without.

    Raises:
        ValidationError: A value is wrong, or a fact that every image has would be cleared.
    """
    check_metadata(IMAGES, metadata)
    for name in ("timestamp", "is_valid"):
        if name in metadata and metadata[name] is None:
            raise ValidationError(f"{name} cannot be removed from an image; give the right one.")
    return {name: IMAGES.by_name[name].check(value) for name, value in metadata.items()}


def check_path(path: str) -> None:
    """Refuse a path that the database cannot hold.

    Raises:
        ValidationError: It is too long, or not valid Unicode.
    """
    IMAGES.by_name["image_path"].check(path)
    name = os.path.basename(path)
    if len(name) > MAX_NAME:
        raise ValidationError(f"{path}: a file name has at most {MAX_NAME} characters. Rename it.")


def compare(
    stored: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a caller states of a stored image: the facts that are new, and those that differ.

    Settings are compared one by one: further ones are new, other values differ.
    """
    new: dict[str, Any] = {}
    differing: dict[str, Any] = {}
    for name, value in given.items():
        have = stored[name]
        if have is None:
            new[name] = value
        elif isinstance(value, dict):
            if any(have[k] != v for k, v in value.items() if k in have):
                differing[name] = value
            elif value.keys() - have.keys():
                new[name] = {**have, **value}
        elif have != value:
            differing[name] = value
    return new, differing


def image_row(
    facts: ImageFacts, given: Mapping[str, Any], now: datetime
) -> tuple[dict[str, Any], list[str]]:
    """The row to store, and each typed-in value that the file contradicts.

    The typed-in value is stored, because a person may know better; the contradiction is kept in
    `acquisition_settings["metadata_conflicts"]` and reported, never settled silently.
    """
    conflicts = {
        name: {
            "given": given[name],
            "file": getattr(facts, name),
            "source": facts.sources.get(name, "file"),
        }
        for name in TYPED
        if name in given and _differ(given[name], getattr(facts, name))
    }
    settings: dict[str, Any] = dict(facts.acquisition_settings)
    if facts.sources:
        settings["metadata_sources"] = dict(facts.sources)
    settings |= given.get("acquisition_settings", {})
    if conflicts:
        settings["metadata_conflicts"] = conflicts
    row = {
        "path": facts.path,
        "filename": facts.filename,
        "timestamp": given.get("timestamp") or facts.captured_at or now,
        "created_at": now,
        "width": facts.width,
        "height": facts.height,
        "channels": facts.channels,
        "file_size": facts.file_size,
        "format": facts.format,
        "specimen_id": given.get("specimen_id"),
        "acquisition_settings": settings or None,
        "is_valid": given.get("is_valid", True),
        "quality_score": given.get("quality_score"),
        "content_hash": facts.content_hash,
        "hash_algorithm": facts.hash_algorithm,
        "file_mtime_ns": facts.mtime_ns,
        "bit_depth": facts.bit_depth,
        "pages": facts.pages,
        "instrument": facts.instrument,
        "storage": "in_place",
    } | {name: given.get(name, getattr(facts, name)) for name in TYPED}
    told = [
        f"{name}: {c['given']} was given, but {c['source']} says {c['file']}"
        for name, c in conflicts.items()
    ]
    return row, told


def _differ(given: Any, found: Any) -> bool:
    if found is None:
        return False
    if isinstance(found, float):
        return not math.isclose(given, found, rel_tol=AGREE)
    return bool(given != found)
