"""Creating a version: draft it from one snapshot, commit it briefly, start over if overtaken."""

from __future__ import annotations

from mlmcsc.adapters.versions import Proof
from mlmcsc.adapters.versions.comparing import Tally
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.selection import Selection
from mlmcsc.domain.versions.layers import Layer, read_layers
from mlmcsc.domain.versions.reports import CreatedVersion
from mlmcsc.errors import ConflictError, IntegrityError, OvertakenError, ValidationError
from mlmcsc.services.versions import holding
from mlmcsc.services.versions.committing import commit, same_promise, tag_all
from mlmcsc.services.versions.freezing import release_ahead
from mlmcsc.services.versions.gathering import Quality, gather
from mlmcsc.services.versions.holding import VectorsChangedError
from mlmcsc.services.versions.laying import ParentDamagedError, count_changes, write_layers
from mlmcsc.services.versions.tidying import tidy
from mlmcsc.services.versions.work import Draft, Work
from mlmcsc.store.key_settings import setting
from mlmcsc.store.queries import version_writes
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.queries.rows import View

ATTEMPTS = 5


def create(work: Work, *, dry_run: bool) -> CreatedVersion:
    """Make the version, or find the same one; see `Versions.create`."""
    if dry_run:
        drafted = _draft(work, write=False)
        _refuse_reused(work, drafted)
        return _told(work, drafted, None, created=False)
    with work.folder.locked():
        _clean(work)
        overtaken = ""
        for _ in range(ATTEMPTS):
            try:
                return _attempt(work)
            except OvertakenError as error:
                overtaken = str(error)
                _clean(work)
            except Exception:
                _clean(work)
                raise
    raise ConflictError(
        f"Version {work.choice.version!r} was not made: {ATTEMPTS} times it was overtaken. "
        f"{overtaken} Create it when that has ended."
    )


def _clean(work: Work) -> None:
    tidy(work.db, work.folder)
    release_ahead(work)


def _attempt(work: Work) -> CreatedVersion:
    with work.db.read() as view:
        existing = _existing(view, work)
    drafted = _draft(work, write=existing is None)
    if existing is not None:
        return _again(work, drafted, existing)
    _refuse_reused(work, drafted)
    return _told(work, drafted, _commit(work, drafted), created=True)


def _commit(work: Work, drafted: Draft) -> DataVersionRecord:
    """Commit the draft; where only vectors were written since, read these again."""
    for _ in range(ATTEMPTS - 1):
        try:
            return commit(work, drafted)
        except VectorsChangedError:
            with work.db.read() as view:
                drafted.held = _held(view, work, drafted.selection)
    return commit(work, drafted)


def _existing(view: View, work: Work) -> DataVersionRecord | None:
    """The version that has the name already.

    Raises:
        ConflictError: A tag has it, or a version that lists no images, or a tag that is asked for
            is the name of a version.
    """
    choice = work.choice
    version_id = version_writes.named(view, choice.version)
    if version_id is None and version_writes.tagged(view, choice.version) is not None:
        raise ConflictError(f"{choice.version!r} is a tag. Choose another name, or untag it.")
    for tag in choice.tags:
        if version_writes.named(view, tag) is not None:
            raise ConflictError(f"tag {tag!r} is the name of a version. Choose another tag.")
    found = None if version_id is None else version_queries.find(view, choice.version)
    if found is not None and not found.frozen:
        raise ConflictError(
            f"Version {choice.version!r} exists, recorded without its images. Choose another name."
        )
    return found


def _draft(work: Work, *, write: bool) -> Draft:
    """The version, sharing rows with the one before; a whole base where that is damaged."""
    try:
        return _drafted(work, write=write)
    except ParentDamagedError as error:
        return _drafted(work, write=write, new_base=str(error))


def _drafted(work: Work, *, write: bool, new_base: str | None = None) -> Draft:
    tally, quality = Tally(Proof() if write else None), Quality()
    with work.db.read() as view:
        existing = _existing(view, work)
        work.progress("choosing images", 0, 1)
        selection = work.select(view, work.choice.wanted)
        _refuse_empty(selection)
        held = _held(view, work, selection)
        parent = existing or (None if new_base else _newest(view))
        below = () if parent is None else _layers(parent)
        rows = gather(view, selection, quality, work.progress)
        layers: tuple[Layer, ...] | None = None
        if write:
            layers = write_layers(work.folder, rows, below, tally)
        else:
            count_changes(work.folder, rows, below, tally)
        database_id = str(setting(view, "database_id"))
        labels = (
            None
            if selection.votes is None
            else version_writes.labels_seen(view, selection.votes.label_ids)
        )
        people = version_writes.people_seen(view)
    root = "" if layers is None else _root(work, layers, tally, shared=parent is not None)
    return Draft(
        database_id,
        selection,
        parent,
        layers,
        root,
        tally,
        quality.mean,
        held,
        labels,
        people,
        new_base,
    )


