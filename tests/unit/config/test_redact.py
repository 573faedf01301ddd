import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.config import Config, DatabaseSection, redact_url
from mlmcsc.config.model import SECTIONS
from mlmcsc.config.redact import looks_secret, printable

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://lab:canary@h:5432/db", "postgresql://lab:***@h:5432/db"),
        ("postgresql://:canary@h/db", "postgresql://:***@h/db"),
        ("postgresql://lab@h/db?sslmode=require", "postgresql://lab@h/db?sslmode=require"),
        ("mysql://lab:canary@[::1]:3306/db", "mysql://lab:***@[::1]:3306/db"),
        ("postgresql://h/db?user=lab&password=canary", "postgresql://h/db?user=lab&password=***"),
        ("postgresql://h/db?pass%77ord=canary&a=1", "postgresql://h/db?pass%77ord=***&a=1"),
        ("sqlite:///lab.db?key=canary", "sqlite:///lab.db?key=***"),
        ("sqlite:////home/a@b/lab.db", "sqlite:////home/a@b/lab.db"),
        ("sqlite+pysqlcipher://:canary@/lab.db", "sqlite+pysqlcipher://:***@/lab.db"),
        ("lab.db", "lab.db"),
        ("[::1]", "[::1]"),
    ],
)
def test_only_secrets_are_hidden(url, shown):
    assert redact_url(url) == shown


@pytest.mark.parametrize(
    "malformed",
    [
        "postgresql://lab:canary/db",
        "postgresql://lab:x:canary",
        "postgresql://lab:x@canary@h/db",
        "postgresql://lab:x/canary@h/db",
        "postgresql://lab:x?canary@h/db",
        "postgresql://lab:x#canary@h/db",
        "postgresql:///lab:canary@h/db",
        "postgresql://h/db?password=x&canary",
        "postgresql://h/db?password=x#canary",
        "postgresql://h/db?password=x@canary",
        "postgresql:/lab:canary@h/db",
        "lab:canary@h/db",
        "lab:canary@h?x=://",
        "host=h password=canary",
        "lab.db?key=canary",
    ],
)
def test_malformed_input_is_hidden_rather_than_shown(malformed):
    assert "canary" not in redact_url(malformed)


@given(user=texts, first=texts, second=texts)
@pytest.mark.parametrize("db_type", ["postgresql", "mysql"])
def test_what_is_shown_does_not_depend_on_the_password(db_type, user, first, second):
    def shown(password):
        section = DatabaseSection(db_type=db_type, username=user or None, password=password)
        return section.get_redacted_url()

    assert shown(first) == shown(second)


@given(before=texts, after=texts)
def test_no_unencoded_password_is_ever_shown(before, after):
    assert "CANARY" not in redact_url(f"postgresql://lab:{before}CANARY{after}@h/db")


@given(st.text())
def test_redaction_of_anything_is_stable(text):
    once = redact_url(text)
    assert redact_url(once) == once


@pytest.mark.parametrize(
    "name", ["password", "passwrod", "psasword", "PWD", "api_key", "secret", "token", "db_pass"]
)
def test_names_that_look_secret_are_recognised(name):
    assert looks_secret(name)


def test_of_the_known_keys_only_the_password_looks_secret():
    names = {field for model in SECTIONS.values() for field in model.model_fields}
    assert {name for name in names if looks_secret(name)} == {"password"}


def test_a_printed_value_hides_secrets_at_any_depth():
    value = {"password": "canary", "urls": ["postgresql://u:canary@h/db"], "size": 5}
    assert printable("databse", value) == (
        '{"password": "***", "urls": ["postgresql://u:***@h/db"], "size": 5}'
    )


def test_a_printed_value_is_short():
    assert len(printable("quality.x", "n" * 5000)) == 120


def test_a_configuration_shows_no_secret_however_it_is_printed():
    parts = {"db_type": "postgresql", "username": "lab", "password": "canary"}
    for database in (parts, {"url": "postgresql://lab:canary@h/db?sslpassword=canary"}):
        config = Config.model_validate({"database": database})
        for text in (
            repr(config),
            str(config),
            str(config.redacted()),
            str(config.model_dump()),
            config.model_dump_json(),
            config.database.get_redacted_url(),
        ):
            assert "canary" not in text
        assert "canary" in config.database.get_connection_url()


def test_the_redacted_document_marks_what_is_set():
    config = Config.model_validate({"database": {"password": "canary", "url": "mysql://u:c@h/d"}})
    assert config.redacted()["database"]["password"] == "***"  # noqa: S105  the mark, not a secret
    assert config.redacted()["database"]["url"] == "mysql+pymysql://u:***@h/d"
    assert Config().redacted()["database"]["password"] is None
