from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from mlmcsc.config import ConfigError, DatabaseSection, normalise_url

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


def url(**fields):
    return DatabaseSection(**fields).get_connection_url()


def test_sqlite_relative_path_stays_as_written():
    assert url() == "sqlite:///src/database/data/mlmcsc.db"


def test_sqlite_absolute_path_has_four_slashes():
    assert url(sqlite_path="/data/lab.db") == "sqlite:////data/lab.db"


def test_sqlite_in_memory():
    assert url(sqlite_path=":memory:") == "sqlite:///:memory:"


def allowed_path(text):
    return text.strip() and text[0] != "~" and "\0" not in text and "://" not in text


@given(words.filter(allowed_path))
def test_the_driver_gets_the_sqlite_path_that_was_written(path):
    assert make_url(url(sqlite_path=path)).database == path


def test_postgresql():
    fields = {"username": "lab", "password": "pw", "host": "db.example.org", "database": "charpy"}
    expected = "postgresql+psycopg://lab:pw@db.example.org:5433/charpy"
    assert url(db_type="postgresql", port=5433, **fields) == expected


@pytest.mark.parametrize(
    ("db_type", "expected"),
    [
        ("postgresql", "postgresql+psycopg://localhost:5432/mlmcsc"),
        ("mysql", "mysql+pymysql://localhost:3306/mlmcsc"),
        ("mariadb", "mariadb+pymysql://localhost:3306/mlmcsc"),
    ],
)
def test_each_server_has_its_driver_and_standard_port(db_type, expected):
    assert url(db_type=db_type) == expected


def test_an_ipv6_host_stands_in_brackets():
    assert url(db_type="postgresql", host="fd00::7") == "postgresql+psycopg://[fd00::7]:5432/mlmcsc"


def test_a_socket_directory_goes_into_the_query():
    made = make_url(url(db_type="postgresql", host="/var/run/postgresql", username="lab"))
    assert (made.host, made.query["host"]) == (None, "/var/run/postgresql")
    assert make_url(url(db_type="mysql", host="/run/my.sock")).query == {
        "unix_socket": "/run/my.sock"
    }


def test_the_port_of_a_socket_goes_into_the_query():
    made = make_url(url(db_type="postgresql", host="/tmp", port=5499))  # noqa: S108  a name only
    assert made.query == {"host": "/tmp", "port": "5499"}  # noqa: S108  a name only


def test_sslmode_goes_into_the_query():
    made = url(db_type="postgresql", sslmode="verify-full")
    assert parse_qs(urlsplit(made).query) == {"sslmode": ["verify-full"]}


def test_sslmode_for_mysql_is_refused_because_it_would_protect_nothing():
    with pytest.raises(ConfigError, match=r"'require'.*PostgreSQL's.*mysql.*ssl_ca"):
        url(db_type="mysql", sslmode="require")


@given(user=words, password=words, database=words)
@pytest.mark.parametrize("db_type", ["postgresql", "mysql", "mariadb"])
def test_any_user_password_and_database_survive_the_url(db_type, user, password, database):
    made = url(db_type=db_type, username=user, password=password, database=database, host="::1")
    parts = urlsplit(made)
    assert unquote(parts.username) == user
    assert unquote(parts.password) == password
    assert unquote(parts.path[1:]) == database
    assert (parts.hostname, parts.query, parts.fragment) == ("::1", "", "")
    seen = make_url(made)  # the real reader
    assert (seen.username, seen.password, seen.database) == (user, password, database)


@given(user=words, password=words, database=words)
def test_a_built_url_is_already_normal(user, password, database):
    made = url(db_type="postgresql", username=user, password=password, database=database)
    assert normalise_url(made) == made


@pytest.mark.parametrize(
    ("given_url", "normal"),
    [
        ("postgres://lab:pw@h/db", "postgresql+psycopg://lab:pw@h/db"),
        ("postgresql://lab:pw@h:5432/db?sslmode=require", None),
        ("postgresql+psycopg://h/db", "postgresql+psycopg://h/db"),
        ("POSTGRES://h/db", "postgresql+psycopg://h/db"),
        ("mysql://h/db", "mysql+pymysql://h/db"),
        ("mariadb://h/db", "mariadb+pymysql://h/db"),
        ("sqlite:///lab.db", "sqlite:///lab.db"),
        ("sqlite:////data/a@b.db", "sqlite:////data/a@b.db"),
        ("sqlite://", "sqlite://"),
        ("  sqlite:///lab.db\n", "sqlite:///lab.db"),
    ],
)
def test_known_schemes_get_our_driver_and_the_rest_stays(given_url, normal):
    expected = normal or given_url.replace("postgresql://", "postgresql+psycopg://")
    assert normalise_url(given_url) == expected


def test_an_unknown_scheme_is_refused_with_the_list():
    with pytest.raises(ConfigError) as caught:
        normalise_url("oracle://lab:canary@h/db")
    message = str(caught.value)
    for scheme in ("sqlite", "postgresql", "mysql", "mariadb", "'oracle://lab:***@h/db'"):
        assert scheme in message
    assert "canary" not in message


def test_a_misspelt_scheme_is_guessed():
    with pytest.raises(ConfigError, match="did you mean 'postgresql'"):
        normalise_url("postgressql://h/db")


@pytest.mark.parametrize(
    ("text", "repair"),
    [
        ("lab.db", "sqlite:///lab.db"),
        ("/data/lab.db", "sqlite:////data/lab.db"),
        ("sqlite:lab.db", "sqlite:///lab.db"),
        ("sqlite://lab.db", "sqlite:///lab.db"),
        ("", "sqlite:///lab.db"),
        ("host=h user=lab password=canary", "postgresql://user:password@host:5432/database"),
        ("lab:canary@h/db", "postgresql://user:password@host:5432/database"),
    ],
)
def test_what_is_not_a_url_is_refused_with_the_repair(text, repair):
    with pytest.raises(ConfigError) as caught:
        normalise_url(text)
    assert repair in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "ambiguous",
    [
        "postgresql://lab:can/ary@h/db",
        "postgresql://lab:1/canary@h/db",
        "postgresql://lab:can@ary@h/db",
        "postgresql://lab:1#canary@h/db",
        "postgresql://lab:canary[@h/db",
        "postgresql://lab:canary/db",
        "postgresql://lab:canary@h:99999/db",
        "postgresql://lab:canary@h:0/db",
        "postgresql://lab:canary@[::1/db",
        "mysql://lab:canary\n@h/db",
    ],
)
def test_parts_that_cannot_be_told_apart_are_refused_without_showing_them(ambiguous):
    with pytest.raises(ConfigError, match="percent-encode") as caught:
        normalise_url(ambiguous)
    assert "ary" not in str(caught.value)


def test_url_stands_in_place_of_all_parts():
    section = DatabaseSection(db_type="mysql", host="other", url="postgres://lab:pw@h/db")
    assert section.get_connection_url() == "postgresql+psycopg://lab:pw@h/db"
    assert section.kind == "postgresql"
    assert DatabaseSection(db_type="mysql").kind == "mysql"


@pytest.mark.parametrize("url", ["sqlite:///a?b.db", "sqlite:///x.db?mode=ro"])
def test_sqlite_takes_no_options_and_no_file_name_is_cut_short(url):
    with pytest.raises(ConfigError, match="%3F"):
        normalise_url(url)
    assert normalise_url("sqlite:///a%3Fb.db") == "sqlite:///a%3Fb.db"
