"""A test campaign: every specimen photographed several times, and the folder of files it leaves."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlmcsc.demo.files import write_picture
from mlmcsc.demo.specimens import Specimen, break_campaign
from mlmcsc.demo.surfaces import Surface, View, break_specimen, take_view
from mlmcsc.errors import ValidationError

FIRST_DAY = datetime(2026, 3, 2, 8, 30)  # noqa: DTZ001 (EXIF times are local, without a zone)
TRUTH_FILE = "truth.csv"


@dataclass(frozen=True)
class DrawnImage:
    """One photograph of the campaign.

    Attributes:
        filename: such as `SPEC_A03_-20C_view2.jpg`; the suffix tells the format.
        specimen: the bar it shows.
        number: 1 for the first view of the specimen.
        view: how it was taken.
        taken_at: local time of the exposure, without a zone, as EXIF has it.
        surface: pixels, masks, true shear fraction and pixel size; about 1 MB.
    """

    filename: str
    specimen: Specimen
    number: int
    view: View
    taken_at: datetime
    surface: Surface


def draw_campaign(
    seed: int, specimens: int = 12, images_per_specimen: int = 5
) -> Iterator[DrawnImage]:
    """Draw a campaign, image by image; the same arguments draw the same images.

    All images of a specimen show the same fracture under another lamp, focus, exposure and
    position. They are near-duplicates, which is why a training split must go by specimen.

    Raises:
        ValidationError: fewer than two specimens or less than one image per specimen.
    """
    if images_per_specimen < 1:
        raise ValidationError(f"images_per_specimen is {images_per_specimen}; give at least 1")
    bars = break_campaign(np.random.default_rng([seed, 0]), specimens)
    for index, bar in enumerate(bars):
        # Every specimen has its own stream, so more views of one leave the others as they were.
        rng = np.random.default_rng([seed, 1, index])
        fracture = break_specimen(
            rng, shear_fraction=bar.sfa, lateral_expansion_mm=bar.lateral_expansion_mm
        )
        for number in range(1, images_per_specimen + 1):
            view = _any_view(rng)
            yield DrawnImage(
                filename=_filename(bar, index, number),
                specimen=bar,
                number=number,
                view=view,
                taken_at=FIRST_DAY + timedelta(minutes=23 * index, seconds=41 * number),
                surface=take_view(rng, fracture, view),
            )


def write_campaign(
    folder: Path, seed: int, specimens: int = 12, images_per_specimen: int = 5
) -> list[DrawnImage]:
    """Draw a campaign into files, most JPEG, some PNG and 16-bit TIFF, and `truth.csv` beside them.

    Args:
        folder: made when missing; files of the same names are replaced.
        seed: of all randomness.
        specimens: number of bars, at least two.
        images_per_specimen: number of views of each, at least one.

    Returns:
        The images in the order of `truth.csv`.

    Raises:
        ValidationError: too few specimens or images.
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for image in draw_campaign(seed, specimens, images_per_specimen):
        write_picture(
            folder / image.filename,
            image.surface.pixels,
            taken_at=image.taken_at,
            pixel_size_um=image.surface.pixel_size_um,
        )
        drawn.append(image)
    _write_truth(folder / TRUTH_FILE, drawn)
    return drawn


def _any_view(rng: np.random.Generator) -> View:
    """Take a picture as people do: the lamp anywhere on one side, the focus nearly right."""
    shift: NDArray[np.int64] = rng.integers(-14, 15, 2)
    return View(
        azimuth_deg=float(rng.uniform(190, 350)),
        elevation_deg=float(rng.uniform(48, 70)),
        defocus_px=float(0.4 + min(rng.gamma(1.6, 0.45), 2.0)),
        exposure=float(rng.uniform(0.72, 1.28)),
        noise_sigma=float(rng.uniform(0.006, 0.03)),
        shift_px=(int(shift[0]), int(shift[1])),
    )


def _filename(bar: Specimen, index: int, number: int) -> str:
    suffix = {(0, 2): "png", (3, 2): "tif", (6, 1): "png"}.get((index % 8, number), "jpg")
    return f"{bar.specimen_id}_{bar.temperature_c:.0f}C_view{number}.{suffix}"


def _write_truth(path: Path, images: list[DrawnImage]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(
            [
                *("filename", "specimen_id", "heat", "material", "orientation", "temperature_c"),
                *("kv_j", "lateral_expansion_mm", "true_sfa", "pixel_size_um", "taken_at"),
            ]
        )
        for image in images:
            bar, surface = image.specimen, image.surface
            table.writerow(
                [
                    *(image.filename, bar.specimen_id, bar.heat, bar.material, bar.orientation),
                    *(bar.temperature_c, bar.kv_j, bar.lateral_expansion_mm),
                    *(f"{surface.true_sfa:.6f}", f"{surface.pixel_size_um:.4f}"),
                    image.taken_at.isoformat(),
                ]
            )
