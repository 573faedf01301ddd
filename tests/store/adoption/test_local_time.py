"""Local times of the original become UTC by evidence or by configuration, never by guess."""

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.config import load_config
from mlmcsc.errors import AdoptionError


def image(local, utc):
    return {"timestamp": local, "created_at": utc}


SUMMER = image("2025-07-01 14:00:00.400000", "2025-07-01 12:00:00")
WINTER = image("2025-12-01 13:00:00.400000", "2025-12-01 12:00:00")


def zone(name):
    return load_config(overrides={"quality": {"instrument_timezone": name}})


def times(path):
    with DatabaseManager(f"sqlite:///{path}") as manager:
        return [f"{record.timestamp:%H:%M:%S}" for record in manager.get_images().items]


@pytest.mark.parametrize(
    ("local", "name"),
    [
        ("2025-07-01 14:00:01.400000", "UTC+02:00"),
        ("2025-07-01 12:00:02.400000", "UTC"),
        ("2025-07-01 17:45:00.000000", "UTC+05:45"),
        ("2025-06-30 23:59:58.000000", "UTC-12:00"),
        ("2025-07-02 02:00:00.000000", "UTC+14:00"),
    ],
)
def test_images_stored_at_once_show_the_offset(write_original, adopt, local, name):
    path = write_original(images=[image(local, "2025-07-01 12:00:00")])
    assert f"local time was {name}, as 1 rows show" in adopt(path).time_rule
    assert times(path)[0][:5] in {"12:00", "11:59"}


def test_the_audit_trail_counts_more_than_images_of_another_day(write_original, adopt):
    path = write_original(
        images=[image("2025-01-01 09:00:00", "2025-07-01 12:00:00")],
        technicians=[{"created_at": "2025-07-01 12:00:00"}],
        audit_logs=[
            {"table_name": "technicians", "record_id": 1, "timestamp": "2025-07-01 14:00:00.9"}
        ],
    )
    assert "UTC+02:00" in adopt(path).time_rule
    assert times(path) == ["07:00:00"]


def test_without_local_times_no_rule_is_needed(write_original, adopt):
    assert adopt(write_original()).time_rule == "the original holds no local time"


@pytest.mark.parametrize(
    "images", [[SUMMER, WINTER], [image("2020-01-01 09:11:12", "2025-07-01 12:00:00")]]
)
def test_without_agreeing_evidence_the_zone_must_be_given(write_original, adopt, images):
    path = write_original(images=images)
    before = path.read_bytes()
    with pytest.raises(AdoptionError, match=r"set quality\.instrument_timezone"):
        adopt(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["lab.db"]


def test_a_configured_zone_settles_summer_and_winter(write_original, adopt):
    path = write_original(images=[SUMMER, WINTER])
    report = adopt(path, config=zone("Europe/Berlin"))
    assert report.time_rule.startswith("Europe/Berlin, as quality.instrument_timezone says")
    assert "UTC+02:00 in 1 rows, UTC+01:00 in 1 rows" in report.time_rule
    assert times(path) == ["12:00:00", "12:00:00"]


def test_a_configured_zone_that_the_rows_contradict_is_refused(write_original, adopt):
    path = write_original(images=[SUMMER, WINTER])
    with pytest.raises(AdoptionError, match="the original's clock was at UTC"):
        adopt(path, config=zone("America/New_York"))


def test_the_hour_that_occurs_twice_does_not_contradict_its_zone(write_original, adopt):
    repeated = image("2025-10-26 02:30:00.100000", "2025-10-26 01:30:00")
    path = write_original(images=[SUMMER, repeated])
    assert adopt(path, config=zone("Europe/Berlin")).time_rule.endswith("counts as the first")
