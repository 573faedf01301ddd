from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from mlmcsc.config import Config, SecuritySection, allowed_values
from mlmcsc.config.model import SECTIONS
from mlmcsc.config.problems import check_document

KEYS = [f"{name}.{field}" for name, model in SECTIONS.items() for field in model.model_fields]


def problems(key, value):
    section, field = key.split(".")
    return [p.message for p in check_document({section: {field: value}}, "f.json")]


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_described_and_says_what_it_allows(key):
    section, field = key.split(".")
    assert SECTIONS[section].model_fields[field].description.endswith(".")
    assert allowed_values(key)


@pytest.mark.parametrize("key", KEYS)
def test_every_key_refuses_what_is_of_no_json_type_it_knows(key):
    assert allowed_values(key) in problems(key, {"an": "object"})[0]


@pytest.mark.parametrize(
    ("key", "low", "high"),
    [
        ("database.port", 1, 65535),
        ("database.pool_size", 1, 100),
        ("database.max_overflow", 0, 100),
        ("backup.retention_days", 1, 36500),
        ("retention.image_retention_days", 1, 36500),
        ("quality.min_confidence", 0, 1),
        ("quality.flag_threshold", 0, 1),
        ("quality.max_image_megapixels", 1, 100_000),
        ("security.max_failed_logins", 1, 100),
        ("performance.batch_size", 1, 100_000),
        ("performance.ingest_workers", 1, 256),
        ("performance.thumbnail_size", 16, 4096),
        ("performance.page_size", 1, 10_000),
        ("monitoring.disk_free_warning_percent", 0, 100),
    ],
)
def test_limits_belong_to_the_range_and_the_message_names_them(key, low, high):
    assert problems(key, low) == problems(key, high) == []
    for outside in (low - 1, high + 1):
        assert f"from {low} to {high}" in problems(key, outside)[0]


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("database.pool_size", "5"),
        ("database.pool_size", True),
        ("database.pool_size", 5.0),
        ("database.echo_sql", "false"),
        ("database.echo_sql", 0),
        ("database.host", 7),
        ("database.host", None),
        ("backup.directory", 7),
        ("quality.min_confidence", "0.5"),
        ("security.ip_allowlist", "10.0.0.0/8"),
    ],
)
def test_a_file_s_values_are_never_converted_between_types(key, wrong):
    assert allowed_values(key) in problems(key, wrong)[0]


@pytest.mark.parametrize("host", ["localhost", "db-1.lab_net", "10.0.0.7", "::1", "/var/run/pg"])
def test_hosts(host):
    assert problems("database.host", host) == []


@pytest.mark.parametrize("host", ["", "db:5432", "a b", "u@h", "h/db", "postgresql://h"])
def test_what_is_not_a_host(host):
    assert "database.port" in problems("database.host", host)[0]


@pytest.mark.parametrize("key", ["database.sqlite_path", "backup.directory", "security.key_file"])
@pytest.mark.parametrize(
    ("path", "reason"),
    [("", "empty"), ("~/lab", "in full"), ("a\0b", "NUL"), ("sqlite:///lab.db", "database.url")],
)
def test_what_is_not_a_path(key, path, reason):
    assert reason in problems(key, path)[0]


@pytest.mark.parametrize(
    "text", ["hourly", "daily", "weekly", "monthly", "30 2 * * 1", "0 0 L * *"]
)
def test_schedules(text):
    assert problems("backup.schedule", text) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("dayly", "five fields"),
        ("* * * * * *", "five fields"),
        ("61 * * * *", "Bad minute"),
        ("0 0 31 2 *", "Bad day-of-month"),
        ("0 0 */30 2 MON#5", "never fires"),
    ],
)
def test_what_is_not_a_schedule(text, reason):
    message = problems("quality.check_schedule", text)[0]
    assert reason in message
    assert "hourly, daily, weekly, monthly" in message


