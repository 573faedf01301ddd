import json

import numpy as np
import pytest

from mlmcsc.demo.metrics import measure
from mlmcsc.demo.model import TOLERANCE, fit
from mlmcsc.errors import ValidationError


@pytest.fixture(scope="module")
def four_fold(campaign):
    """Every image predicted by a model fitted on the other nine specimens."""
    value, confidence = np.empty(60), np.empty(60)
    names = np.unique(campaign.specimens)
    for fold in range(4):
        unseen = np.isin(campaign.specimens, names[fold::4])
        seen = ~unseen
        model = fit(campaign.features[seen], campaign.truth[seen], campaign.specimens[seen])
        value[unseen], confidence[unseen] = model.predict(campaign.features[unseen])
    return value, confidence


def test_the_model_beats_the_mean_by_far_on_specimens_it_never_saw(campaign, four_fold):
    guess = np.abs(campaign.truth - campaign.truth.mean()).mean()

    assert measure(campaign.truth, four_fold[0]).mae < 0.08 < guess / 3


def test_confidence_is_the_share_of_predictions_within_the_tolerance(campaign, four_fold):
    value, confidence = four_fold
    within = np.abs(value - campaign.truth) <= TOLERANCE

    assert ((confidence > 0) & (confidence < 1)).all()
    assert confidence.mean() == pytest.approx(within.mean(), abs=0.12)


def test_values_are_clipped_to_0_and_1(campaign):
    model = fit(campaign.features, campaign.truth, campaign.specimens)
    value, _ = model.predict(
        campaign.features.mean(0) + 40 * campaign.features.std(0) * [[1], [-1]]
    )

    assert ((value >= 0) & (value <= 1)).all()


def test_confidence_falls_far_from_what_was_learnt(campaign):
    model = fit(campaign.features, campaign.truth, campaign.specimens)
    centre, deviation = campaign.features.mean(axis=0), campaign.features.std(axis=0)
    odd = centre + 10 * deviation * np.where(np.arange(centre.size) % 2, 1, -1)

    _, confidence = model.predict([centre, odd])
    assert confidence[1] < confidence[0] / 2


def test_a_saved_model_predicts_the_same_after_loading(campaign, tmp_path):
    model = fit(campaign.features, campaign.truth, campaign.specimens)
    model.save(tmp_path / "model.json")
    loaded = type(model).load(tmp_path / "model.json")

    for before, after in zip(
        model.predict(campaign.features), loaded.predict(campaign.features), strict=True
    ):
        assert np.array_equal(before, after)
    assert loaded.alpha == model.alpha
    assert loaded.left_out == model.left_out


def test_a_saved_model_is_plain_json(campaign, tmp_path):
    fit(campaign.features, campaign.truth, campaign.specimens).save(tmp_path / "model.json")

    document = json.loads((tmp_path / "model.json").read_text())
    assert document["format"] == "mlmcsc-ridge-1"
    assert len(document["coefficients"]) == 41


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format": "other", "alpha": 1}', "\x00", '"text"']
)
def test_a_file_that_is_no_model_is_refused(content, tmp_path):
    path = tmp_path / "model.json"
    path.write_text(content)
    model_type = type(fit(np.eye(4), [0.1, 0.2, 0.3, 0.4], ["a", "b", "c", "d"]))

    with pytest.raises(ValidationError, match="train and save it anew"):
        model_type.load(path)


def test_a_model_of_another_format_is_refused(campaign, tmp_path):
    path = tmp_path / "model.json"
    model = fit(campaign.features, campaign.truth, campaign.specimens)
    model.save(path)
    path.write_text(path.read_text().replace("mlmcsc-ridge-1", "mlmcsc-ridge-2"))

    with pytest.raises(ValidationError, match="is of format mlmcsc-ridge-2"):
        type(model).load(path)


def test_too_few_specimens_are_refused():
    with pytest.raises(ValidationError, match="2 specimens to learn from; give at least 3"):
        fit(np.eye(4), [0.1, 0.2, 0.3, 0.4], ["a", "a", "b", "b"])


@pytest.mark.parametrize(
    ("features", "labels"),
    [
        (np.eye(3), [0.1, 0.2]),
        (np.eye(3), [0.1, 0.2, np.nan]),
        (np.full((3, 2), np.nan), [0.1, 0.2, 0.3]),
        ([0.1, 0.2, 0.3], [0.1, 0.2, 0.3]),
    ],
)
def test_rows_that_do_not_fit_together_are_refused(features, labels):
    with pytest.raises(ValidationError):
        fit(features, labels, ["a", "b", "c"])


def test_a_picture_with_another_number_of_features_is_refused(campaign):
    model = fit(campaign.features, campaign.truth, campaign.specimens)

    with pytest.raises(ValidationError, match=r"features have shape \(2, 7\); give \(N, 41\)"):
        model.predict(np.zeros((2, 7)))
