"""Files that no version names: what runs that died, or lost, left behind."""

from __future__ import annotations

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.adapters.versions.replaced import newest
from mlmcsc.domain.versions.layers import read_layers
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.uow import Store


def tidy(db: Store, folder: VersionFolder) -> None:
    """Remove them; call under the folder's lock, else a running creation would lose its files."""
    with db.read() as view:
        versions = version_queries.every(view)
    named = {x for each in versions if each.frozen for x in read_layers(each.layers)}
    folder.tidy()
    present = folder.present()
    # A restored database names layers that were redacted since: `privacy replay` needs the new.
    there = (newest(folder.root, layer, present.__contains__) for layer in named)
    if left := present - {layer.sha256 for layer in there if layer is not None}:
        folder.remove(left)
    for version_id in folder.manifests() - {each.id for each in versions}:
        folder.remove_manifest(version_id)
