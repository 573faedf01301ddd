"""Finding a version by its own name, and telling all of it."""

from __future__ import annotations

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.versions.layers import Layer, read_layers
from mlmcsc.domain.versions.reports import VersionDetails, damage_of
from mlmcsc.errors import IntegrityError, UnsupportedError, ValidationError
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


def details(view: View, folder: VersionFolder, version: str) -> VersionDetails:
    """All that is known of a version, by name or tag.

    Raises:
        UnknownRecordError: There is none; the message lists what there is.
    """
    record = version_queries.find(view, version)
    others = [v for v in version_queries.every(view) if v.frozen and v.id != record.id]
    shared = {layer.sha256 for each in others for layer in _layers(each)}
    layers = _layers(record) if record.frozen else ()
    damage = damage_of(record)
    report = {} if damage or record.manifest is None else record.manifest["report"]
    return VersionDetails(
        record=record,
        tags=tuple(version_queries.tags_of(view).get(record.id, ())),
        features=tuple(version_queries.features_of(view, record.id)),
        layers=layers,
        shared_bytes=sum(layer.n_bytes for layer in layers if layer.sha256 in shared),
        manifest_path=_manifest_path(folder, record),
        models=tuple(version_writes.trained_on(view, [record.version])),
        splits=report.get("splits", {}),
        report=report,
        damage=damage,
    )


def _manifest_path(folder: VersionFolder, record: DataVersionRecord) -> str | None:
    """Where it lies now."""
    try:
        return str(folder.manifest_path(record.id, str(record.root))) if record.frozen else None
    except UnsupportedError:  # no folder here: the row can be shown all the same
        return None


def _layers(record: DataVersionRecord) -> tuple[Layer, ...]:
    """None where the row is damaged: what is wrong is told beside the rest."""
    try:
        return read_layers(record.layers)
    except IntegrityError:
        return ()
