"""Dataset versions: create, list, show, tag, delete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.domain.filters import check_page
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.results import Page
from mlmcsc.domain.versions.choice import Choice, ChoiceKeywords, check_tag
from mlmcsc.domain.versions.reports import CreatedVersion, DeletedVersion, VersionDetails
from mlmcsc.services.versions import tagging
from mlmcsc.services.versions.creating import create
from mlmcsc.services.versions.deleting import delete
from mlmcsc.services.versions.finding import by_name, details
from mlmcsc.services.versions.work import Select, Work
from mlmcsc.store.models import data_versions
from mlmcsc.store.queries import rows
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class Versions:
    """Freeze datasets and look after them, in one actor's name."""

    db: Store
    actor: Actor
    folder: VersionFolder
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
            ValidationError: A value is wrong, or no image is left; the message says why.
            ConflictError: The name is taken by another version or a tag; or labels, images or
                vectors went on changing while it was made.
            UnknownRecordError: There are no such features.
            AmbiguousError: Vectors of a type by several extractor versions are stored.
            UnsupportedError: The database has no folder for versions.
            MissingKeyError: The key that signs is not here.
        """
        wanted = Choice.checked(version, name, description, **choice)
        work = Work(
            self.db,
            self.actor,
            self.folder,
            self.select,
            self.label_range,
            wanted,
            progress or quiet,
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
            return rows.page(
                view, data_versions, DataVersionRecord, (), after_id=after_id, limit=limit
            )

    @requires(Permission.READ)
    def show(self, version: str) -> VersionDetails:
        """All that is known of a version, by name or tag.

        Raises:
            UnknownRecordError: There is none; the message lists what there is.
        """
        with self.db.read() as view:
            return details(view, version)

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
        with self.db.write(self.actor) as tx:
            tagging.point(tx, checked, by_name(tx, version).id)

    @requires(Permission.TRAIN)
    def untag(self, tag: str) -> None:
        """Take a tag away.

        Raises:
            UnknownRecordError: There is none.
        """
        with self.db.write(self.actor) as tx:
            tagging.remove(tx, (check_tag(tag),))

    @requires(Permission.ADMINISTER)
    def delete(self, version: str, *, force: bool = False, dry_run: bool = False) -> DeletedVersion:
        """Delete a version for good, with the rows and replaced vectors that only it has.

        The audit trail keeps its root and the number of its rows.

        Args:
            version: Its name, not a tag.
            force: Also while a tag points to it (the tag goes too) or a model names it.
            dry_run: Only tell what would go.

        Raises:
            ValidationError: It is a tag.
            UnknownRecordError: There is no such version.
            ConflictError: A tag points to it or a model names it.
            UnsupportedError: The database has no folder for versions.
        """
        return delete(self.db, self.actor, self.folder, version, force=force, dry_run=dry_run)
