"""What a version's rows, manifest and making say, against what the database says of it.

Each check takes a `Seen` version and yields what is wrong with it. To add a check, write such a
function and name it in `CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from mlmcsc.domain.progress import Progress
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.versions.checks import VersionFinding
from mlmcsc.domain.versions.layers import Layer
from mlmcsc.domain.versions.manifest import FrozenFeatures, Manifest
from mlmcsc.services.version_checks.file_checks import NO_SENSE
from mlmcsc.services.version_checks.row_checks import RowFacts, what_of
from mlmcsc.store.queries import frozen_features
from mlmcsc.store.queries import version_checks as queries
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.uow import Store

FROZEN: Final = "features, feature_revisions, version_features"
CREATED: Final = ("version", "name", "description", "avg_quality_score")
"""Columns that nothing but the event of its making vouches for; `created_by` is sealed there."""
MOST_TOLD: Final = 100
"""Images named in findings about one thing; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A version whose rows have been read.

    Attributes:
        db: The database.
        record: Its row.
        manifest: What was signed; None where that cannot be trusted.
        layers: Its files.
        facts: What its rows add up to.
        tell: Progress.
    """

    db: Store
    record: DataVersionRecord
    manifest: Manifest | None
    layers: tuple[Layer, ...]
    facts: RowFacts
    tell: Progress


Check = Callable[[Seen], Iterator[VersionFinding]]


def root(seen: Seen) -> Iterator[VersionFinding]:
    """The rows' Merkle root against the manifest, the column, and the event of the making."""
    found, held = seen.facts.tree.root().hex(), seen.record.root
    promised = seen.manifest.root if seen.manifest else held
    if found != promised:
        what = f"The rows have the Merkle root {found}; promised was {promised}."
        yield VersionFinding("root", what, "rows")
    if held != promised:
        yield _column("root", "is not the root of the manifest")
    with seen.db.read() as view:
        made = queries.creation(view, seen.record.id)
    if made is None:
        yield VersionFinding("trail", "No event tells of this version's making.", "audit_logs")
    elif made.root != promised:
        what = f"The version was made with the root {made.root}; the manifest says {promised}."
        yield VersionFinding("trail", what, "audit_logs")


def made_so(seen: Seen) -> Iterator[VersionFinding]:
    """What people wrote of the version, against the event of its making, if it still tells."""
    with seen.db.read() as view:
        made = queries.creation(view, seen.record.id)
    told = made.values if made is not None and isinstance(made.values, dict) else {}
    for name in CREATED:
        held = getattr(seen.record, name)
        if told.get(name, held) != held:
            yield _column(name, f"says {held!r}; it was made with {told[name]!r}")


def columns(seen: Seen) -> Iterator[VersionFinding]:
    """Counts, shares and time against rows and manifest."""
    record, manifest, facts = seen.record, seen.manifest, seen.facts
    n_rows = facts.tree.size
    wanted: dict[str, Any] = {"total_images": n_rows}
    if not facts.redacted:  # else the labels that decided some rows are not told any more
        wanted["total_labels"] = facts.labels
    if manifest:
        shares = ("train_split", "val_split", "test_split")
        wanted |= dict(zip(shares, manifest.ratios, strict=True))
        moment = record.created_at.isoformat()
        if moment != manifest.created_at:
            yield _column("created_at", f"says {moment}; the manifest says {manifest.created_at}")
        if manifest.n_rows != n_rows:
            what = f"{n_rows:,} rows are there; {manifest.n_rows:,} were promised."
            yield VersionFinding("row", what, "rows")
    for name, value in wanted.items():
        if getattr(record, name) != value:
            yield _column(name, f"says {getattr(record, name)}; it must be {value}")


