"""One file to be measured, from its path to what came of it."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from mlmcsc.adapters.image_containers import read_container
from mlmcsc.adapters.image_containers.container import Container
from mlmcsc.adapters.image_containers.source import ByteSource, open_source
from mlmcsc.domain.image_quality.results import Measurement
from mlmcsc.errors import ImageFileError, ImageMissingError, ValidationError

LONGEST_REASON = 500
"""What the column `problem` holds."""


@dataclass(frozen=True, slots=True)
class MeasureOptions:
    """How files are read."""

    max_pixels: int = 500_000_000


@dataclass(frozen=True, slots=True)
class Task:
    """An image, and what the database knows of its file.

    Attributes:
        image_id: The image.
        path: Its file.
        content_hash: Of the content that is to be measured, if known.
        hash_algorithm: What made it.
        size: Bytes, as last seen.
        mtime_ns: Time of change, as last seen.
    """

    image_id: int
    path: str
    content_hash: str | None = None
    hash_algorithm: str | None = None
    size: int | None = None
    mtime_ns: int | None = None


def measure_one(task: Task, options: MeasureOptions) -> Measurement:
    """Measure one file; whatever is wrong with it, the next one can be measured."""
    try:
        return _measured(task, options)
    except ImageMissingError as error:
        return problem(task, str(error), missing=True)
    except (ImageFileError, OSError) as error:
        return problem(task, str(error))
    except ValidationError as error:
        return problem(task, f"{task.path}: {error}. Export the picture again.")
    except MemoryError:
        return problem(
            task,
            f"{task.path}: measuring it needs more memory than there is. Measure it on a larger "
            "machine, with fewer workers.",
        )
    except Exception as error:  # noqa: BLE001  # foreign decoders raise anything on hostile bytes
        reason = f"{type(error).__name__}: {error}"
        return problem(
            task,
            f"{task.path}: measuring failed with {reason}. Copy the file again from the "
            "instrument, or leave it out.",
        )


def problem(task: Task, reason: str, *, missing: bool = False) -> Measurement:
    """What came of a file that could not be measured."""
    told = reason.encode(errors="backslashreplace").decode()  # not every file name is Unicode
    if len(told) > LONGEST_REASON:
        told = told[: LONGEST_REASON - 1] + "…"
    return Measurement(task.image_id, task.content_hash, problem=told, missing=missing)


def _measured(task: Task, options: MeasureOptions) -> Measurement:
    from mlmcsc.adapters.image_quality.grey import grey  # noqa: PLC0415 - imports OpenCV
    from mlmcsc.adapters.image_quality.measuring import measure  # noqa: PLC0415

    with open_source(task.path) as (source, status):
        _refuse_other_content(task, source, status)
        container = read_container(source, options.max_pixels)
        fast = _by_opencv(source, container)
        if fast is None:
            from mlmcsc.adapters.images.pixels import look  # noqa: PLC0415 - for some files only

            picture = grey(look(source, container))
        else:
            picture = grey(fast, blue_first=True)
        return Measurement(task.image_id, task.content_hash, measure(picture))


def _refuse_other_content(task: Task, source: ByteSource, status: os.stat_result) -> None:
    """Hash a file that does not look as it did: another picture must not lend its score.

    Raises:
        ImageFileError: The content is not that which the database speaks of.
    """
    if (status.st_size, status.st_mtime_ns) == (task.size, task.mtime_ns):
        return  # reading again costs as much as decoding
    if task.content_hash is None or task.hash_algorithm != "sha256":
        return
    if source.sha256() != task.content_hash:
        raise source.fault(
            "the file holds another picture than the database says",
            "Put the old file back, or run: mlmcsc database validate --fix",
        )


def _by_opencv(source: ByteSource, container: Container) -> np.ndarray | None:
    """Decode a JPEG, PNG or BMP with OpenCV, fastest; None where that would not do.

    TIFF pages lie ready in the file, or need decoders that know more kinds.
    """
    if container.format == "tiff":
        return None
    import cv2  # noqa: PLC0415 - heavy

    data = np.frombuffer(source.view(0, source.size), np.uint8)
    decoded: np.ndarray | None = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    page = container.pages[0]
    if decoded is None or decoded.shape[:2] != (page.height, page.width):
        return None
    return decoded
