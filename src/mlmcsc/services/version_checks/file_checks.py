"""The files of a version: the copy of its manifest, and those of its rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.adapters.versions.folder import manifest_bytes
from mlmcsc.domain.progress import Progress
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.versions.checks import Findings, VersionFinding
from mlmcsc.domain.versions.layers import Layer, read_layers
from mlmcsc.domain.versions.manifest import Manifest, trusted
from mlmcsc.errors import IntegrityError, MlmcscError
from mlmcsc.services.version_checks.row_checks import what_of
from mlmcsc.store.key_settings import setting
from mlmcsc.store.uow import Store

NO_SENSE = (TypeError, ValueError, OverflowError)
"""What values raise that somebody wrote past mlmcsc and that are not of their column's kind."""


def signed_manifest(db: Store, record: DataVersionRecord, findings: Findings) -> Manifest | None:
    """The manifest of the record, if this database signed it and for this version."""
    where = "data_versions.manifest"
    try:
        with db.read() as view:
            key, database_id = view.vault.public_key(view), setting(view, "database_id")
            manifest = trusted(record.manifest, key, view.vault.crypto.verify)
    except (IntegrityError, *NO_SENSE) as error:
        findings.take([VersionFinding("manifest", what_of(error), where)])
        return None
    if manifest.version != record.version:
        what = f"The manifest is that of version {manifest.version!r}: it was exchanged."
        findings.take([VersionFinding("manifest", what, where)])
    if manifest.database_id != database_id:
        what = "The manifest is that of another database."
        findings.take([VersionFinding("manifest", what, where)])
    return manifest


def manifest_file(
    folder: VersionFolder, record: DataVersionRecord, manifest: Manifest | None
) -> Iterator[VersionFinding]:
    """The copy beside the rows, against the database."""
    root = manifest.root if manifest else str(record.root)
    path = folder.manifest_path(record.id, root)
    try:
        raw = path.read_bytes()
    except OSError as error:
        yield VersionFinding("manifest", f"cannot be read: {error.strerror or error}", str(path))
        return
    found = _parsed(raw)
    if manifest_bytes(found) != raw:
        what = "The file is not as mlmcsc writes it: it was changed."
        yield VersionFinding("manifest", what, str(path))
    elif found != record.manifest:
        what = "The file and the column data_versions.manifest say different things."
        yield VersionFinding("manifest", what, str(path))


def _parsed(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except ValueError:
        return None


def row_files(
    folder: VersionFolder, record: DataVersionRecord, findings: Findings, tell: Progress
) -> tuple[tuple[Layer, ...], int]:
    """The files of rows, read again, and their bytes; no files where one is missing."""
    try:
        layers = read_layers(record.layers)
    except (IntegrityError, *NO_SENSE) as error:
        findings.take([VersionFinding("layer", what_of(error), "data_versions.layers")])
        return (), 0
    n_bytes, all_there = 0, True
    for done, layer in enumerate(layers, start=1):
        path = folder.place(layer.sha256)
        try:
            size = path.stat().st_size
            folder.check(layer)
        except OSError as error:
            found = f"cannot be read: {error.strerror or error}"
            findings.take([VersionFinding("layer", found, str(path))])
            all_there = False
            continue
        except MlmcscError:
            what = "was changed or cut short: its SHA-256 is not its name"
            findings.take([VersionFinding("layer", what, str(path))])
            size = layer.n_bytes
        n_bytes += size
        if size != layer.n_bytes:
            what = f"says {layer.n_bytes:,} bytes of {path.name}, which has {size:,}"
            findings.take([VersionFinding("columns", what, "data_versions.layers")])
        tell("files of rows", done, len(layers))
    return (layers if all_there else ()), n_bytes