def distribution(seen: Seen) -> Iterator[VersionFinding]:
    """The histogram of the labels that are left, over the label range."""
    if seen.manifest is None:  # so nobody knows the label range
        return
    facts = seen.facts
    bars = {name: counts.tolist() for name, counts in facts.bars.items()}
    if seen.record.label_distribution != {"edges": facts.edges.tolist(), **bars}:
        yield _column("label_distribution", "is not the distribution of the version's labels")


def redactions(seen: Seen) -> Iterator[VersionFinding]:
    """Redacted rows: as many as the record and the trail tell of."""
    with seen.db.read() as view:
        told = queries.redactions_told(view, seen.record.id)
    redacted, held = seen.facts.redacted, seen.record.n_redacted
    if not redacted == held == told:
        what = (
            f"{redacted:,} rows are redacted; data_versions.n_redacted says {held}, the audit "
            f"trail tells of {told:,}."
        )
        yield VersionFinding("redactions", what, "rows")


def kept(seen: Seen) -> Iterator[VersionFinding]:
    """Every image is in `frozen_images`, else retention may delete it."""
    with seen.db.read() as view:
        loose = queries.not_frozen(view, seen.facts.images).tolist()
    if loose:
        named = ", ".join(map(str, loose[:MOST_TOLD])) + (", …" if len(loose) > MOST_TOLD else "")
        what = f"Nothing keeps {len(loose):,} images from being deleted: {named}."
        yield VersionFinding("kept", what, "frozen_images")


def features(seen: Seen) -> Iterator[VersionFinding]:
    """The sets that the version lists, and their vectors, against the manifest."""
    with seen.db.read() as view:
        held = version_queries.features_of(view, seen.record.id)
    promised = {
        (each.feature_type, each.extractor_version): each
        for each in (seen.manifest.features if seen.manifest else ())
    }
    images = seen.facts.images
    for done, each in enumerate(held, start=1):
        name = f"{each.feature_type} {each.extractor_version}"
        listed = FrozenFeatures(**{at: getattr(each, at) for at in FrozenFeatures.__slots__})
        want = promised.pop((each.feature_type, each.extractor_version), None)
        if want is None and seen.manifest:
            what = f"The set {name} is listed; the manifest does not promise it."
            yield VersionFinding("features", what, "version_features")
            continue
        if want is not None and listed != want:
            yield VersionFinding("features", _differs(name, listed, want), "version_features")
        try:
            with seen.db.read() as view:
                found = frozen_features.digest(view, each, images)
        except NO_SENSE as error:
            what = f"Vectors of {name} cannot be read: {what_of(error)}"
            yield VersionFinding("features", what, FROZEN)
            continue
        sure = want or listed
        if found != (sure.n_vectors, sure.digest):
            what = f"The vectors of {name} are not those that were frozen ({found[0]:,} found)."
            yield VersionFinding("features", what, FROZEN)
        seen.tell("feature sets", done, len(held))
    for kind, by in promised:
        what = f"The set {kind} {by} was removed."
        yield VersionFinding("features", what, "version_features")


def _differs(name: str, listed: FrozenFeatures, want: FrozenFeatures) -> str:
    promised = asdict(want)
    wrong = [
        f"{at} {value} (promised: {promised[at]})"
        for at, value in asdict(listed).items()
        if value != promised[at]
    ]
    return f"The set {name} is listed with {', '.join(wrong)}."


def _column(name: str, what: str) -> VersionFinding:
    return VersionFinding("columns", what, f"data_versions.{name}")


def every_check(seen: Seen) -> Iterator[VersionFinding]:
    """What all checks find; one that meets a value of another kind says so and others go on."""
    for check in CHECKS:
        try:
            yield from check(seen)
        except NO_SENSE as error:
            what = f"{check.__name__} cannot be checked: {what_of(error)} in the database"
            yield VersionFinding("columns", what, "data_versions, audit_logs")


CHECKS: Final[tuple[Check, ...]] = (
    root,
    columns,
    made_so,
    distribution,
    redactions,
    kept,
    features,
)
