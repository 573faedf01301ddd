import json
import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlmcsc.config import Config, ConfigError, default_document, load_config, validate_file

REPOSITORY = Path(__file__).resolve().parents[3]
DOCUMENTED = REPOSITORY / "src/database/database_config.json"


def write(file, document):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document))
    return str(file)


def pool(size):
    return {"database": {"pool_size": size}}


def load(cwd, path=None, **environ):
    return load_config(path, environ=environ, cwd=cwd)


def test_the_documented_file_holds_exactly_the_built_in_defaults():
    assert json.loads(DOCUMENTED.read_text()) == default_document()


def test_the_default_document_loads_and_changes_nothing(tmp_path):
    file = write(tmp_path / "all.json", default_document())
    assert validate_file(file) == []
    assert load(tmp_path, file).model_dump() == Config().model_dump()


def test_the_documented_file_is_found_from_anywhere(tmp_path):
    config = load(tmp_path)
    assert config.source == str(DOCUMENTED)
    assert config.provenance["database.pool_size"] == str(DOCUMENTED)


def test_the_working_directory_s_documented_file_stands_before_the_packaged_one(tmp_path):
    file = write(tmp_path / "src/database/database_config.json", pool(11))
    config = load(tmp_path)
    assert config.files == (file,)
    assert config.database.pool_size == 11
    assert config.provenance["database.max_overflow"] == "built-in defaults"


def test_no_file_at_all_leaves_the_built_in_defaults():
    config = Config()
    assert config.source == "built-in defaults"
    assert set(config.provenance.values()) == {"built-in defaults"}


def test_each_place_wins_over_the_one_before(tmp_path):
    url = "sqlite:///env.db"
    places = [write(tmp_path / "src/database/database_config.json", pool(11))]
    assert load(tmp_path).database.pool_size == 11
    places.append(write(tmp_path / "mlmcsc.json", pool(12)))
    assert load(tmp_path).database.pool_size == 12
    places.append(write(tmp_path / "named.json", pool(13)))
    environ = {"MLMCSC_CONFIG": "named.json"}
    assert load(tmp_path, **environ).database.pool_size == 13
    environ |= {"MLMCSC_DATABASE__POOL_SIZE": "14", "MLMCSC_DATABASE__URL": "sqlite:///a.db"}
    assert load(tmp_path, **environ).database.pool_size == 14
    environ["DATABASE_URL"] = url
    config = load(tmp_path, **environ)
    assert config.database.get_connection_url() == url
    assert config.files == tuple(places)
    assert config.source == places[-1]
    config = load_config(environ=environ, cwd=tmp_path, overrides=pool(15))
    assert config.database.pool_size == 15
    assert config.provenance["database.pool_size"] == "argument"


def test_layers_merge_key_by_key(tmp_path):
    write(tmp_path / "src/database/database_config.json", pool(11) | {"backup": {"enabled": False}})
    file = write(tmp_path / "mlmcsc.json", {"database": {"max_overflow": 1}})
    config = load(tmp_path)
    assert (config.database.pool_size, config.database.max_overflow) == (11, 1)
    assert not config.backup.enabled
    assert config.provenance["database.max_overflow"] == file


def test_a_path_stands_in_place_of_the_other_files_but_not_of_the_environment(tmp_path):
    write(tmp_path / "mlmcsc.json", pool(12))
    file = write(tmp_path / "mine.json", {"backup": {"retention_days": 3}})
    environ = {"MLMCSC_CONFIG": "absent.json", "MLMCSC_BACKUP__ENABLED": "false"}
    config = load(tmp_path, "mine.json", **environ)
    assert config.files == (file,)
    assert config.database.pool_size == 5
    assert (config.backup.retention_days, config.backup.enabled) == (3, False)


@pytest.mark.parametrize("path", ["absent.json", Path("absent.json")])
def test_a_path_that_is_missing_is_an_error(tmp_path, path):
    with pytest.raises(ConfigError, match=r"absent\.json: no such file"):
        load(tmp_path, path)


def test_a_named_file_that_is_missing_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match=r"MLMCSC_CONFIG: names .*absent\.json"):
        load(tmp_path, MLMCSC_CONFIG="absent.json")


def test_an_empty_variable_names_no_file(tmp_path):
    assert load(tmp_path, MLMCSC_CONFIG="").source == str(DOCUMENTED)


def test_a_file_named_twice_is_read_once_with_its_stronger_rank(tmp_path):
    base = write(tmp_path / "src/database/database_config.json", pool(11))
    other = write(tmp_path / "mlmcsc.json", pool(12))
    assert load(tmp_path, MLMCSC_CONFIG=base).files == (other, base)


