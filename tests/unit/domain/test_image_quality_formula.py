"""Formula "1": what each component does to the score."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.domain.image_quality import Components, score

SHARP = Components(
    tenengrad=0.002,
    laplacian_variance=0.004,
    rms_contrast=0.2,
    clipped_low=0.0,
    clipped_high=0.0,
    noise=0.01,
    illumination_gradient=0.0,
    saturation=0.0,
)
shares = st.floats(0, 1)
measures = st.floats(0, 1e6)
pictures = st.builds(
    Components,
    tenengrad=measures,
    laplacian_variance=measures,
    rms_contrast=measures,
    clipped_low=shares,
    clipped_high=shares,
    noise=measures,
    illumination_gradient=measures,
    saturation=shares,
)


@given(pictures)
def test_every_picture_scores_from_0_to_1(picture):
    assert 0 <= score(picture) <= 1


@given(
    pictures,
    st.sampled_from(["clipped_low", "clipped_high", "illumination_gradient", "noise"]),
    shares,
)
def test_more_clipping_noise_and_uneven_light_never_raise_the_score(picture, name, more):
    worse = replace(picture, **{name: getattr(picture, name) + more})
    assert score(worse) <= score(picture)


@given(pictures, shares)
def test_less_detail_above_the_noise_never_raises_the_score(picture, kept):
    dull = replace(picture, laplacian_variance=picture.laplacian_variance * kept)
    assert score(dull) <= score(picture)


@given(st.floats(0.05, 20))
def test_contrast_is_not_judged_unless_there_is_hardly_any(gain):
    """Gradients and curvature grow alike with contrast."""
    stronger = replace(
        SHARP,
        tenengrad=SHARP.tenengrad * gain,
        laplacian_variance=SHARP.laplacian_variance * gain,
        rms_contrast=SHARP.rms_contrast * gain**0.5,
    )
    assert score(stronger) == pytest.approx(score(SHARP), abs=0.01)


@given(pictures, shares)
def test_less_contrast_never_raises_the_score(picture, kept):
    faint = replace(picture, rms_contrast=picture.rms_contrast * kept)
    assert score(faint) <= score(picture)


def test_a_worked_example():
    """x = 0.004 / 0.002001 = 1.999; 1 - exp(-1.999 / 0.4) = 0.9932; 1 / (1 + 0.1^2) = 0.9901.

    0.9932 x 0.9^1.5 x 0.98 x 0.9901.
    """
    shown = replace(SHARP, clipped_high=0.1, illumination_gradient=0.2)
    assert score(shown) == pytest.approx(0.8228, abs=1e-4)


def test_a_picture_of_nothing_scores_0():
    assert score(replace(SHARP, tenengrad=0.0, laplacian_variance=0.0)) == 0
