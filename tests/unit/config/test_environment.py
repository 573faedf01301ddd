import base64
import traceback

import pytest

from mlmcsc.config import ConfigError, load_config


@pytest.fixture
def load(tmp_path):
    return lambda **environ: load_config(environ=environ, cwd=tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DATABASE__POOL_SIZE", "20", 20),
        ("DATABASE__POOL_TIMEOUT_SECONDS", "2.5", 2.5),
        ("DATABASE__PORT", "", None),
        ("DATABASE__DB_TYPE", "mariadb", "mariadb"),
        ("DATABASE__DATABASE", "2024", "2024"),
        ("DATABASE__USERNAME", "null", "null"),
        ("DATABASE__SSLMODE", "", None),
        ("BACKUP__ENABLED", "false", False),
        ("BACKUP__ENABLED", "NO", False),
        ("BACKUP__ENABLED", "0", False),
        ("BACKUP__ENABLED", "on", True),
        ("BACKUP__ENABLED", "1", True),
        ("QUALITY__LABEL_RANGE", "[0, 100]", (0.0, 100.0)),
        ("PERFORMANCE__INGEST_WORKERS", "null", None),
        ("MONITORING__ALERT_EMAIL", '["a@example.org", "b@example.org"]', None),
    ],
)
def test_text_is_read_as_the_field_s_type(load, name, text, value):
    config = load(**{f"MLMCSC_{name}": text})
    section, field = name.lower().split("__")
    expected = ("a@example.org", "b@example.org") if field == "alert_email" else value
    assert getattr(getattr(config, section), field) == expected
    assert config.provenance[f"{section}.{field}"] == f"environment MLMCSC_{name}"


def test_a_password_of_digits_stays_text(load):
    config = load(MLMCSC_DATABASE__PASSWORD="0123")  # noqa: S106  a test's password
    assert config.database.password.get_secret_value() == "0123"


def test_a_path_stays_text(load):
    config = load(MLMCSC_SECURITY__KEY_FILE="/keys/7", MLMCSC_BACKUP__DIRECTORY="12")
    assert (str(config.security.key_file), str(config.backup.directory)) == ("/keys/7", "12")


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [
        ("DATABASE__POOL_SIZE", "many", "a whole number from 1 to 100"),
        ("DATABASE__POOL_SIZE", "1e1", "a whole number from 1 to 100"),
        ("DATABASE__POOL_SIZE", "", "a whole number from 1 to 100"),
        ("DATABASE__POOL_SIZE", "true", "a whole number from 1 to 100"),
        ("BACKUP__ENABLED", "maybe", "true or false"),
        ("QUALITY__MIN_CONFIDENCE", "NaN", "a number from 0 to 1"),
        ("SECURITY__IP_ALLOWLIST", "10.0.0.0/8", "a list"),
    ],
)
def test_wrong_text_names_variable_key_and_allowed(load, name, text, allowed):
    with pytest.raises(ConfigError) as caught:
        load(**{f"MLMCSC_{name}": text})
    key = name.lower().replace("__", ".")
    assert str(caught.value).startswith(f"environment MLMCSC_{name}: {key} = ")
    assert f"allowed is {allowed}" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("MLMCSC_DATABASE__POOL_SISE", "did you mean 'pool_size'?"),
        ("MLMCSC_DATABASE__POOL__SIZE", "did you mean 'pool_size'?"),
        ("MLMCSC_DATABSE__POOL_SIZE", "did you mean 'database'?"),
        ("MLMCSC__DATABASE__POOL_SIZE", "did you mean 'database'?"),
        ("mlmcsc_database__pool_sise", "did you mean 'pool_size'?"),
    ],
)
def test_a_misspelt_variable_is_an_error_with_a_guess(load, name, hint):
    with pytest.raises(ConfigError) as caught:
        load(**{name: "7"})
    assert f"environment {name}: " in str(caught.value)
    assert hint in str(caught.value)


def test_names_count_in_any_case(load):
    assert load(mlmcsc_database__pool_size="7").database.pool_size == 7


def test_other_variables_are_left_alone(load):
    environ = {"MLMCSC_KEY_FILE": "k", "MLMCSC_POOL_SIZE": "x", "OTHER__KEY": "x", "PATH": "/bin"}
    assert load(**environ).database.pool_size == 5


def test_an_empty_database_url_counts_as_unset(load):
    assert load(DATABASE_URL="").database.url is None


def test_a_url_and_its_parts_in_one_environment_is_the_url(load):
    config = load(MLMCSC_DATABASE__URL="mysql://h/db", MLMCSC_DATABASE__USERNAME="lab")
    assert config.database.get_connection_url() == "mysql+pymysql://h/db"


KEY = base64.b64encode(bytes(range(220, 252))).decode()


def test_the_variables_of_the_master_key_are_no_settings(load):
    config = load(MLMCSC_KEY=KEY, MLMCSC_KEY_RETIRED=KEY, MLMCSC_KEY_FILE="/lab.key")
    assert config == load()
    assert KEY not in repr(config) + str(config.redacted()) + str(dict(config.provenance))


@pytest.mark.parametrize(
    "name", ["MLMCSC_KEY__RETIRED", "MLMCSC_SECURITY__KEY", "MLMCSC_KEY__FILE"]
)
def test_a_misspelt_variable_does_not_show_the_key(load, name):
    with pytest.raises(ConfigError, match=name) as caught:
        load(**{name: KEY})
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("key", [KEY, KEY.rstrip("="), KEY.replace("+", "-").replace("/", "_")])
def test_a_key_in_the_place_of_its_file_s_name_is_refused_and_not_shown(load, key):
    with pytest.raises(ConfigError, match="set the variable MLMCSC_KEY to it") as caught:
        load(MLMCSC_SECURITY__KEY_FILE=key)
    assert key not in "".join(traceback.format_exception(caught.value))


def test_a_path_of_a_key_s_length_is_a_path(load):
    path = f"/{'k' * 42}"
    assert str(load(MLMCSC_SECURITY__KEY_FILE=path).security.key_file) == path
