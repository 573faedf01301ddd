"""The program: its name, its groups, its global options."""

from __future__ import annotations

import click

from mlmcsc import __version__
from mlmcsc.cli.command import LazyGroup
from mlmcsc.cli.later import later_group, summaries

HOMES = {
    "database": ("mlmcsc.cli.database", "Create, look at and check the database."),
    "images": ("mlmcsc.cli.images", "Bring images in, find and show them."),
    "specimens": ("mlmcsc.cli.specimens", "Charpy specimens: material, temperature, energy."),
    "technician": ("mlmcsc.cli.technician", "The people who label."),
    "models": ("mlmcsc.cli.models", "Model versions, and which one is active."),
    "predictions": ("mlmcsc.cli.predictions", "Models' answers for images."),
    "labels": ("mlmcsc.cli.labels", "Make, correct, verify and read labels."),
    "features": ("mlmcsc.cli.features", "Stored feature vectors."),
    "training": ("mlmcsc.cli.training", "Splits and feature matrices for training."),
    "quality": ("mlmcsc.cli.quality", "How good images, labels, people and models are."),
    "version": ("mlmcsc.cli.version", "Freeze datasets: create, compare, verify, check out."),
    "import": ("mlmcsc.cli.import_", "Read a CSV, Parquet or JSONL file, or a dataset."),
    "export": ("mlmcsc.cli.export", "Write a table to a CSV, Parquet or JSONL file."),
    "audit": ("mlmcsc.cli.audit", "Read, search, export and prove the audit trail."),
    "privacy": ("mlmcsc.cli.privacy", "People's rights: erase, restrict, hold."),
    "backup": ("mlmcsc.cli.backup", "Make, check, restore, prove and prune backups."),
    "archive": ("mlmcsc.cli.archive", "Old rows into signed files, and back."),
    "retention": ("mlmcsc.cli.retention", "Keep data as long as needed, and no longer."),
    "config": ("mlmcsc.cli.config", "Settings: make, check and show them."),
    "demo": ("mlmcsc.cli.demo", "The whole job on drawn fracture surfaces."),
}
"""Name to module and help, in the order in which one meets them."""


@click.command(
    "mlmcsc",
    cls=LazyGroup,
    homes=HOMES,
    later=summaries(),
    make_later=later_group,
    example="""
        database init
        images ingest photos/
        technician register tech_001 --name 'John Doe'
        labels add 1 0.87 --technician tech_001
        training split --output splits.csv
    """,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 something was found or not found, 2 wrong usage, 3 failure.",
)
@click.version_option(__version__, prog_name="mlmcsc")
def mlmcsc() -> None:
    """Data management for machine-learning microscopy.

    Images in, predictions and labels on them, features, training data out.
    """
