"""What runs that died, or were overtaken, left in the folder of versions."""

from __future__ import annotations

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.adapters.versions.replaced import newest
from mlmcsc.domain.versions.layers import read_layers
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.uow import Store


def tidy(db: Store, folder: VersionFolder) -> None:
    """Remove what they brought and no version names; call under the folder's lock.

    Other files that this database does not know stay: they may be of its newer self, where an older
    backup of it was put back.
    """
    with db.read() as view:
        frozen = [each for each in version_queries.every(view) if each.frozen]
    named = {layer for each in frozen for layer in read_layers(each.layers)}
    present = folder.present()
    # A restored database names layers that were redacted since: `privacy replay` needs the new.
    there = (newest(folder.root, layer, present.__contains__) for layer in named)
    layers = {layer.sha256 for layer in there if layer is not None}
    manifests = {folder.manifest_path(each.id, str(each.root)).name for each in frozen}
    folder.tidy()
    folder.remove_unfinished(layers, manifests)