def test_a_wrong_value_is_an_error_even_where_a_later_layer_wins(tmp_path):
    write(tmp_path / "mlmcsc.json", pool(0))
    with pytest.raises(ConfigError, match=r"mlmcsc\.json: database\.pool_size = 0"):
        load(tmp_path, MLMCSC_DATABASE__POOL_SIZE="7")


@pytest.mark.parametrize("key", ["db_type", "sqlite_path", "host", "database", "username"])
def test_a_part_of_the_connection_that_an_earlier_url_hides_is_an_error(tmp_path, key):
    file = write(tmp_path / "mlmcsc.json", {"database": {"url": "mysql://h/db"}})
    name = f"MLMCSC_DATABASE__{key.upper()}"
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **{name: "sqlite"})
    assert f'environment {name}: database.{key} = "sqlite": has no effect' in str(caught.value)
    assert file in str(caught.value)


def test_database_url_wins_over_every_part_and_over_the_other_url(tmp_path):
    config = load(
        tmp_path,
        DATABASE_URL="postgres://lab@h/db",
        MLMCSC_DATABASE__URL="sqlite:///a.db",
        MLMCSC_DATABASE__HOST="other",
        MLMCSC_DATABASE__USERNAME="someone",
    )
    assert config.database.get_connection_url() == "postgresql+psycopg://lab@h/db"
    assert config.provenance["database.url"] == "environment DATABASE_URL"


def test_a_later_null_takes_the_url_away(tmp_path):
    write(tmp_path / "src/database/database_config.json", {"database": {"url": "mysql://h/db"}})
    document = {"database": {"url": None, "sqlite_path": "lab.db"}}
    write(tmp_path / "mlmcsc.json", document)
    assert load(tmp_path).database.get_connection_url() == "sqlite:///lab.db"


def test_sslmode_where_it_protects_nothing_is_an_error(tmp_path):
    write(tmp_path / "mlmcsc.json", {"database": {"db_type": "mariadb"}})
    with pytest.raises(ConfigError, match=r"SSLMODE: database.sslmode .*postgresql only"):
        load(tmp_path, MLMCSC_DATABASE__SSLMODE="require")


def test_sslmode_may_come_from_another_layer_than_the_database_type(tmp_path):
    file = write(tmp_path / "mlmcsc.json", {"database": {"sslmode": "require"}})
    assert validate_file(file) == []
    config = load(tmp_path, MLMCSC_DATABASE__DB_TYPE="postgresql")
    assert config.database.get_connection_url().endswith("?sslmode=require")


@pytest.mark.parametrize(
    "example",
    [
        """{
  "database": {
    "db_type": "sqlite",
    "sqlite_path": "src/database/data/mlmcsc.db",
    "pool_size": 5,
    "echo_sql": false
  }
}""",
        """{
  "backup": {
    "enabled": true,
    "schedule": "daily",
    "retention_days": 30,
    "compression": true
  }
}""",
        """{
  "retention": {
    "image_retention_days": 730,
    "label_retention_days": 1095,
    "anonymization_enabled": true,
    "gdpr_compliance": true
  }
}""",
    ],
)
def test_the_documented_examples_load_as_printed(tmp_path, example):
    (tmp_path / "mlmcsc.json").write_text(example)
    config = load(tmp_path)
    [(section, fields)] = json.loads(example).items()
    assert getattr(config, section).model_dump(include=set(fields)) == fields


def test_provenance_covers_every_key_and_cannot_be_changed(tmp_path):
    provenance = load(tmp_path).provenance
    document = default_document()
    assert set(provenance) == {f"{s}.{f}" for s, fields in document.items() for f in fields}
    with pytest.raises(TypeError):
        provenance["database.pool_size"] = "me"


def test_a_configuration_travels_to_another_process_with_its_provenance(tmp_path):
    config = load(tmp_path, MLMCSC_DATABASE__POOL_SIZE="7")
    copy = pickle.loads(pickle.dumps(config))  # noqa: S301  our own bytes; process pools pickle
    assert copy == config
    assert copy.provenance == config.provenance


def test_the_process_s_own_environment_and_directory_are_the_default(tmp_path, monkeypatch):
    write(tmp_path / "mlmcsc.json", pool(12))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLMCSC_BACKUP__RETENTION_DAYS", "9")
    config = load_config()
    assert (config.database.pool_size, config.backup.retention_days) == (12, 9)


def test_loading_takes_no_time_to_speak_of(tmp_path):
    load(tmp_path)
    start = time.perf_counter()
    load(tmp_path)
    assert time.perf_counter() - start < 0.06


def test_configuration_imports_nothing_heavy():
    script = "import sys, mlmcsc.config as c; c.load_config(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.decode().split()}
    assert loaded.isdisjoint({"sqlalchemy", "pandas", "numpy", "cv2", "cronsim", "src"})
