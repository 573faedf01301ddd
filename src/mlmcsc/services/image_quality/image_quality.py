"""The quality of images: measured from their files, scored, flagged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mlmcsc.adapters.image_quality.cluster import check_address
from mlmcsc.config.image_settings import ImageSettings
from mlmcsc.domain.fields import Field, Kind
from mlmcsc.domain.filters import check_page
from mlmcsc.domain.image_quality import ScoreRecord, ScoreUpdate
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.domain.results import Page
from mlmcsc.errors import UnknownRecordError, ValidationError
from mlmcsc.services.image_quality.updating import Plan, run
from mlmcsc.store.models import images
from mlmcsc.store.queries import image_quality as queries
from mlmcsc.store.queries import rows
from mlmcsc.store.uow import Store

THRESHOLD = Field(
    "threshold", Kind.REAL, "scores below it are flagged", minimum=0, maximum=1, required=True
)
SINCE = Field("since", Kind.TIMESTAMP, "images taken at or after")
LIMIT = Field("limit", Kind.INTEGER, "the most images measured", minimum=1)
IMAGE = Field("image_id", Kind.INTEGER, "id of an image", required=True)
WORKERS = Field("workers", Kind.INTEGER, "processes that measure", minimum=0, maximum=256)


@dataclass(frozen=True, slots=True)
class ImageQuality:
    """Measure images, and read what was measured, in one actor's name."""

    db: Store
    actor: Actor
    settings: ImageSettings
    threshold: float

    @requires(Permission.QUALITY)
    def update_scores(
        self,
        threshold: float | None = None,
        *,
        everything: bool = False,
        since: datetime | None = None,
        invalidate: bool = False,
        workers: int | None = None,
        cluster: str | None = None,
        limit: int | None = None,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> ScoreUpdate:
        """Measure and score images that are not scored yet; repeat it to go on after a break.

        An image is scored when it has a score by the formula in force, of the content that it has
        now. Every 500 images are committed with their audit events. The score goes to
        `images.quality_score`, its components to `image_quality`. Of a file that cannot be measured
        the reason is kept, and so is an earlier score. Flags of images scored before follow the
        threshold. Files that failed before are tried last.

        Args:
            threshold: Scores below it, 0 to 1, are flagged; left out, `quality.min_quality_score`.
            everything: Measure every image anew.
            since: Measure anew every image taken at this time or later.
            invalidate: Set `is_valid` of flagged images to false, except where the record was
                changed after the image was measured: a person's decision stands. (Nothing sets it
                back.)
            workers: Processes; None chooses by the machine, 1 measures in this process.
            cluster: A Dask scheduler, such as `tcp://host:8786`, whose workers see the files.
            limit: Measure no more images than this.
            dry_run: Only count.
            progress: Told how far it is.

        Raises:
            ValidationError: A value is wrong, or two exclude each other; nothing is written.
            UnsupportedError: The cluster does not answer, or does not see the files; or none of the
                first files is there, nor anything else in their folders: no disk is mounted.
        """
        if workers is not None and cluster is not None:
            raise ValidationError("workers and cluster exclude each other: give one of them.")
        if everything and since is not None:
            raise ValidationError("everything and since exclude each other: give one of them.")
        if cluster is not None:
            check_address(cluster)
        plan = Plan(
            threshold=float(THRESHOLD.check(self.threshold if threshold is None else threshold)),
            wanted=queries.Wanted(everything=everything, since=SINCE.check(since)),
            invalidate=invalidate,
            workers=WORKERS.check(workers),
            cluster=cluster,
            limit=LIMIT.check(limit),
            dry_run=dry_run,
            progress=progress or quiet,
        )
        return run(self.db, self.actor, self.settings, plan)

    @requires(Permission.READ)
    def get(self, image_id: int) -> ScoreRecord:
        """The measures of one image.

        Raises:
            UnknownRecordError: There is no such image, or it was never measured.
            ValidationError: `image_id` is no whole number.
        """
        IMAGE.check(image_id)
        with self.db.read() as view:
            found = queries.get(view, image_id)
            if found is not None:
                return found
            if not rows.exists(view, images, image_id):
                raise UnknownRecordError(f"image {image_id} does not exist.")
        raise UnknownRecordError(
            f"image {image_id} was not measured yet. Run: mlmcsc quality update-scores"
        )

    @requires(Permission.READ)
    def list(
        self,
        *,
        flagged: bool | None = None,
        unreadable: bool | None = None,
        after_id: int = 0,
        limit: int = 100,
    ) -> Page[ScoreRecord]:
        """Measures by their id, a page at a time.

        Args:
            flagged: Only images below the threshold (or, False, others).
            unreadable: Only images whose files could not be measured (or, False, others).
            after_id: Begin after these measures.
            limit: Size of a page.
        """
        check_page(after_id, limit)
        with self.db.read() as view:
            return queries.page(
                view, flagged=flagged, unreadable=unreadable, after_id=after_id, limit=limit
            )
