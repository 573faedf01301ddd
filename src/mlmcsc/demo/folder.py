"""The demo's output folder: drawn once, read back, and never written over by another campaign."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from mlmcsc.demo.campaign import TRUTH_FILE, write_campaign
from mlmcsc.errors import ConflictError, ValidationError

PLAN_FILE = "demo.json"
IMAGE_FOLDER = "images"

FEWEST_SPECIMENS = 8
"""Fewer leave the first training split without the three specimens that a fit needs."""


@dataclass(frozen=True)
class Plan:
    """What decides how a campaign looks."""

    seed: int
    specimens: int
    images_per_specimen: int

    @property
    def mark(self) -> str:
        """The note by which a database's specimens are known as this campaign's."""
        return (
            f"drawn by mlmcsc demo: seed {self.seed}, {self.specimens} specimens, "
            f"{self.images_per_specimen} images each"
        )


@dataclass(frozen=True)
class Drawn:
    """A line of `truth.csv`: a file, the bar it shows and the truth that no database is told.

    Attributes:
        path: the image file, absolute.
        specimen_id: such as `SPEC_A03`.
        heat: name of the heat.
        material: grade.
        orientation: `L-T` or `T-L`.
        temperature_c: test temperature, in degrees Celsius.
        kv_j: absorbed energy, in joules.
        lateral_expansion_mm: in millimetres.
        true_sfa: shear fraction in [0, 1], counted from the pixels.
    """

    path: Path
    specimen_id: str
    heat: str
    material: str
    orientation: str
    temperature_c: float
    kv_j: float
    lateral_expansion_mm: float
    true_sfa: float


def campaign_in(output: Path, plan: Plan) -> list[Drawn]:
    """Draw the campaign into `output`, unless it is there already, and read its truth.

    Raises:
        ValidationError: the plan has too few specimens or images.
        ConflictError: the folder holds another campaign, or images that the demo did not draw.
        OSError: the folder cannot be written.
    """
    if plan.specimens < FEWEST_SPECIMENS:
        raise ValidationError(f"specimens is {plan.specimens}; give at least {FEWEST_SPECIMENS}")
    if plan.images_per_specimen < 1:
        raise ValidationError(f"images_per_specimen is {plan.images_per_specimen}; give at least 1")
    folder = output / IMAGE_FOLDER
    _claim(output, plan)
    # `truth.csv` is written last: where it lies, the drawing was finished.
    if not (folder / TRUTH_FILE).exists():
        write_campaign(folder, plan.seed, plan.specimens, plan.images_per_specimen)
    with (folder / TRUTH_FILE).open(newline="", encoding="utf-8") as file:
        return [_drawn(folder, row) for row in csv.DictReader(file)]


def _claim(output: Path, plan: Plan) -> None:
    """Write down whose folder this is, or refuse another's."""
    told, folder = output / PLAN_FILE, output / IMAGE_FOLDER
    if told.exists():
        found = json.loads(told.read_text(encoding="utf-8"))
        if found != asdict(plan):
            raise ConflictError(
                f"{output} holds a demo of {found}, not of {asdict(plan)}. Choose another folder "
                "with --output, or delete this one to start afresh."
            )
    elif folder.is_dir() and any(folder.iterdir()):
        raise ConflictError(
            f"{folder} holds files that the demo did not draw. Choose another folder with --output."
        )
    else:
        output.mkdir(parents=True, exist_ok=True)
        told.write_text(json.dumps(asdict(plan)), encoding="utf-8")


def _drawn(folder: Path, row: dict[str, str]) -> Drawn:
    return Drawn(
        path=(folder / row["filename"]).absolute(),
        specimen_id=row["specimen_id"],
        heat=row["heat"],
        material=row["material"],
        orientation=row["orientation"],
        temperature_c=float(row["temperature_c"]),
        kv_j=float(row["kv_j"]),
        lateral_expansion_mm=float(row["lateral_expansion_mm"]),
        true_sfa=float(row["true_sfa"]),
    )
