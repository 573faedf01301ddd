"""The demo's story: a test campaign through the whole database, from image files to a report.

Every step looks first at what is there already, so that a second run in the same folder changes
nothing and an interrupted one goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from mlmcsc.config import Config, load_config
from mlmcsc.demo import archive, labelling
from mlmcsc.demo.evaluation import Scores, evaluate, technicians_against_truth
from mlmcsc.demo.folder import Drawn, Plan, campaign_in
from mlmcsc.demo.labelling import Laboratory
from mlmcsc.demo.learning import Lesson, learn
from mlmcsc.demo.pages import report_of
from mlmcsc.demo.people import CREW
from mlmcsc.demo.quality import Judged, judge, words
from mlmcsc.demo.report import write_report
from mlmcsc.demo.texture import EXTRACTOR, VERSION
from mlmcsc.domain.enums import LabelType
from mlmcsc.domain.progress import Tally
from mlmcsc.domain.quality.accuracy import Accuracy
from mlmcsc.domain.records import LabelRecord
from mlmcsc.manager import DatabaseManager

SEED = 19
"""A typical one, and none of those (0 to 7) that the texture features were tuned on: over seeds 8
to 23 the test error has a median of 8 %, from 3 to 15 %, as two specimens make a small test."""

STEPS = 13
DATABASE_FILE = "mlmcsc_demo.db"
FIRST_MODEL, SECOND_MODEL = "demo-ridge-1", "demo-ridge-2"


@dataclass(frozen=True)
class DemoResult:
    """What a run of the demo came to.

    Attributes:
        report: the HTML file.
        database_url: where the data is, without password.
        images: number of images.
        labels: number of labels.
        scores: how model and technicians did.
        seconds: wall time.
    """

    report: Path
    database_url: str
    images: int
    labels: int
    scores: Scores
    seconds: float


class Narrator:
    """Numbers the steps aloud."""

    def __init__(self, say: Callable[[str], None], progress: Tally | None) -> None:
        self._say, self._progress, self._step = say, progress, 0

    def step(self, title: str) -> None:
        """Begin the next step."""
        if self._progress is not None:
            self._progress(self._step, STEPS)
        self._step += 1
        self._say(f"{self._step:2d}/{STEPS}  {title}")

    def tell(self, text: str) -> None:
        """Say what the step came to."""
        self._say(f"       {text}")

    def end(self) -> None:
        """Say no more."""
        if self._progress is not None:
            self._progress(STEPS, STEPS)


def run(
    output: Path,
    *,
    seed: int = SEED,
    specimens: int = 12,
    images_per_specimen: int = 5,
    database_url: str | None = None,
    say: Callable[[str], None] = print,
    progress: Tally | None = None,
) -> DemoResult:
    """Play the whole loop.

    Args:
        output: folder for images, models and the report; made when missing. A second run with the
            same arguments finds everything done and writes the report again.
        seed: of all randomness; the same seed gives the same images and labels.
        specimens: number of broken bars, at least 8.
        images_per_specimen: number of views of each, at least 1.
        database_url: an empty database; left out, a SQLite file in `output`.
        say: receives the story, line by line.
        progress: called with steps done and steps in all.

    Raises:
        ValidationError: too few specimens or images.
        ConflictError: the folder or the database holds something else than this demo.
        StoreError: the database cannot be opened.
        OSError: the folder cannot be written.
    """
    began = perf_counter()
    plan = Plan(seed, specimens, images_per_specimen)
    narrator = Narrator(say, progress)
    narrator.step("Draw the broken specimens")
    drawn = campaign_in(output, plan)
    temperatures = [one.temperature_c for one in drawn]
    narrator.tell(
        f"{len(drawn)} fracture surfaces of {specimens} Charpy specimens broken at "
        f"{min(temperatures):.0f} to {max(temperatures):.0f} °C, seed {seed}: {output / 'images'}"
    )
    url = database_url or f"sqlite:///{(output / DATABASE_FILE).absolute()}"
    with DatabaseManager(url, config=_config(url, output), label_range=(0.0, 1.0)) as db:
        lab = _archive(db, plan, drawn, narrator)
        lesson, scores = _learn_and_label(lab, output / "models", narrator)
        _tell_scores(scores, narrator)
        judged = _judge(lab, narrator)
        narrator.step("Look at the database and write the report")
        health = db.get_system_health()
        rows = ", ".join(f"{n} {t.replace('_', ' ')}" for t, n in health.tables.items() if n)
        narrator.tell(f"{health.status}: {rows}")
        seconds = perf_counter() - began
        report = write_report(
            output / "report.html", report_of(lab, lesson, scores, judged, health, seconds)
        )
        narrator.tell(f"report: {report}")
        narrator.end()
        labels = health.tables["labels"]
        return DemoResult(report, db.url, len(drawn), labels, scores, perf_counter() - began)


def _config(url: str, output: Path) -> Config:
    """The settings; a server's data versions lie with the demo unless they name a folder."""
    config = load_config()
    if url.startswith("sqlite") or config.versioning.directory is not None:
        return config
    return load_config(overrides={"versioning": {"directory": str(output.absolute() / "versions")}})


