"""Tags of specimens and images."""

from __future__ import annotations

from collections.abc import Mapping

from mlmcsc.domain.privacy import named
from mlmcsc.domain.privacy.tags import Columns, columns

IMAGES: Mapping[str, Columns] = {
    "specimens": columns(
        (
            named.SPECIMEN_FACT,
            "id specimen_id temperature_c kv_joule le_mm created_at updated_at",
        ),
        (named.REMARK, "material heat orientation"),
        (named.SPECIMEN_FACT, "sfa_percent sfa_method"),
        (named.REMARK, "sfa_details"),
        (named.DESCRIPTION, "notes"),
    ),
    "images": columns(
        (
            named.IMAGE_FACT,
            "id timestamp created_at updated_at width height channels file_size format",
        ),
        (
            named.IMAGE_FACT,
            "magnification specimen_id is_valid quality_score content_hash hash_algorithm",
        ),
        (
            named.IMAGE_FACT,
            "file_mtime_ns bit_depth pages pixel_size_um accelerating_voltage_kv storage",
        ),
        (named.IMAGE_FACT_IN_WORDS, "instrument detector"),
        (named.IMAGE_PATH, "path filename"),
        (named.IMAGE_REMARK, "acquisition_settings"),
    ),
    "image_aliases": columns(
        (named.IMAGE_FACT, "id image_id file_size file_mtime_ns created_at"),
        (named.IMAGE_PATH, "path"),
    ),
    "image_fingerprints": columns((named.IMAGE_FACT, "image_id coarse fine key0 key1 key2 key3")),
    "near_duplicates": columns((named.IMAGE_FACT, "image_id older_image_id distance")),
    "image_quality": columns(
        (named.IMAGE_FACT, "id image_id formula measured_at content_hash tenengrad"),
        (named.IMAGE_FACT, "laplacian_variance rms_contrast clipped_low clipped_high noise"),
        (named.IMAGE_FACT, "illumination_gradient saturation score threshold flagged"),
        (named.IMAGE_PATH, "problem"),
    ),
    "quality_aggregates": columns((named.NOT_PERSONAL, "chunk sums computed_at")),
    "quality_marks": columns((named.NOT_PERSONAL, "id chunk")),
}
"""Specimens, images, and what makes two images the same."""
