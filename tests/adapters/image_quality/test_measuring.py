"""Measures of pictures: what they do not depend on, and what never makes them better."""

from __future__ import annotations

import functools

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlmcsc.adapters.image_quality.grey import grey
from mlmcsc.adapters.image_quality.measuring import measure
from mlmcsc.adapters.images import read_pixels
from mlmcsc.demo.surfaces import draw_surface
from mlmcsc.domain.image_quality import score
from mlmcsc.errors import ValidationError

TOLERANCE = 0.05
"""What measuring may err by: noise is random, smoothing is tried in steps."""
UNCLIPPED = 0.1
"""What smoothing may win back where noise had been cut off at black or white."""
BY_GAIN = 0.3
"""What brightening may win by itself where it lifts detail out of the rounding."""
BY_BLUR = 0.25
"""What blur may win on dull grains: it takes their weak noise away too."""
BY_NOISE = 0.5
"""What weak noise may win on blurred grains: it is not the same everywhere."""
BY_HIDING_A_GRID = 0.7
"""What noise may win where it hides a grid, which lowers the score."""
OF_GRID = 0.5
"""What strong compression or repeated pixels may make of a blurred picture."""
OF_NOISE = 0.25
"""A picture of nothing else scores no more, however it is smoothed."""
REAL = ["brick.png", "ihc.png", "test_tiff_Zeiss_SEM_512pix.tif"]


def scored(pixels):
    return score(measure(grey(pixels)))


def full_scale(pixels):
    return grey(pixels).full


def stored(values, like):
    return np.clip(np.rint(values), 0, full_scale(like)).astype(like.dtype)


def blurred(pixels, sigma):
    return (
        stored(cv2.GaussianBlur(pixels.astype(float), (0, 0), sigma), pixels) if sigma else pixels
    )


def noisy(pixels, sigma):
    noise = np.random.default_rng(5).normal(0, sigma * full_scale(pixels), pixels.shape)
    return stored(pixels + noise, pixels) if sigma else pixels


def brightened(pixels, gain):
    return stored(pixels.astype(float) * gain, pixels)


def darkened(pixels, offset):
    return stored(pixels.astype(float) - offset * full_scale(pixels), pixels)


WORSE = {
    "blur": (blurred, (0, 0.5, 1, 2, 4)),
    "noise": (noisy, (0, 0.02, 0.06, 0.15)),
    "overexposure": (brightened, (1.5, 2.5, 4, 8)),
    "underexposure": (darkened, (0.1, 0.3, 0.5, 0.8)),
}


@functools.cache
def surface(seed, side=480):
    rng = np.random.default_rng(seed)
    return draw_surface(rng, shear_fraction=(seed * 0.31) % 1, size=(side, side)).pixels


def rises(pixels, how, tolerance=TOLERANCE):
    worsen, amounts = WORSE[how]
    found = [scored(worsen(pixels, amount)) for amount in amounts]
    return [(found, k) for k in range(1, len(found)) if found[k] > min(found[:k]) + tolerance]


@pytest.mark.parametrize("how", WORSE)
@pytest.mark.parametrize("seed", [0, 2])
def test_a_worse_picture_of_a_fracture_never_scores_more(seed, how):
    assert rises(surface(seed), how) == []


@pytest.mark.parametrize("how", ["blur", "noise", "underexposure"])
@pytest.mark.parametrize("name", REAL)
def test_a_worse_version_of_a_real_picture_never_scores_more(micrographs, name, how):
    assert rises(read_pixels(micrographs / name), how) == []


@pytest.mark.parametrize("name", REAL)
def test_an_overexposed_real_picture_scores_little_more_at_most(micrographs, name):
    assert rises(read_pixels(micrographs / name), "overexposure", UNCLIPPED) == []