def _archive(
    db: DatabaseManager, plan: Plan, drawn: Sequence[Drawn], narrator: Narrator
) -> Laboratory:
    narrator.step("Ingest the image files")
    archive.refuse_other_data(db, plan, drawn)
    archive.register_specimens(db, plan, drawn)
    report, image_ids = archive.ingest(db, drawn)
    narrator.tell(
        f"{report.stored} stored, {report.unchanged + len(report.duplicates)} known already, "
        f"{len(report.near_duplicates)} look like an earlier one: {db.url}"
    )
    narrator.tell("specimen and temperature read from the file names; KV, LE, heat registered")
    narrator.step("Measure how sharp, even and free of noise the images are")
    scored = db.image_quality.update_scores(workers=1)
    narrator.tell(
        f"{scored.scored} measured, {scored.flagged} below {scored.threshold:g}, formula "
        f"{scored.formula}"
    )
    narrator.step("Register the technicians")
    technicians = archive.register_technicians(db)
    narrator.tell(", ".join(f"{one.name} ({one.experience_level})" for one in CREW))
    narrator.step("Extract texture features")
    stored, length = archive.store_features(db, drawn, image_ids)
    narrator.tell(f"{stored} new vectors of {length} numbers, {EXTRACTOR} {VERSION}")
    return Laboratory(db, plan.seed, dict(zip(image_ids, drawn, strict=True)), technicians)


def _learn_and_label(lab: Laboratory, models: Path, narrator: Narrator) -> tuple[Lesson, Scores]:
    early, late = labelling.two_rounds(lab)
    narrator.step(f"Label {len(early)} images blind")
    overlap = labelling.first_views(lab, early)
    made = labelling.label_blind(lab, early)
    made += labelling.label_blind(lab, overlap, labelling.EVERYBODY)
    people = technicians_against_truth(lab, [one for one in lab.labels() if not _shown(one)])
    narrator.tell(
        f"{made} new labels, two technicians an image, all four on {len(overlap)} of them, "
        f"{_error(people)}"
    )

    narrator.step("Train a first model and predict every image")
    first = learn(lab.db, lab.truth, FIRST_MODEL, models)
    _tell_lesson(first, narrator)

    narrator.step(f"Label the other {len(late)} images with the prediction on the screen")
    made = labelling.label_with_predictions(lab, late, first.predictions, FIRST_MODEL)
    blind = labelling.label_blind(lab, late, labelling.THE_OTHERS)
    assisted = [one for one in lab.labels() if _shown(one)]
    confirmed = sum(one.label_type == LabelType.CONFIRMED for one in assisted)
    narrator.tell(
        f"{made} new labels: {confirmed} confirmed, {len(assisted) - confirmed} corrected, "
        f"{_error(technicians_against_truth(lab, assisted))}"
    )
    narrator.tell(f"{blind} more by the other two, who do not see it: to compare with")
    narrator.step("Check the labels")
    corrected = labelling.correct_the_worst(lab)
    before = lab.db.get_label_revisions(corrected.id)[0]
    narrator.tell(
        f"label {corrected.id} corrected from {before.label:.2f} to {corrected.label:.2f}, the "
        f"earlier value kept as revision {before.revision}"
    )
    verified = labelling.verify(lab)
    narrator.tell(
        f"{verified} of {len(lab.labels())} labels verified by an expert who did not make them"
    )

    narrator.step("Train again, on verified labels of all specimens")
    second = learn(lab.db, lab.truth, SECOND_MODEL, models, verified_only=True)
    _tell_lesson(second, narrator)
    moved = [i for i in early if second.split_of(i) not in {first.split_of(i), "none"}]
    narrator.tell(f"{len(early) - len(moved)} of {len(early)} earlier images kept their split")
    return second, evaluate(lab, first, second)


def _tell_lesson(lesson: Lesson, narrator: Narrator) -> None:
    groups = lesson.data.report.groups
    sizes = (f"{name} {len(lesson.data[name])} of {n}" for name, n in groups.items())
    narrator.tell(
        f"{lesson.frozen.version} frozen, root {str(lesson.frozen.root)[:16]}…: "
        f"images of specimens: {', '.join(sizes)}; no specimen in two splits"
    )
    narrator.tell(
        f"{lesson.version.version}: {_error(lesson.model.left_out)} on training specimens left "
        f"out in turn; {len(lesson.predictions)} predictions stored"
    )


def _tell_scores(scores: Scores, narrator: Narrator) -> None:
    narrator.step(f"Test on {scores.model.n} images of specimens that no model learnt from")
    narrator.tell(
        f"MAE against the truth {_percent(scores.model.mae)}, bias {100 * scores.model.bias:+.1f} %"
        f" (first model {_percent(scores.first_model.mae)}, always the training mean "
        f"{_percent(scores.baseline_mae)})"
    )
    narrator.tell(
        f"MAE against the labels {_percent(scores.against_labels.mae)}; the technicians' own "
        f"against the truth {_percent(scores.technicians.mae)}"
    )


def _judge(lab: Laboratory, narrator: Narrator) -> Judged:
    narrator.step("Check quality, as a laboratory does that does not know the truth")
    judged = judge(lab)
    for name, said in words(judged):
        narrator.tell(f"{name}: {said}")
    return judged


def _shown(label: LabelRecord) -> bool:
    return label.original_prediction is not None


def _error(metrics: Accuracy) -> str:
    return f"{_percent(metrics.mae)} off on average"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
