"""A damaged backup is found out, whatever is wrong with it, and live data stay as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

SOME, ALL = 42, 2_000


@pytest.fixture
def damaged(tmp_path, draw, sqlite_template, own_settings, monkeypatch):
    """A function that damages sets so often, and tells what was found; live data are compared."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.chdir(tmp_path)
    import damaged_sets

    pictures = [draw(f"camera/{seed}.png", seed=seed) for seed in range(damaged_sets.IMAGES)]
    scene = damaged_sets.laid_out(tmp_path, sqlite_template, pictures)

    def run(count, seed):
        before = [damaged_sets.state_of(each) for each in (scene.live, own_settings)]
        told = damaged_sets.damage_all(scene, count, seed)
        assert [damaged_sets.state_of(each) for each in (scene.live, own_settings)] == before
        return told

    return run


def check(told, count):
    """Every damage was found; what was put back is whole again."""
    assert told["missed"] == []
    assert told["whole"]
    assert told["found"].total() == count


def test_whatever_is_damaged_in_a_backup_is_found_and_nothing_live_is_touched(damaged):
    check(damaged(SOME, seed=1), SOME)


@pytest.mark.slow
def test_a_thousand_flipped_bits_and_a_thousand_damaged_files_are_found(damaged, kept):
    told = damaged(ALL, seed=2)
    check(told, ALL)
    found = told["found"]
    assert sum(n for (_, damage, _), n in found.items() if damage == "flipped") == ALL // 2
    for kind, damage in {key[:2] for key in found}:
        counted = {by: found[kind, damage, by] for by in ("verify", "restore", "missed")}
        assert sum(counted.values()) > ALL // 20
        kept("damaged_sets", f"{kind}, {damage}", counted)