@pytest.mark.parametrize("wrong", [[1, 0], [1, 1], [0], [0, 1, 2], ["a", 1], [0, float("inf")]])
def test_a_label_range_is_two_finite_rising_numbers(wrong):
    assert "low < high" in problems("quality.label_range", wrong)[0]


def test_a_label_range_in_percent():
    config = Config.model_validate_json('{"quality": {"label_range": [0, 100]}}', strict=True)
    assert config.quality.label_range == (0.0, 100.0)


def test_time_zones():
    assert problems("quality.instrument_timezone", "Europe/Berlin") == []
    for wrong in ("../etc/passwd", "America", "", "/etc/localtime"):
        assert "IANA" in problems("quality.instrument_timezone", wrong)[0]


def test_a_misspelt_time_zone_is_guessed():
    message = problems("quality.instrument_timezone", "Europe/Berln")[0]
    assert "did you mean 'Europe/Berlin'?" in message


def test_networks():
    document = '{"security": {"ip_allowlist": ["192.168.1.0/24", "::1", "10.1.2.3"]}}'
    allowed = Config.model_validate_json(document, strict=True).security.ip_allowlist
    assert allowed == tuple(map(ip_network, ["192.168.1.0/24", "::1/128", "10.1.2.3/32"]))


def test_a_network_object_is_taken_as_it_is():
    network = ip_network("10.0.0.0/8")
    assert SecuritySection(ip_allowlist=(network,)).ip_allowlist == (network,)


def test_an_address_with_a_mask_is_told_its_network():
    assert "write 10.0.0.0/8" in problems("security.ip_allowlist", ["10.0.0.1/8"])[0]


def test_each_wrong_item_of_a_list_is_a_problem_of_its_own():
    document = {"security": {"ip_allowlist": ["::1", "x", 3]}}
    keys = [problem.key for problem in check_document(document, "f.json")]
    assert keys == ["security.ip_allowlist[1]", "security.ip_allowlist[2]"]


@pytest.mark.parametrize("wrong", ["lab", "a@b, c@d", "a@b\nBcc: c@d", "@b", "a@"])
def test_an_alert_goes_to_one_address_per_entry(wrong):
    assert problems("monitoring.alert_email", ["lab@example.org"]) == []
    assert "e-mail" in problems("monitoring.alert_email", [wrong])[0]


def test_paths_are_paths():
    assert problems("backup.directory", "src/database/backups") == []
    assert Config(backup={"directory": "a/b"}).backup.directory == Path("a/b")


@pytest.mark.parametrize("url", ["s3://lab-backups", "s3://lab.backups/charpy/2026"])
def test_backups_may_go_to_a_bucket(url):
    assert problems("backup.remote", url) == []


@pytest.mark.parametrize(
    "wrong", ["s3://key:secret@bucket", "http://host", "s3://", "s3://b/../c?x"]
)
def test_credentials_never_stand_in_the_address_of_a_bucket(wrong):
    assert "credentials" in problems("backup.remote", wrong)[0]


def test_a_configuration_cannot_be_changed():
    config = Config()
    with pytest.raises(ValidationError, match="frozen"):
        config.database.pool_size = 7
    with pytest.raises(ValidationError, match="frozen"):
        config.database = None


@pytest.mark.parametrize("pattern", ["auto-{date}-{n}", "{n}", "v{n}.0"])
def test_patterns_of_version_names(pattern):
    assert problems("versioning.name_pattern", pattern) == []


@pytest.mark.parametrize("pattern", ["auto", "auto-{date}", "a/{n}", "-{n}", "{n}" + 40 * "x"])
def test_a_pattern_that_names_no_second_version_or_no_file_is_refused(pattern):
    assert problems("versioning.name_pattern", pattern)


def test_schedules_may_be_unset_for_versions():
    assert problems("versioning.auto_schedule", None) == []
    assert "cron expression" in problems("versioning.auto_schedule", "sometimes")[0]
