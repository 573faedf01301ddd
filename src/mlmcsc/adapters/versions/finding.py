"""One image's row in a version, by the statistics of row groups: the rest is not read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlmcsc.adapters.versions.folder import REPAIR, VersionFolder
from mlmcsc.adapters.versions.schema import row_schema
from mlmcsc.domain.versions.layers import Layer
from mlmcsc.domain.versions.rows import State
from mlmcsc.errors import IntegrityError


def find_row(
    folder: VersionFolder, layers: Sequence[Layer], image_id: int, columns: Sequence[str]
) -> dict[str, Any] | None:
    """The values of an image in a version; None where the version does not have it.

    Args:
        folder: Where the layers lie.
        layers: Base first; the last one that has the image holds.
        image_id: The image.
        columns: Wanted besides `state`.

    Raises:
        IntegrityError: A file is missing or cannot be read.
    """
    for layer in reversed(layers):
        row = _in_file(folder.place(layer.sha256), image_id, columns)
        if row is not None:
            return None if row["state"] == State.GONE else row
    return None


def _in_file(path: Path, image_id: int, columns: Sequence[str]) -> dict[str, Any] | None:
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions
    import pyarrow.compute as pc  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(row_schema()):
                raise IntegrityError(f"{path} is not a file of a version's rows. {REPAIR}")
            for group in range(file.num_row_groups):
                known = file.metadata.row_group(group).column(0).statistics  # of `image_id`
                if known is not None and not known.min <= image_id <= known.max:
                    continue
                rows = file.read_row_group(group, columns=["image_id", "state", *columns])
                found = rows.filter(pc.field("image_id") == image_id).to_pylist()
                if found:
                    return dict(found[0])
    except (pa.ArrowException, OSError, ValueError) as error:
        raise IntegrityError(
            f"{path} cannot be read as Parquet ({type(error).__name__}). {REPAIR}"
        ) from None
    return None
