"""The `database` section: which database, how to reach it, how to use its connections."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from mlmcsc.config.redact import redact_url
from mlmcsc.config.urls import normalise_url, server_url, sqlite_url, url_kind
from mlmcsc.config.values import AbsolutePath, Host, PathText, Section

CONNECTION_KEYS = (
    "db_type", "sqlite_path", "host", "port", "database", "username", "password", "sslmode",
)  # fmt: skip
"""The parts of a connection; `url` stands in place of all of them."""


def _normalised(url: SecretStr) -> SecretStr:
    return SecretStr(normalise_url(url.get_secret_value()))


DatabaseUrl = Annotated[
    SecretStr,
    AfterValidator(_normalised),
    Field(
        json_schema_extra={"allowed": "a URL such as postgresql://user:password@host:5432/database"}
    ),
]


class DatabaseSection(Section):
    """Where the records live."""

    db_type: Literal["sqlite", "postgresql", "mysql", "mariadb"] = Field(
        default="sqlite",
        description="Database system. Not used when `url` is set; `kind` tells the one in use.",
    )
    sqlite_path: PathText = Field(
        default="src/database/data/mlmcsc.db",
        description="SQLite file; a relative path counts from the working directory.",
    )
    host: Host = Field(default="localhost", description="Database server.")
    port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Server's port; null: 5432 for PostgreSQL, 3306 for MySQL and MariaDB.",
    )
    database: str = Field(
        default="mlmcsc", min_length=1, description="Name of the database on the server."
    )
    username: str | None = Field(
        default=None, min_length=1, description="Account on the server; null: the driver chooses."
    )
    password: SecretStr | None = Field(
        default=None,
        description="Password on the server. Better kept in MLMCSC_DATABASE__PASSWORD.",
    )
    url: DatabaseUrl | None = Field(
        default=None,
        description="Whole connection as one URL, in place of db_type, sqlite_path, host, port, "
        "database, username, password and sslmode. Set by the environment's DATABASE_URL.",
    )
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] | None = (
        Field(
            default=None,
            description="Encryption of a PostgreSQL connection; null: libpq's default, `prefer`.",
        )
    )
    pool_size: int = Field(default=5, ge=1, le=100, description="Connections kept open.")
    max_overflow: int = Field(
        default=10, ge=0, le=100, description="Connections opened above pool_size under load."
    )
    pool_timeout_seconds: float = Field(
        default=30, ge=0, le=3600, description="Longest wait for a free connection, in seconds."
    )
    pool_recycle_seconds: int = Field(
        default=3600, ge=1, le=604_800, description="Age, in seconds, at which one is renewed."
    )
    echo_sql: bool = Field(default=False, description="Log every SQL statement.")
    busy_timeout_seconds: float = Field(
        default=30,
        ge=0,
        le=3600,
        description="Longest wait for another writer of an SQLite file, in seconds.",
    )
    image_store: AbsolutePath | None = Field(
        default=None,
        description='Folder for copies of images (storage="managed"); each database has its own '
        "in it. null: beside an SQLite file, and none for a server.",
    )

    @property
    def kind(self) -> str:
        """The database system in use: `url`'s when it is set, else `db_type`."""
        return url_kind(self.url.get_secret_value()) if self.url else self.db_type

    def get_connection_url(self) -> str:
        """Return the URL to connect with: `url` when set, else built from the parts.

        Returns:
            A URL with the driver in its scheme and the password in clear; never print it.

        Raises:
            ConfigError: `sslmode` is set for MySQL or MariaDB.
        """
        if self.url:
            return self.url.get_secret_value()
        if self.db_type == "sqlite":
            return sqlite_url(self.sqlite_path)
        return server_url(
            self.db_type,
            host=self.host,
            port=self.port,
            database=self.database,
            username=self.username,
            password=None if self.password is None else self.password.get_secret_value(),
            sslmode=self.sslmode,
        )

    def get_redacted_url(self) -> str:
        """Return the connection URL with `***` for every secret: fit for printing."""
        return redact_url(self.get_connection_url())