def _layers(parent: DataVersionRecord) -> tuple[Layer, ...]:
    try:
        return read_layers(parent.layers)
    except IntegrityError as error:
        raise ParentDamagedError(str(error)) from None


def _held(view: View, work: Work, selection: Selection) -> list[holding.Held]:
    return holding.read(view, work.choice.features, selection.images, work.progress)


def _newest(view: View) -> DataVersionRecord | None:
    frozen = [each for each in version_queries.every(view) if each.frozen]
    return frozen[-1] if frozen else None


def _root(work: Work, layers: tuple[Layer, ...], tally: Tally, *, shared: bool) -> str:
    """The root of the rows, once the files have been seen to hold them."""
    proof = tally.proof or Proof()
    size = proof.tree.size
    work.progress("reading rows again", 0, size)
    if not proof.holds_of(work.folder.rows(layers, ("salt",))):
        told = f"The files of the version do not hold its {size} rows."
        raise ParentDamagedError(told) if shared else IntegrityError(f"{told} Create it again.")
    work.progress("reading rows again", size, size)
    return proof.tree.root().hex()


def _refuse_reused(work: Work, drafted: Draft) -> None:
    """Exports, models and the trail speak of versions by name, also of such as were deleted.

    Raises:
        ConflictError: A deleted version with other rows had this name.
    """
    tally, parent, root = drafted.tally, drafted.parent, drafted.root
    if not root and parent is not None and not (tally.new or tally.changed or tally.gone):
        root = str(parent.root)
    with work.db.read() as view:
        deleted = version_writes.deleted_roots(view, work.choice.version)
    if deleted - {root}:
        raise ConflictError(
            f"A version {work.choice.version!r} was deleted that held other rows, and exports, "
            "models or the audit trail may speak of it. Choose another name."
        )


def _refuse_empty(selection: Selection) -> None:
    """A version without rows is made where nobody labelled yet, not where a filter is wrong."""
    report = selection.report
    if len(selection.images) or not report.labelled_images:
        return
    why = "; ".join(f"{count} {reason}" for reason, count in report.left_out.items())
    raise ValidationError(
        f"The version would be empty: of {report.labelled_images} labelled images none is left "
        f"({why})."
    )


def _again(work: Work, drafted: Draft, existing: DataVersionRecord) -> CreatedVersion:
    """The version as it is, if the same was asked for.

    Raises:
        ConflictError: Another was.
    """
    tally, choice = drafted.tally, work.choice
    drafted.root = str(existing.root)
    differs = [
        f"{count} rows {kind}"
        for kind, count in (("new", tally.new), ("changed", tally.changed), ("gone", tally.gone))
        if count
    ]
    if not same_promise(existing.manifest, drafted.manifest(work, "")):
        differs.append("other settings or features")
    differs += [
        f"another {what}"
        for what in ("name", "description")
        if getattr(choice, what) not in {None, getattr(existing, what)}
    ]
    if differs:
        raise ConflictError(
            f"Version {choice.version!r} exists and never changes; now it would have "
            f"{', '.join(differs)}. Choose another name."
        )
    tag_all(work, existing.id)
    return _told(work, drafted, existing, created=False)


def _told(
    work: Work, drafted: Draft, record: DataVersionRecord | None, *, created: bool
) -> CreatedVersion:
    splits, tally, parent = drafted.selection.counts(), drafted.tally, drafted.parent
    below = () if parent is None else read_layers(parent.layers)
    return CreatedVersion(
        version=work.choice.version,
        record=record,
        created=created,
        parent=None if parent is None else parent.version,
        splits=splits,
        empty_splits=tuple(name for name, count in splits.items() if not count),
        labels=len(drafted.votes.label_ids),
        new=tally.new,
        changed=tally.changed,
        gone=tally.gone,
        same=tally.same,
        bytes_written=sum(x.n_bytes for x in drafted.layers or () if x not in below),
        features=tuple(each.told for each in drafted.held),
        report=drafted.selection.report,
        new_base=drafted.new_base,
    )
