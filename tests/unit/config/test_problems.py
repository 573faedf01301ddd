import json

import pytest

from mlmcsc.config import ConfigError, load_config, validate_file


@pytest.fixture
def problems_of(tmp_path):
    def write(content):
        file = tmp_path / "lab.json"
        file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return [str(problem) for problem in validate_file(file)]

    return write


def test_an_unknown_key_names_file_key_value_nearest_and_allowed(problems_of, tmp_path):
    [text] = problems_of({"database": {"pool_sise": 7}})
    assert text.startswith(f"{tmp_path / 'lab.json'}: database.pool_sise = 7: unknown key")
    assert "did you mean 'pool_size'?" in text
    assert "allowed are db_type, sqlite_path, host" in text


def test_a_wrong_value_names_file_key_value_and_allowed(problems_of, tmp_path):
    [text] = problems_of({"database": {"db_type": "oracle"}})
    assert text == (
        f'{tmp_path / "lab.json"}: database.db_type = "oracle": '
        "allowed is one of sqlite, postgresql, mysql, mariadb"
    )


def test_an_unknown_section_names_the_sections(problems_of):
    [text] = problems_of({"databse": {}})
    assert "unknown section (did you mean 'database'?)" in text
    assert "backup, retention, quality, security, performance, monitoring" in text


def test_a_key_in_the_wrong_section_is_told_its_home(problems_of):
    [text] = problems_of({"database": {"schedule": "daily"}})
    assert "it belongs in 'backup'" in text


def test_a_section_that_is_no_object(problems_of):
    [text] = problems_of({"backup": None})
    assert "backup = null: allowed is an object with keys out of: enabled" in text


def test_all_problems_are_collected_at_once(problems_of):
    texts = problems_of(
        {"database": {"pool_size": 0, "x": 1}, "quality": {"min_confidence": 2}, "nope": 1}
    )
    assert len(texts) == 4


def test_load_config_tells_all_problems_of_all_places_at_once(tmp_path):
    (tmp_path / "mlmcsc.json").write_text('{"database": {"pool_size": 0}}')
    environ = {"MLMCSC_QUALITY__MIN_CONFIDENCE": "2"}
    with pytest.raises(ConfigError) as caught:
        load_config(environ=environ, cwd=tmp_path)
    first, *rest = str(caught.value).splitlines()
    assert first == "2 problems in the configuration:"
    assert "mlmcsc.json: database.pool_size = 0" in rest[0]
    assert "environment MLMCSC_QUALITY__MIN_CONFIDENCE: quality.min_confidence = 2" in rest[1]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"database": {},\n "backup" {}}', "not valid JSON at line 2, column 11"),
        ("", "not valid JSON at line 1, column 1"),
        ("[]", "one JSON object with sections out of: database"),
        ('{"backup": {}, "backup": {}}', "the key 'backup' stands twice"),
        ('{"quality": {"min_confidence": NaN}}', "NaN is not a JSON number"),
        ('{"database": {"host": "\\ud800"}}', "Invalid JSON"),
        ("[" * 100_000, "recursion"),
        ('{"quality": {"min_confidence": 1e999}}', "quality.min_confidence = Infinity"),
    ],
)
def test_an_unusable_file_is_one_problem_with_its_place(problems_of, content, reason):
    [text] = problems_of(content)
    assert "lab.json: " in text
    assert reason in text


def test_a_byte_order_mark_is_no_problem(problems_of):
    assert problems_of("\ufeff{}") == []


def test_a_file_that_is_not_utf8(tmp_path):
    file = tmp_path / "lab.json"
    file.write_bytes(b'{"database": {"host": "\xe9"}}')
    [problem] = validate_file(file)
    assert "not UTF-8 at byte 23" in problem.message


def test_a_missing_file_and_a_directory(tmp_path):
    [missing] = validate_file(tmp_path / "none.json")
    assert "mlmcsc config generate" in missing.message
    [directory] = validate_file(tmp_path)
    assert "cannot be read" in directory.message


CANARIES = [
    {"database": {"password": ["canary"]}},
    {"database": {"passwrod": "canary"}},
    {"database": {"pw": "canary"}},
    {"database": {"url": "oracle://lab:canary@h/db"}},
    {"database": {"url": "postgresql://lab:x@canary@h/db"}},
    {"database": {"url": ["postgresql://lab:canary@h/db"]}},
    {"database": {"host": "lab:canary@h"}},
    {"database": {"sqlite_path": "postgresql://lab:canary@h/db"}},
    {"database": {"connection": {"password": "canary"}}},
    {"database": "lab:canary@h"},
    {"databse": {"password": "canary"}},
    {"backup": {"url": "postgresql://lab:canary@h/db"}},
    {"password": "canary"},
    {"api_key": {"value": "canary"}},
    {"database": {"password": "canary", "host": "\ud800"}},
]


@pytest.mark.parametrize("document", CANARIES)
def test_no_problem_shows_a_secret(problems_of, document):
    [text] = problems_of(document)
    assert "canary" not in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "oracle://lab:canary@h/db"),
        ("DATABASE_URL", "postgresql://lab:x/canary@h/db"),
        ("DATABASE_URL", "host=h password=canary"),
        ("MLMCSC_DATABASE__PASSWROD", "canary"),
        ("MLMCSC_DATABSE__PASSWORD", "canary"),
        ("MLMCSC_DATABASE__URL", "postgresql://lab:canary@h:x/db"),
    ],
)
def test_no_error_or_its_cause_shows_a_secret_of_the_environment(tmp_path, name, value):
    with pytest.raises(ConfigError) as caught:
        load_config(environ={name: value}, cwd=tmp_path)
    assert name in str(caught.value)
    error = caught.value
    while error is not None:
        assert "canary" not in str(error)
        error = error.__cause__ or error.__context__


def test_settings_that_hide_one_another_are_told_without_the_secret(tmp_path):
    (tmp_path / "mlmcsc.json").write_text('{"database": {"url": "mysql://u:canary@h/d"}}')
    environ = {"MLMCSC_DATABASE__PASSWORD": "canary"}
    with pytest.raises(ConfigError) as caught:
        load_config(environ=environ, cwd=tmp_path)
    assert 'MLMCSC_DATABASE__PASSWORD: database.password = "***": has no effect' in str(
        caught.value
    )
    assert "canary" not in str(caught.value)
