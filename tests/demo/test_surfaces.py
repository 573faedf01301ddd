import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmcsc.demo.surfaces import View, break_specimen, draw_surface, take_view
from mlmcsc.errors import ValidationError


def draw(shear_fraction, seed=1, **settings):
    return draw_surface(np.random.default_rng(seed), shear_fraction=shear_fraction, **settings)


def fracture(shear_fraction=0.5, seed=1, **settings):
    return break_specimen(np.random.default_rng(seed), shear_fraction=shear_fraction, **settings)


@settings(max_examples=15, deadline=None)
@given(wanted=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
def test_the_true_shear_fraction_is_the_masks_share_and_the_one_asked_for(wanted, seed):
    surface = draw(wanted, seed, size=(200, 220))

    cleavage, total = int(surface.mask.sum()), int(surface.ligament.sum())
    assert surface.true_sfa == (total - cleavage) / total
    assert surface.true_sfa == pytest.approx(wanted, abs=0.01)
    assert not (surface.mask & ~surface.ligament).any()


@pytest.mark.parametrize("wanted", [0.0, 1.0])
def test_wholly_brittle_and_wholly_tough_are_exact(wanted):
    assert draw(wanted).true_sfa == wanted


def test_the_picture_is_eight_bit_colour_of_the_size_asked_for():
    surface = draw(0.4, size=(300, 360))

    assert surface.pixels.shape == (300, 360, 3)
    assert surface.pixels.dtype == np.uint8
    assert surface.mask.shape == surface.ligament.shape == (300, 360)


def test_pixel_size_makes_the_ligament_eight_by_ten_millimetres():
    surface = draw(0.0)

    mm = surface.pixel_size_um / 1000
    assert surface.ligament.sum() * mm**2 == pytest.approx(80, rel=0.03)


def test_the_same_seed_draws_the_same_picture_and_another_seed_another():
    assert np.array_equal(draw(0.5, seed=3).pixels, draw(0.5, seed=3).pixels)
    assert not np.array_equal(draw(0.5, seed=3).pixels, draw(0.5, seed=4).pixels)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_cleavage_is_brighter_and_grainier_than_torn_metal(seed):
    surface = draw(0.5, seed)
    grey = surface.pixels.mean(axis=2)
    torn = surface.ligament & ~surface.mask

    assert grey[surface.mask].mean() > grey[torn].mean()
    assert grey[surface.mask].std() > 1.5 * grey[torn].std()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_more_shear_leaves_fewer_bright_granular_pixels(seed):
    bright = []
    for wanted in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        surface = draw(wanted, seed)
        grey = surface.pixels.mean(axis=2)
        bright.append(float((grey[surface.ligament] > 180).mean()))

    assert bright == sorted(bright, reverse=True)
    assert bright[0] > 10 * max(bright[-1], 0.001)


def test_a_tough_bar_is_wider_at_the_far_edge_by_its_lateral_expansion():
    bar = fracture(0.9, lateral_expansion_mm=2.0)
    widths = bar.ligament.sum(axis=1) * bar.pixel_size_um / 1000

    assert widths.max() == pytest.approx(12.0, abs=0.2)
    assert widths[widths > 0].min() < 10


def test_cleavage_lies_within_the_middle_of_the_ligament_and_nearer_to_the_notch():
    bar = fracture(0.7)
    rows, columns = np.nonzero(bar.cleavage)
    ligament_rows, ligament_columns = np.nonzero(bar.ligament)

    assert columns.mean() == pytest.approx(ligament_columns.mean(), abs=20)
    assert ligament_rows.min() + 10 < rows.mean() < ligament_rows.mean()


def test_defocus_blurs_exposure_brightens_and_noise_roughens():
    def sharpness(surface):
        return cv2.Laplacian(surface.pixels.mean(axis=2), cv2.CV_64F).var()

    def background_scatter(surface):
        return surface.pixels[:20, :20].astype(float).std()

    assert sharpness(draw(0.4, defocus_px=3.0)) < sharpness(draw(0.4, defocus_px=0.5)) / 3
    assert draw(0.4, exposure=1.3).pixels.mean() > draw(0.4, exposure=0.7).pixels.mean()
    assert background_scatter(draw(0.4, noise_sigma=0.05)) > background_scatter(
        draw(0.4, noise_sigma=0.005)
    )


def test_masks_move_with_the_bar():
    bar = fracture(0.4)
    still = take_view(np.random.default_rng(5), bar, View())
    moved = take_view(np.random.default_rng(5), bar, View(shift_px=(9, -12)))

    assert np.array_equal(moved.mask[9:, :-12], still.mask[:-9, 12:])
    assert moved.true_sfa == still.true_sfa
    assert np.corrcoef(
        moved.pixels[9:, :-12].mean(axis=2).ravel(), still.pixels[:-9, 12:].mean(axis=2).ravel()
    )[0, 1] == pytest.approx(1, abs=0.02)


def test_another_lamp_makes_other_facets_flash():
    bar = fracture(0.1)
    pictures = [
        take_view(np.random.default_rng(5), bar, View(azimuth_deg=azimuth)).pixels.mean(axis=2)
        for azimuth in (200, 340)
    ]

    flashing = [picture[bar.cleavage] > 150 for picture in pictures]
    assert (flashing[0] & ~flashing[1]).sum() > 500
    assert (flashing[1] & ~flashing[0]).sum() > 500


@pytest.mark.parametrize("wanted", [-0.01, 1.01, float("nan")])
def test_a_fraction_outside_0_to_1_is_refused(wanted):
    with pytest.raises(ValidationError, match=r"shear_fraction is .*\[0, 1\]"):
        draw(wanted)


def test_a_picture_too_small_to_show_a_fracture_is_refused():
    with pytest.raises(ValidationError, match="at least 64 pixels"):
        draw(0.5, size=(480, 40))


def test_a_shift_that_would_push_the_bar_out_of_the_picture_is_refused():
    with pytest.raises(ValidationError, match="the bar leaves the picture"):
        take_view(np.random.default_rng(1), fracture(), View(shift_px=(0, 60)))
