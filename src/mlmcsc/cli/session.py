"""What the global options say, and the database that they name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mlmcsc.config import Config
    from mlmcsc.manager import DatabaseManager


CREATES = frozenset(
    {
        "database init",
        "images ingest",
        "images add",
        "specimens set",
        "technician register",
        "models register",
        "mlmcsc import",
    }
)
"""The commands that can fill an empty database, and so make one that is not there.

With any other, a database that is not there is a slip of the pen. (`demo` makes its own.)
"""


@dataclass(slots=True)
class Session:
    """The global options of one command line.

    Attributes:
        database: URL; None takes the configured one.
        config: Configuration file; None looks in the documented places.
        json: Whether results are printed as JSON.
        debug: Whether an error is shown with its traceback.
        reason: Why this is done, for the audit trail.
    """

    database: str | None = None
    config: str | None = None
    json: bool = False
    debug: bool = False
    reason: str | None = None
    _config: Config | None = None

    def load_config(self) -> Config:
        """The configuration in force."""
        from mlmcsc.config import load_config  # noqa: PLC0415  # pydantic loads only when needed

        if self._config is None:
            self._config = load_config(self.config)
        return self._config

    @contextmanager
    def open(
        self,
        *,
        label_range: tuple[float, float] | None = None,
        tell_creation: bool = True,
        tell_adoption: bool = True,
    ) -> Iterator[DatabaseManager]:
        """The database, in the local user's name; created by the commands of `CREATES` only.

        Args:
            label_range: Lowest and highest label of a new database.
            tell_creation: Remark it when the database had to be created.
            tell_adoption: Remark it when a database of the original system was adopted.
        """
        from mlmcsc.manager import DatabaseManager  # noqa: PLC0415  # SQLAlchemy loads only now

        config = self.load_config()
        log_to_stderr(config.monitoring.log_level, as_json=config.monitoring.log_format == "json")
        with DatabaseManager(
            self.database, config=config, label_range=label_range, create=_creates()
        ) as db:
            if db.opened == "created" and tell_creation:
                click.echo(f"note: there was no database at {db.url}; it was created", err=True)
            if db.adoption is not None and tell_adoption:
                click.echo(
                    f"note: {db.url} was of the original system and is adopted now; the original "
                    f"is kept as {db.adoption.backup_path}",
                    err=True,
                )
            yield db.acting_as(replace(db.actor, reason=self.reason)) if self.reason else db
            if db.stayed_sealed is not None:
                click.echo(f"note: names and notes read [sealed]: {db.stayed_sealed}", err=True)


def _creates() -> bool:
    context = click.get_current_context()
    group = context.parent.command.name if context.parent else None
    return f"{group} {context.command.name}" in CREATES


TOLD_BY_THE_COMMAND = {
    "image_known",
    "image_metadata_conflict",
    "personal_texts_stay_sealed",
    "training_data_version_unknown",
}


def log_to_stderr(level: str, *, as_json: bool) -> None:
    """Send the services' log lines to stderr: stdout belongs to the result."""
    from mlmcsc.config.logs import set_up_logs  # noqa: PLC0415  # not for --help

    set_up_logs(partial(_configure_logs, level, as_json=as_json), again=True)


def _configure_logs(level: str, *, as_json: bool) -> None:
    import logging  # noqa: PLC0415  # only when there is something to log

    import structlog  # noqa: PLC0415

    def leave_out(_logger: Any, _method: str, event: Any) -> Any:
        if event["event"] in TOLD_BY_THE_COMMAND:
            raise structlog.DropEvent
        return event

    colours = sys.stderr.isatty()
    last: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=colours)
    )
    structlog.configure(
        processors=[
            leave_out,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
