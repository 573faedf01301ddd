import numpy as np
import pytest

from mlmcsc.demo.specimens import HEATS, break_campaign, transition
from mlmcsc.errors import ValidationError


def bars(specimens=12, seed=0):
    return list(break_campaign(np.random.default_rng(seed), specimens))


def test_half_of_the_fracture_is_fibrous_at_t50_and_the_shelves_are_0_and_1():
    assert transition(-20, t50_c=-20, spread_c=30) == 0.5
    assert transition(-400, t50_c=-20, spread_c=30) == pytest.approx(0, abs=1e-6)
    assert transition(400, t50_c=-20, spread_c=30) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("heat", [heat.name for heat in HEATS])
def test_each_heat_goes_from_brittle_to_tough_over_the_temperatures(heat):
    own = [bar for bar in bars() if bar.heat == heat]

    assert [bar.temperature_c for bar in own][:: len(own) - 1] == [-80, 60]
    assert own[0].sfa < 0.15
    assert own[-1].sfa > 0.85


@pytest.mark.parametrize("seed", range(5))
def test_energy_and_lateral_expansion_follow_the_shear_fraction(seed):
    own = bars(40, seed)
    sfa = [bar.sfa for bar in own]

    assert all(0 <= share <= 1 for share in sfa)
    assert np.corrcoef(sfa, [bar.kv_j for bar in own])[0, 1] > 0.9
    assert np.corrcoef(sfa, [bar.lateral_expansion_mm for bar in own])[0, 1] > 0.9
    assert all(bar.kv_j > 0 and bar.lateral_expansion_mm > 0 for bar in own)


def test_names_are_unique_and_orientations_are_those_of_astm_e399():
    own = bars()

    assert len({bar.specimen_id for bar in own}) == len(own) == 12
    assert {bar.orientation for bar in own} == {"L-T", "T-L"}


def test_any_number_of_bars_from_two_on_is_broken():
    assert [len(bars(count)) for count in (2, 3, 13)] == [2, 3, 13]
    with pytest.raises(ValidationError, match="specimens is 1; give at least 2"):
        bars(1)
