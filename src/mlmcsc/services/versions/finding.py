"""Finding a version by its own name, and telling all of it."""

from __future__ import annotations

from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.versions.layers import read_layers
from mlmcsc.domain.versions.reports import VersionDetails
from mlmcsc.errors import ValidationError
from mlmcsc.store.queries import version_writes
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.queries.rows import View


def by_name(view: View, version: str) -> DataVersionRecord:
    """The version of that name; a tag may move, so it is not taken for one.

    Raises:
        ValidationError: It is a tag.
        UnknownRecordError: There is none; the message lists what there is.
    """
    found = version_queries.find(view, version)
    if found.version != version:
        raise ValidationError(
            f"{version!r} is a tag of version {found.version!r}: name the version itself."
        )
    return found


def details(view: View, version: str) -> VersionDetails:
    """All that is known of a version, by name or tag.

    Raises:
        UnknownRecordError: There is none; the message lists what there is.
    """
    record = version_queries.find(view, version)
    others = [v for v in version_queries.every(view) if v.frozen and v.id != record.id]
    shared = {layer.sha256 for each in others for layer in read_layers(each.layers)}
    layers = read_layers(record.layers) if record.frozen else ()
    report = (record.manifest or {}).get("report", {})
    return VersionDetails(
        record=record,
        tags=tuple(version_queries.tags_of(view).get(record.id, ())),
        features=tuple(version_queries.features_of(view, record.id)),
        layers=layers,
        shared_bytes=sum(layer.n_bytes for layer in layers if layer.sha256 in shared),
        models=tuple(version_writes.trained_on(view, [record.version])),
        splits=report.get("splits", {}),
        report=report,
    )
