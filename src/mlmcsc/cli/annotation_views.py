"""How labels and predictions look in a table."""

from __future__ import annotations

from mlmcsc.cli.output import Column, attribute

LABELS = (
    attribute("id", right=True),
    attribute("image_id", "image", right=True),
    attribute("technician_id", "technician", right=True),
    attribute("label", right=True),
    attribute("label_type", "type", whole=True),
    attribute("is_verified", "verified", whole=True),
    Column(
        "corrected",
        lambda label: f"{label.revision - 1} x" if label.revision > 1 else "no",
        whole=True,
        minor=True,
    ),
    attribute("timestamp", "made (UTC)", whole=True),
    attribute("notes"),
)

PREDICTIONS = (
    attribute("id", right=True),
    attribute("image_id", "image", right=True),
    attribute("model_version_id", "model", right=True),
    attribute("prediction", right=True),
    attribute("confidence", right=True),
    attribute("processing_time", "seconds", right=True, minor=True),
    attribute("timestamp", "made (UTC)", whole=True),
)

REVISIONS = (
    attribute("revision", right=True),
    attribute("label", right=True),
    attribute("label_type", "type", whole=True),
    attribute("is_verified", "verified", whole=True),
    attribute("replaced_at", "replaced (UTC)", whole=True),
    attribute("replaced_by", "by"),
    attribute("reason"),
    attribute("notes"),
)
