"""Dataset versions: create, list, show, tag, delete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Unpack

from mlmcsc.domain.fields import Field, Kind
from mlmcsc.domain.filters import check_page
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.results import Page
from mlmcsc.domain.versions.choice import Choice, ChoiceKeywords, check_sought, check_tag
from mlmcsc.domain.versions.reports import CreatedVersion, DeletedVersion, VersionDetails
from mlmcsc.errors import ValidationError
from mlmcsc.services.versions import tagging
from mlmcsc.services.versions.creating import create
from mlmcsc.services.versions.deleting import delete
from mlmcsc.services.versions.finding import by_name, details
from mlmcsc.services.versions.places import VersionPlaces
from mlmcsc.services.versions.work import Select, Work
from mlmcsc.store.models import version_tags
from mlmcsc.store.queries import registers
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class Versions:
    """Freeze datasets and look after them, in one actor's name.

    Comparing versions, proving them, what happened since, and folders with the data of one:
    `db.version_checks` (`diff`, `verify`, `status`, `checkout`). Training from one: `db.datasets`.
    Copies for other programs: `db.dataset_exports`. Versions made by rule:
    `db.automatic_versions`. What was trained on them: `db.lineage`.
    """

    db: Store
    actor: Actor
    places: VersionPlaces
    select: Select
    label_range: tuple[float, float]

    @requires(Permission.TRAIN)
    def create(
        self,
        version: str,
        name: str | None = None,
        description: str | None = None,
        *,
        progress: Progress | None = None,
        dry_run: bool = False,
        **choice: Unpack[ChoiceKeywords],
    ) -> CreatedVersion:
        """Freeze the labelled images as they are now, under a name, for good.

        A version lists each image with its content hash, its value and the labels and people
        (by number, never by name) that it was made of, its split, box and annotation, and which
        feature vectors there were. It shares the rows that did not change with the version before,
        so it costs what changed. What is deleted, corrected or relabelled later changes nothing in
        it. Rows are read from one snapshot; technicians go on meanwhile.

        Creating the same version again finds it and changes nothing.

        Args:
            version: Its name: letters, digits, `.`, `_`, `-`; at most 50.
            name: What people call it; the version's name if left out.
            description: What it is for.
            progress: Told how far it has come.
            dry_run: Tell what it would hold; nothing is written.
            **choice: As for `Training.splits`: train_split, val_split, test_split, verified_only,
                min_confidence, feature_type, extractor_version, model_version_id, group_by,
                stratify, seed, label_policy. Of the images: specimen_ids (a list), material, heat,
                min_quality (0 to 1), since and until (when they were taken; aware). `features`:
                None holds every feature set there is, a list those of these types, or
                `(type, extractor)` pairs; an empty one none. `tags`: names that shall point to it.

        Returns:
            Its row, what it shares, and how many images were left out for which reason.

        Raises:
            UnknownKeywordError: There is no such keyword; the message names the nearest.
            ValidationError: A value is wrong, or no image is left; the message says why.
            ConflictError: The name is taken by another version or a tag; or labels, images or
                vectors went on changing while it was made.
            UnknownRecordError: There are no such features.
            AmbiguousError: Vectors of a type by several extractor versions are stored.
            UnsupportedError: The database has no folder for versions.
            MissingKeyError: The key that signs is not here.
        """
        told, dry_run = _progress(progress), _DRY_RUN.check(dry_run)
        wanted = Choice.checked(version, name, description, **choice)
        work = Work(
            self.db,
            self.actor,
            self.places.folder,
            self.select,
            self.label_range,
            wanted,
            told,
        )
        return create(work, dry_run=dry_run)

    @requires(Permission.READ)
    def get(self, version: str) -> DataVersionRecord:
        """One version, by name or tag.

        Raises:
            UnknownRecordError: There is none; the message lists what there is.
        """
        with self.db.read() as view:
            return version_queries.find(view, version)

    @requires(Permission.READ)
    def list(self, *, after_id: int = 0, limit: int = 100) -> Page[DataVersionRecord]:
        """Versions by id, a page at a time."""
        check_page(after_id, limit)
        with self.db.read() as view:
            return version_queries.page(view, after_id=after_id, limit=limit)

    @requires(Permission.READ)
    def show(self, version: str) -> VersionDetails:
        """All that is known of a version, by name or tag.

        Raises:
            UnknownRecordError: There is none; the message lists what there is.
        """
        with self.db.read() as view:
            return details(view, self.places.folder, version)

    @requires(Permission.READ)
    def tags(self) -> dict[str, str]:
        """Every tag and the version that it points to."""
        with self.db.read() as view:
            names = {each.id: each.version for each in version_queries.every(view)}
            found = version_queries.tags_of(view)
        pairs = [(tag, names[version_id]) for version_id, each in found.items() for tag in each]
        return dict(sorted(pairs))

    @requires(Permission.TRAIN)
    def tag(self, version: str, tag: str) -> None:
        """Point a tag to a version; one that is there moves.

        Raises:
            ValidationError: `tag` is no name, or `version` is a tag.
            UnknownRecordError: There is no such version.
            ConflictError: A version has the name of the tag.
        """
        checked = check_tag(tag)
        version = check_sought(version)
        with self.db.write(self.actor) as tx:
            registers.lock(tx, version_tags)  # so that the version is not deleted meanwhile
            tagging.point(tx, checked, by_name(tx, version).id)

    @requires(Permission.TRAIN)
    def untag(self, tag: str) -> None:
        """Take a tag away.

        Raises:
            UnknownRecordError: There is none.
        """
        tag = check_sought(tag)
        with self.db.write(self.actor) as tx:
            tagging.remove(tx, (tag,))

    @requires(Permission.ADMINISTER)
    def delete(self, version: str, *, force: bool = False, dry_run: bool = False) -> DeletedVersion:
        """Delete a version for good, with the rows and replaced vectors that only it has.

        Its opened copies in the folder of caches go too. The audit trail keeps its root and the
        number of its rows. Where its own files are lost or damaged, the images that no other
        version has are released all the same; where another version's are, none is.

        Args:
            version: Its name, not a tag.
            force: Also while a tag points to it (the tag goes too), a model names it, it was
                exported, or its files are damaged.
            dry_run: Only tell what would go.

        Raises:
            ValidationError: It is a tag.
            UnknownRecordError: There is no such version.
            HeldError: A legal hold is in force on somebody on whose labels its rows rest, or on a
                specimen in it; where its files cannot be read, on anything. `force` or not.
            ConflictError: A tag points to it, a model names it, it was exported, or its files are
                damaged.
            UnsupportedError: The database has no folder for versions.
        """
        version, force, dry_run = (
            check_sought(version),
            _FORCE.check(force),
            _DRY_RUN.check(dry_run),
        )
        return delete(self.db, self.actor, self.places, version, force=force, dry_run=dry_run)


_DRY_RUN = Field("dry_run", Kind.FLAG, "only tell", required=True)
_FORCE = Field("force", Kind.FLAG, "delete it nevertheless", required=True)


def _progress(given: Any) -> Progress:
    if given is not None and not callable(given):
        raise ValidationError(f"progress={given!r}: give a function of stage, done and total.")
    return quiet if given is None else given