def with_bar(pixels):
    """A white bar with text below the picture, as an electron microscope writes it."""
    bar = np.full((40, pixels.shape[1]), 255, np.uint8)
    cv2.putText(bar, "15.0 kV  500 x  100 um", (10, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 0, 2)
    return np.vstack([pixels, bar])


def grey_surface(seed):
    return cv2.cvtColor(surface(seed), cv2.COLOR_RGB2GRAY)


def test_a_data_bar_does_not_matter_and_hides_no_blur(micrographs):
    picture = grey_surface(2)
    for sigma in (0, 1, 2, 6):
        plain = blurred(picture, sigma)
        assert scored(with_bar(plain)) == pytest.approx(scored(plain), abs=0.05)
    real = read_pixels(micrographs / "test_tiff_Zeiss_SEM_512pix.tif")
    above = real.shape[0] * 9 // 10
    found = [scored(np.vstack([blurred(real[:above], s), real[above:]])) for s in (0, 1, 2, 4, 8)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.6
    assert found[-1] < 0.05


@pytest.mark.parametrize("count", [20, 200, 2000])
def test_hot_pixels_do_not_make_a_blurred_picture_sharp(count):
    picture = blurred(grey_surface(2), 3)
    rng = np.random.default_rng(1)
    hot = picture.copy()
    hot[rng.integers(0, 480, count), rng.integers(0, 480, count)] = 255
    assert scored(hot) <= scored(picture) + TOLERANCE


@pytest.mark.parametrize("seed", [0, 2])
def test_compression_coarse_levels_and_repeated_pixels_are_no_detail(seed):
    sharp = grey_surface(seed)
    for picture, bound in ((sharp, UNCLIPPED), (blurred(sharp, 3), OF_GRID)):
        base = scored(picture) + bound
        for quality in (20, 10, 5):
            coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            assert scored(cv2.imdecode(coded, 0)) <= base
        for step in (8, 16, 32):
            assert scored(picture // step * step) <= base
        for factor in (2, 4, 8):
            small = cv2.resize(picture, None, fx=1 / factor, fy=1 / factor)
            assert scored(np.kron(small, np.ones((factor, factor), np.uint8))) <= base


def test_a_plain_bright_background_is_not_clipped():
    picture = np.full((480, 640), 180, np.uint8)
    rng = np.random.default_rng(1)
    for x, y in rng.integers(0, 480, (400, 2)):
        cv2.circle(
            picture, (int(x), int(y)), int(rng.integers(1, 6)), int(rng.integers(30, 120)), -1
        )
    assert measure(grey(picture)).clipped_high == 0
    assert rises(picture, "noise") == []


def test_a_sharp_third_does_not_vouch_for_the_rest():
    picture = grey_surface(2)
    dull = blurred(picture, 6)
    mostly = dull.copy()
    mostly[:, :160] = picture[:, :160]
    assert scored(mostly) < 0.5 * scored(picture)


OFF_GRID, ON_GRID = (39, 19, 7), (40, 20, 8)
"""Grains in 320 pixels: edges of the latter stand 8 pixels apart, as those of JPEG blocks do."""


@st.composite
def scenes(draw, sizes=OFF_GRID):
    """Grains of some size and contrast, perhaps lit from a side, not exposed to the ends."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    across = draw(st.sampled_from(sizes))
    knots = rng.integers(0, 2, (across, across)).astype(np.float32)
    sharp = draw(st.booleans())
    grains = cv2.resize(
        knots, (320, 320), interpolation=cv2.INTER_NEAREST if sharp else cv2.INTER_CUBIC
    )
    patches = cv2.resize(rng.random((5, 5), np.float32), (320, 320))  # some parts have less
    slope = np.linspace(0, draw(st.floats(0, 0.2)), 320)
    picture = 70 + 255 * slope + draw(st.floats(20, 90)) * grains * (patches > draw(shares))
    return np.clip(picture + rng.normal(0, 1, picture.shape), 10, 245).astype(np.uint8)


shares = st.floats(0.2, 0.7)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.data_too_large])
@given(scenes(), st.floats(0, 2), st.floats(0.3, 3))
def test_more_blur_never_raises_the_score(picture, first, more):
    once = blurred(picture, first)
    assert scored(blurred(once, more)) <= scored(once) + BY_BLUR


@settings(max_examples=10, deadline=None)
@given(scenes(), st.floats(0, 2), st.floats(2, 40), st.floats(1, 3))
def test_more_noise_never_raises_the_score(picture, blur, sigma, times):
    dull = blurred(picture, blur)
    little, much = noisy(dull, sigma / 255), noisy(dull, sigma * times / 255)
    assert scored(little) <= scored(dull) + BY_NOISE
    assert scored(much) <= scored(little) + BY_NOISE


@settings(max_examples=10, deadline=None)
@given(scenes(ON_GRID), st.floats(0, 2), st.floats(2, 40))
def test_noise_that_hides_a_grid_raises_the_score_by_no_more_than_is_told(picture, blur, sigma):
    dull = blurred(picture, blur)
    assert scored(noisy(dull, sigma / 255)) <= scored(dull) + BY_HIDING_A_GRID


@settings(max_examples=10, deadline=None)
@given(scenes(ON_GRID), st.floats(0, 2), st.floats(0.3, 3))
def test_more_blur_never_raises_the_score_of_a_grid(picture, first, more):
    once = blurred(picture, first)
    assert scored(blurred(once, more)) <= scored(once) + BY_BLUR


@settings(max_examples=10, deadline=None)
@given(scenes(), st.floats(1, 3), st.floats(1, 3))
def test_more_overexposure_never_raises_the_score(picture, gain, more):
    bright = brightened(picture, gain)
    assert scored(brightened(picture, gain * more)) <= scored(bright) + BY_GAIN


@settings(max_examples=10, deadline=None)
@given(st.floats(2, 60), st.floats(0.3, 4), st.integers(0, 2**16))
def test_noise_alone_is_no_picture_however_it_is_smoothed(sigma, smoothing, seed):
    noise = np.random.default_rng(seed).normal(128, sigma, (480, 480))
    raw = np.clip(noise, 0, 255).astype(np.uint8)
    assert scored(raw) <= OF_NOISE
    assert scored(blurred(raw, smoothing)) <= OF_NOISE


@pytest.mark.parametrize("seed", [0, 2])
def test_smoothing_a_noisy_picture_wins_hardly_anything(seed):
    assert rises(noisy(surface(seed), 0.04), "blur", UNCLIPPED) == []


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((200, 200), 128, np.uint8),
        np.zeros((200, 200), np.uint8),
        np.full((1, 1), 7, np.uint16),
        (np.indices((200, 200)).sum(0) % 2 * 255).astype(np.uint8),
        np.tile(np.linspace(30, 220, 200), (200, 1)).astype(np.uint8),
    ],
    ids=["flat", "black", "one pixel", "checkerboard", "ramp"],
)
def test_pictures_without_a_scene_score_almost_nothing(pixels):
    assert scored(pixels) < 0.05


def test_sharp_surfaces_score_well_and_blurred_ones_below_a_half():
    good = [scored(surface(seed)) for seed in (1, 2)]
    assert min(good) > 0.75
    assert max(scored(blurred(surface(seed), 2)) for seed in (1, 2)) < 0.5


@pytest.mark.parametrize(
    "deeper",
    [
        lambda p: p.astype(np.uint16) * 257,
        lambda p: p.astype(np.uint16) * 16 + 15,  # 12 bits in 16
        lambda p: (p / 255).astype(np.float32),
    ],
    ids=["16 bits", "12 bits in 16", "float"],
)
def test_bit_depth_does_not_matter(deeper):
    picture = surface(2)
    picture[:4, :4] = 255  # a highlight, so that the depth can be told from the values
    assert scored(deeper(picture)) == pytest.approx(scored(picture), abs=0.03)


def test_size_does_not_matter():
    picture = surface(2)
    twice = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    assert scored(twice) == pytest.approx(scored(picture), abs=0.05)


def test_components_say_what_is_wrong_with_a_picture():
    good, picture = measure(grey(surface(2))), surface(2)
    assert measure(grey(brightened(picture, 3))).clipped_high > good.clipped_high + 0.1
    assert measure(grey(darkened(picture, 0.3))).clipped_low > good.clipped_low + 0.1
    assert measure(grey(blurred(picture, 3))).tenengrad < good.tenengrad / 2
    assert measure(grey((picture * 0.5).astype(np.uint8))).rms_contrast < good.rms_contrast * 0.6
    lit = picture * np.linspace(0.3, 1, picture.shape[1])[None, :, None]
    assert measure(grey(lit.astype(np.uint8))).illumination_gradient > good.illumination_gradient
    red = np.dstack([picture[..., 0], picture[..., 0] // 4, picture[..., 0] // 4])
    assert measure(grey(red)).saturation > 0.6


@pytest.mark.parametrize("sigma", [0.01, 0.05])
def test_noise_is_measured_in_shares_of_full_scale(sigma):
    plain = np.full((480, 480), 128, np.uint8)
    assert measure(grey(noisy(plain, sigma))).noise == pytest.approx(sigma, rel=0.15)


def test_values_that_are_no_numbers_are_refused():
    with pytest.raises(ValidationError, match="infinite or no numbers"):
        grey(np.array([[0.0, np.nan]], np.float32))
