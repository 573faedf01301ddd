"""`mlmcsc predictions`: models' answers for images."""

from __future__ import annotations

from typing import Any

import click

from mlmcsc.cli.annotation_views import PREDICTIONS as COLUMNS
from mlmcsc.cli.command import Group
from mlmcsc.cli.models import find_model
from mlmcsc.cli.output import print_json, say
from mlmcsc.cli.paging import given, listing, show_listing
from mlmcsc.cli.session import Session
from mlmcsc.cli.words import Moment, field_options
from mlmcsc.domain.tables import PREDICTIONS

DETAILS = (
    "detection_bbox",
    "detection_confidence",
    "detection_class",
    "processing_time",
    "timestamp",
    "raw_output",
    "preprocessing_params",
)


@click.group("predictions", cls=Group)
def group() -> None:
    """Models' answers for images."""


@group.command("list", example="predictions list --image 17\npredictions list --max-confidence 0.5")
@click.option("--image", "image_id", type=int, help="For this image.")
@click.option("--model-number", "model_version_id", type=int, help="By the model with this id.")
@click.option("--min-confidence", type=float, help="Confidence at least.")
@click.option("--max-confidence", type=float, help="Confidence at most.")
@click.option("--below-confidence", type=float, help="Confidence less than.")
@click.option("--since", type=Moment(), help="Made at or after.")
@click.option("--until", type=Moment(), help="Made before.")
@listing
@click.pass_obj
def list_predictions(
    session: Session,
    /,
    *,
    image_id: int | None,
    limit: int | None,
    after_id: int,
    everything: bool,
    **filters: Any,
) -> None:
    """List predictions by id."""
    wanted = given(**filters)
    with session.open() as db:
        show_listing(
            session,
            lambda after, most: db.predictions.list(image_id, after_id=after, limit=most, **wanted),
            COLUMNS,
            limit=limit,
            after_id=after_id,
            everything=everything,
        )


@group.command(
    "add",
    example="predictions add 17 0.85 --confidence 0.92 --model 1.2.0",
)
@click.argument("image_id", type=int)
@click.argument("prediction", type=float)
@click.option("--confidence", type=float, required=True, help="The model's confidence, 0 to 1.")
@click.option("--model", "version", help="Version name of the model.")
@click.option("--model-number", type=int, help="Its id instead; 1 is `unversioned`.")
@field_options(PREDICTIONS, *DETAILS)
@click.pass_obj
def add(
    session: Session,
    *,
    image_id: int,
    prediction: float,
    confidence: float,
    version: str | None,
    model_number: int | None,
    details: dict[str, Any],
) -> None:
    """Store one PREDICTION for the image IMAGE_ID."""
    with session.open() as db:
        model = find_model(db, version, model_number)
        new_id = db.predictions.add(image_id, model, prediction, confidence, **details)
    if session.json:
        print_json({"id": new_id})
    else:
        say(f"prediction {new_id} stored")
