"""Which data version a model means by the name that it was registered with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mlmcsc.domain.lineage import TrainingDataLink

UNSTATED = "no training data version was stated when it was registered"


@dataclass(frozen=True, slots=True)
class NamedVersion:
    """A version of today.

    Attributes:
        created_at: When it was frozen.
        root: Its Merkle root, hex; None where it was recorded without its images.
    """

    created_at: datetime
    root: str | None


@dataclass(frozen=True, slots=True)
class DeletedVersion:
    """A version that bore a name before, as the audit trail tells.

    Attributes:
        created_at: When it was frozen; None where the trail does not tell.
        deleted_at: When it was deleted.
        root: Its Merkle root, hex; None where it was recorded without its images.
    """

    created_at: datetime | None
    deleted_at: datetime
    root: str | None


@dataclass(frozen=True, slots=True)
class VersionNames:
    """What names mean and meant.

    Attributes:
        versions: Of today, by name.
        tags: Names of versions of today, by tag.
        deleted: By name, in the order of deletion.
    """

    versions: Mapping[str, NamedVersion]
    tags: Mapping[str, str]
    deleted: Mapping[str, Sequence[DeletedVersion]]


def training_data(
    stated: str | None, registered_at: datetime, names: VersionNames
) -> TrainingDataLink:
    """What the name of a data version meant when a model was registered with it.

    Names were used again after versions were deleted, so the version of today that bears the name
    counts only if it was there at that time, or has the same root as the one that was.

    Args:
        stated: `training_data_version` of the model.
        registered_at: When the model was registered.
        names: What names mean and meant.
    """
    if stated is None:
        return TrainingDataLink(None, None, note=UNSTATED)
    today = names.versions.get(stated)
    if today is not None and (today.root is None or today.created_at <= registered_at):
        return TrainingDataLink(stated, stated, root=today.root)
    then = _there(names.deleted.get(stated, ()), registered_at)
    if then is not None:
        return _deleted(stated, then, today)
    if today is not None:
        return TrainingDataLink(
            stated,
            None,
            note=f"registered {registered_at:%Y-%m-%d %H:%M:%S} UTC, before the version {stated!r} "
            f"of today was frozen ({today.created_at:%Y-%m-%d %H:%M:%S} UTC): what it was trained "
            "on is not known here",
        )
    version = names.tags.get(stated)
    if version is None:
        return TrainingDataLink(
            stated,
            None,
            note=f"{stated!r} is no version and no tag of this database: what it was trained on "
            "is not known here",
        )
    note = f"named by the tag {stated!r}, which points to {version} today"
    return TrainingDataLink(stated, version, stated, note, names.versions[version].root)


def _there(deleted: Sequence[DeletedVersion], at: datetime) -> DeletedVersion | None:
    """The one of these versions that was there at a time."""
    for each in deleted:
        if (each.created_at is None or each.created_at <= at) and at <= each.deleted_at:
            return each
    return None


def _deleted(stated: str, then: DeletedVersion, today: NamedVersion | None) -> TrainingDataLink:
    if today is not None and then.root == today.root:
        return TrainingDataLink(stated, stated, root=then.root)
    root = f" (root {then.root})" if then.root is not None else ""
    note = f"the version {stated!r} that it was trained on was deleted {then.deleted_at:%Y-%m-%d}"
    if today is not None:
        note = f"{note}{root}; the version of that name today is another (root {today.root})"
    else:
        note = f"{note}{root}"
    return TrainingDataLink(stated, None, note=note, root=then.root)
