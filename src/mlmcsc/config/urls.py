"""Database URLs as text: build one from its parts, bring a given one into the form we use.

Pure string work, after RFC 3986 and SQLAlchemy's reading of it (user, password and database are
percent-decoded); the configuration layer does not import SQLAlchemy.
"""

import difflib
import re
from urllib.parse import quote, urlencode, urlsplit

from mlmcsc.config.redact import redact_url
from mlmcsc.errors import ConfigError

DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mysql+pymysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "mariadb+pymysql": "mariadb+pymysql",
}
"""Accepted URL schemes and the scheme, with driver, that stands for each."""

STANDARD_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306}


def sqlite_url(path: str) -> str:
    """Return the URL of an SQLite file.

    Args:
        path: File path, relative to the working directory or absolute, or `:memory:`.

    Returns:
        `sqlite:///lab.db` for `lab.db`, `sqlite:////data/lab.db` for `/data/lab.db`.
    """
    return "sqlite:///" + path.translate({ord(char): quote(char) for char in "%?#"})


def server_url(
    db_type: str,
    *,
    host: str,
    database: str,
    port: int | None = None,
    username: str | None = None,
    password: str | None = None,
    sslmode: str | None = None,
) -> str:
    """Return the URL of a database on a PostgreSQL, MySQL or MariaDB server.

    Args:
        db_type: `postgresql`, `mysql` or `mariadb`.
        host: Name, IPv4 or IPv6 address, or the absolute path of a Unix socket (for PostgreSQL of
            the directory that holds it).
        database: Name of the database.
        port: 1 to 65535; None is the server's standard port.
        username: None lets the driver choose, normally the operating system's user.
        password: In clear, any characters.
        sslmode: libpq's sslmode; PostgreSQL only.

    Returns:
        The URL with the password in clear, percent-encoded: for the driver, never for printing.

    Raises:
        ConfigError: sslmode is given for MySQL or MariaDB, where it would protect nothing.
    """
    if sslmode and db_type != "postgresql":
        raise ConfigError(
            f"sslmode {sslmode!r} is PostgreSQL's; for {db_type} give database.url with "
            "?ssl_ca=/path/to/ca.pem instead"
        )
    query = {"sslmode": sslmode} if sslmode else {}
    if host.startswith("/"):
        location = ""
        query |= {"host" if db_type == "postgresql" else "unix_socket": host}
        if port and db_type == "postgresql":
            query["port"] = str(port)
    else:
        name = f"[{host}]" if ":" in host else host
        location = f"{name}:{port or STANDARD_PORTS[db_type]}"
    user = _userinfo(username, password)
    tail = f"?{urlencode(query, safe='/')}" if query else ""
    return f"{DRIVERS[db_type]}://{user}{location}/{quote(database, safe='')}{tail}"


def normalise_url(url: str) -> str:
    """Return a database URL with our driver in its scheme; the rest stays as written.

    Args:
        url: A URL such as `postgres://lab:pw@host/db` or `sqlite:///lab.db`.

    Returns:
        The URL with the scheme of `DRIVERS`, surrounding blanks removed.

    Raises:
        ConfigError: Not a URL, a scheme that is not in `DRIVERS`, or parts that cannot be told
            apart. The message shows the URL without its secrets.
    """
    text = url.strip()
    shown = redact_url(text)
    scheme, separator, rest = text.partition("://")
    if not separator:
        raise ConfigError(_not_a_url(text, shown))
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise ConfigError("the database URL holds a control character; percent-encode it")
    driver = DRIVERS.get(scheme.lower())
    if driver is None:
        near = difflib.get_close_matches(scheme.lower(), DRIVERS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        known = ", ".join(DRIVERS)
        raise ConfigError(f"unknown scheme in the database URL {shown!r}; {hint}Allowed: {known}")
    if driver != "sqlite":
        _check_server_parts(rest, shown)
    elif rest and not rest.startswith("/"):
        raise ConfigError(
            f"{shown!r} names a server, and SQLite has none; for a file write three slashes: "
            "sqlite:///lab.db (relative) or sqlite:////data/lab.db (absolute)"
        )
    elif "?" in rest:
        raise ConfigError(
            f"{shown!r}: SQLite takes no options after '?'; for a file name with a '?' write %3F"
        )
    return f"{driver}://{rest}"


def url_kind(url: str) -> str:
    """Return `sqlite`, `postgresql`, `mysql` or `mariadb` for a normalised URL."""
    return url.partition(":")[0].partition("+")[0]


def _userinfo(username: str | None, password: str | None) -> str:
    if username is None and password is None:
        return ""
    secret = "" if password is None else f":{quote(password, safe='')}"
    return f"{quote(username or '', safe='')}{secret}@"


def _not_a_url(text: str, shown: str) -> str:
    if not text:
        return "the database URL is empty; for a file write sqlite:///lab.db"
    if shown != text or re.match(r"\w+=", text):
        return f"{shown!r} is not a URL; write postgresql://user:password@host:5432/database"
    path = re.sub(r"^sqlite:(?=.)", "", text)
    return f"{shown!r} is not a URL; for an SQLite file write {sqlite_url(path)}"


def _check_server_parts(rest: str, shown: str) -> None:
    """Refuse what we and the driver would take apart differently."""
    try:
        parts = urlsplit(f"//{rest}")
        valid_port = parts.port != 0
    except ValueError:  # its text quotes the "port", which may be half a password
        parts, valid_port = None, False
    if (
        parts is None
        or not valid_port
        or parts.fragment
        or parts.netloc.count("@") > 1
        or "@" in parts.path
    ):
        raise ConfigError(
            f"cannot take the database URL {shown!r} apart: the port must be 1 to 65535, and in "
            "user, password and database each of : / ? # [ ] @ % must be percent-encoded "
            "(@ is %40, # is %23)"
        )
