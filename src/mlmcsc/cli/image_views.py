"""How images and ingests look on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mlmcsc.cli.annotation_views import LABELS, PREDICTIONS
from mlmcsc.cli.output import Column, attribute, cell, counted, facts, note, say, size, table

if TYPE_CHECKING:
    from mlmcsc.domain.records import ImageRecord, LabelRecord, PredictionRecord
    from mlmcsc.domain.results import IngestReport, StoredImage

MOST_SHOWN = 20


def _pixels(image: ImageRecord) -> str | None:
    if image.width is None:
        return None
    return f"{image.width} x {image.height}"


COLUMNS = (
    attribute("id", right=True),
    attribute("filename", "file"),
    attribute("specimen_id", "specimen"),
    Column("pixels", _pixels, right=True),
    attribute("pixel_size_um", "µm/px", right=True, minor=True),
    attribute("magnification", "magn.", right=True, minor=True),
    attribute("quality_score", "quality", right=True, minor=True),
    attribute("timestamp", "taken (UTC)", whole=True),
    attribute("bit_depth", "bits", right=True, minor=True),
    attribute("format", whole=True, minor=True),
)


def _remark(stored: StoredImage) -> str:
    remarks = list(stored.conflicts)
    if stored.duplicate_of is not None:
        remarks.insert(0, f"same content as {stored.duplicate_of}")
    elif not stored.created:
        remarks.insert(0, "was stored already")
    if stored.near_duplicate_of is not None:
        remarks.append(f"looks like image {stored.near_duplicate_of}")
    return "; ".join(remarks) or "stored"


STORED = (attribute("id", right=True), attribute("path", "file"), Column("result", _remark))


def show_ingest(report: IngestReport, *, told_elsewhere: bool) -> None:
    """The summary, then what deserves a look."""
    rate = report.bytes_read / report.seconds if report.seconds else 0
    facts(
        {
            "stored": counted(report.stored, "new image"),
            "unchanged": counted(report.unchanged, "file") + " stored before",
            "duplicates": counted(len(report.duplicates), "file")
            + " with content that is stored already",
            "errors": counted(len(report.errors), "file") + " not stored",
            "ignored": counted(report.ignored, "file") + " not images by name",
            "read": f"{size(report.bytes_read)} in {report.seconds:.1f} s ({size(rate)}/s)",
        }
    )
    _some("Duplicates", STORED, report.duplicates)
    _some("Look alike (kept together in training splits)", STORED, report.near_duplicates)
    where = attribute("where", "file")
    _some(
        "Typed-in values that the file contradicts", (where, attribute("reason")), report.conflicts
    )
    if told_elsewhere:
        return
    _some("Not stored", (where, attribute("reason")), report.errors)
    if len(report.errors) > MOST_SHOWN:
        note("add --errors-to FILE.csv to get them all")


def _some(title: str, columns: Iterable[Column], records: tuple[Any, ...]) -> None:
    if records:
        table(columns, records[:MOST_SHOWN], title)
    if len(records) > MOST_SHOWN:
        say(f"… and {len(records) - MOST_SHOWN:,} more")


def show_image(
    image: ImageRecord,
    labels: Iterable[LabelRecord],
    predictions: Iterable[PredictionRecord],
    near: Iterable[tuple[int, int]],
) -> None:
    """Everything that is known of one image."""
    settings = dict(image.acquisition_settings or {})
    sources = settings.pop("metadata_sources", {})
    conflicts = settings.pop("metadata_conflicts", {})
    facts(_image_facts(image, sources), f"Image {image.id}")
    if settings:
        facts(settings, "\nAcquisition settings")
    for name, conflict in conflicts.items():
        note(
            f"{name}: {cell(conflict['given'])} was typed in, but {conflict['source']} says "
            f"{cell(conflict['file'])}"
        )
    _some("Labels", LABELS, tuple(labels))
    _some("Predictions", PREDICTIONS, tuple(predictions))
    _some(
        "Look alike",
        (
            Column("image", lambda n: n[0], right=True),
            Column("differing bits of 256", lambda n: n[1], right=True),
        ),
        tuple(near),
    )


def _image_facts(image: ImageRecord, sources: dict[str, str]) -> dict[str, Any]:
    def sourced(name: str, unit: str = "") -> str | None:
        value = getattr(image, name)
        if value is None:
            return None
        source = f"  (from {sources[name]})" if name in sources else ""
        return f"{cell(value)}{unit}{source}"

    channels = None if image.channels is None else counted(image.channels, "channel")
    depth = None if image.bit_depth is None else f"{image.bit_depth} bit"
    pages = counted(image.pages, "page") if image.pages and image.pages > 1 else None
    return {
        "file": image.path,
        "specimen": image.specimen_id,
        "picture": ", ".join(filter(None, [_pixels(image), channels, depth, pages])),
        "format": image.format,
        "size": size(image.file_size),
        "pixel size": sourced("pixel_size_um", " µm"),
        "magnification": sourced("magnification", "x"),
        "detector": sourced("detector"),
        "voltage": sourced("accelerating_voltage_kv", " kV"),
        "instrument": sourced("instrument"),
        "taken": image.timestamp,
        "stored": f"{cell(image.created_at)} UTC, {image.storage.replace('_', ' ')}",
        "changed": image.updated_at,
        "quality": image.quality_score,
        "usable": image.is_valid,
        image.hash_algorithm or "hash": image.content_hash,
    }
