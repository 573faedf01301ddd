import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlmcsc.demo.surfaces import draw_surface
from mlmcsc.demo.texture import FEATURE_NAMES, texture_features
from mlmcsc.errors import ValidationError


def grey(shear_fraction, seed=1, **settings):
    rng = np.random.default_rng(seed)
    pixels = draw_surface(rng, shear_fraction=shear_fraction, **settings).pixels
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)


def named(picture, name):
    return float(texture_features(picture)[FEATURE_NAMES.index(name)])


@settings(max_examples=15, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 90), st.integers(1, 90))))
def test_any_picture_gives_the_same_number_of_finite_features(picture):
    features = texture_features(picture)

    assert features.shape == (len(FEATURE_NAMES),) == (41,)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


@pytest.mark.parametrize("level", [0, 7, 255])
def test_a_blank_picture_gives_finite_features(level):
    assert np.isfinite(texture_features(np.full((480, 480), level, np.uint8))).all()


def test_names_are_unique():
    assert len(set(FEATURE_NAMES)) == len(FEATURE_NAMES)


def test_the_features_of_a_campaign_are_finite_and_differ_between_images(campaign):
    assert campaign.features.shape == (60, 41)
    assert np.isfinite(campaign.features).all()
    assert len(np.unique(campaign.features, axis=0)) == 60


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_more_shear_means_a_smaller_granular_share(seed):
    shares = [
        named(grey(wanted, seed), "granular_above_0.65_of_peak_and_0.034")
        for wanted in (0.1, 0.3, 0.5, 0.7, 0.9)
    ]

    assert shares == sorted(shares, reverse=True)
    assert shares[0] - shares[-1] > 0.3


def test_a_picture_without_cleavage_shows_hardly_any_granular_share():
    assert named(grey(1.0), "granular_above_0.65_of_peak_and_0.034") < 0.1


def test_exposure_hardly_changes_the_granular_share():
    name = "granular_above_0.65_of_peak_and_0.034"
    dark, light = (grey(0.5, exposure=exposure) for exposure in (0.75, 1.2))

    assert named(dark, name) == pytest.approx(named(light, name), abs=0.06)


def test_another_resolution_of_the_same_picture_gives_nearly_the_same_share():
    name = "granular_above_0.65_of_peak_and_0.034"
    picture = grey(0.5, size=(960, 960), defocus_px=2.0)
    half = cv2.resize(picture, (480, 480), interpolation=cv2.INTER_AREA)

    assert named(picture, name) == pytest.approx(named(half, name), abs=1e-6)


@pytest.mark.parametrize(
    "picture", [np.zeros((10, 10, 3), np.uint8), np.zeros((10, 10), np.uint16)]
)
def test_colour_and_sixteen_bit_are_refused(picture):
    with pytest.raises(ValidationError, match="give uint8"):
        texture_features(picture)
