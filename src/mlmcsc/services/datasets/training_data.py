"""The splits of a version in the form in which live data are dealt out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlmcsc.domain.splits import Split
from mlmcsc.domain.training import Pairs, TrainingData, TrainingReport
from mlmcsc.domain.versions.manifest import Manifest
from mlmcsc.errors import ValidationError
from mlmcsc.services.datasets.dataset import Dataset

SHARES = ("train_split", "val_split", "test_split")


def refuse_contradictions(manifest: Manifest, asked: Mapping[str, Any]) -> None:
    """Refuse arguments that ask for other splits than the version's.

    Args:
        manifest: Of the version.
        asked: Arguments that differ from their defaults, by keyword.

    Raises:
        ValidationError: Naming all that contradict, and how the version was made.
    """
    made: dict[str, Any] = {
        **dict(zip(SHARES, manifest.ratios, strict=True)),
        **manifest.filters,
        "group_by": manifest.group_by,
        "stratify": manifest.stratify,
        "seed": manifest.seed,
        "label_policy": manifest.label_policy,
    }
    wrong = [
        f"{name}={value!r} (the version: {made.get(name)!r})"
        for name, value in asked.items()
        if made.get(name) != value
    ]
    if wrong:
        raise ValidationError(
            f"Version {manifest.version!r} was frozen otherwise: {', '.join(wrong)}. Leave these "
            "out to get the version as it is, or freeze another one."
        )


def of(dataset: Dataset) -> TrainingData:
    """The three splits with a report: what the version was made of, and what was left out since."""
    splits: dict[str, Pairs] = {}
    for split in Split:
        ids, labels = dataset.split(split.name.lower()).to_numpy()
        splits[split.name.lower()] = list(zip(ids.tolist(), labels.tolist(), strict=True))
    made, report = dataset.manifest.report, dataset.report
    since = {
        "redacted in the version": report.redacted,
        "labelled by restricted people": report.restricted,
    }
    left_out = {**made.get("left_out", {}), **{why: n for why, n in since.items() if n}}
    return TrainingData(
        splits,
        TrainingReport(
            labelled_images=int(made.get("labelled_images", dataset.manifest.n_rows)),
            used=report.samples,
            left_out=left_out,
            groups=dict(made.get("groups", {})),
            near_duplicate_links=int(made.get("near_duplicate_links", 0)),
            label_policy=dataset.manifest.label_policy,
            seed=dataset.manifest.seed,
            restricted_labels=report.restricted_labels,
        ),
    )
