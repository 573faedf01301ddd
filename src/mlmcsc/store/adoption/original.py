"""The original system's schema, and how to open a file that has it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

import sqlalchemy as sa
import sqlcipher3.dbapi2 as driver

from mlmcsc.config import normalise_url

_SCHEMA: Final = """
model_versions: id version name description model_path config_path created_at created_by
  is_active training_accuracy validation_accuracy test_accuracy training_loss
  training_data_version training_duration hyperparameters

technicians: id technician_id name email department experience_level created_at last_active
  is_active total_labels accuracy_score

images: id path filename timestamp created_at updated_at width height channels file_size format
  magnification specimen_id acquisition_settings is_valid quality_score

predictions: id image_id model_version_id prediction confidence detection_bbox
  detection_confidence detection_class processing_time timestamp raw_output preprocessing_params

labels: id image_id technician_id label label_type original_prediction original_confidence
  model_version_used timestamp time_spent difficulty_rating notes is_verified verified_by
  verification_timestamp annotation_data

features: id image_id feature_type extractor_version extraction_timestamp feature_vector
  feature_dimension extraction_time preprocessing_params

data_versions: id version name description created_at created_by total_images total_labels
  train_split val_split test_split avg_quality_score label_distribution backup_path backup_size
  backup_checksum

audit_logs: id operation table_name record_id user_id timestamp old_values new_values reason
  ip_address user_agent

system_metrics: id metric_name metric_value metric_unit component timestamp metric_metadata
"""
TABLES: Final[dict[str, tuple[str, ...]]] = {
    table: tuple(columns.split())
    for table, _, columns in (block.partition(":") for block in _SCHEMA.strip().split("\n\n"))
}
"""The original's tables and columns, parents first."""


def sqlite_file(url: str) -> Path | None:
    """The file that a database URL names; None for a server or a database in memory."""
    parsed = sa.make_url(normalise_url(url))
    name = parsed.database
    if parsed.get_backend_name() != "sqlite" or not name or name == ":memory:":
        return None
    return Path(name)


def is_original(path: Path) -> bool:
    """Whether the file is a database of the original system: its nine tables, no more, no less.

    Opens it read-only and `immutable`, so that neither the file nor its folder is touched. A
    table or column of somebody else's makes the answer False: it would have no place to go.
    """
    if not path.is_file():
        return False
    try:
        with closing(connect(path, "mode=ro&immutable=1")) as source:
            return has_original_schema(source)
    except driver.DatabaseError:
        return False  # no SQLite file, or encrypted: opening it says so


def has_original_schema(source: driver.Connection) -> bool:
    """Whether the database has the nine tables and their columns, no more, no less."""
    return _tables(source) == {name: set(columns) for name, columns in TABLES.items()}


def connect(path: Path, options: str, *, timeout: float = 0.0) -> driver.Connection:
    """A connection without implicit transactions; ill-coded text comes as half surrogates."""
    uri = f"{path.absolute().as_uri()}?{options}"
    connection = driver.connect(uri, uri=True, timeout=timeout, isolation_level=None)
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    return connection


def _tables(source: driver.Connection) -> dict[str, set[str]]:
    names = source.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' "
        "ESCAPE '\\'"
    ).fetchall()
    if len(names) != len(TABLES):
        return {}
    return {
        name: {
            column for (column,) in source.execute("SELECT name FROM pragma_table_info(?)", (name,))
        }
        for (name,) in names
    }


def counts(source: driver.Connection | driver.Cursor) -> dict[str, int]:
    """Rows of each documented table."""
    return {
        table: int(source.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
        for table in TABLES
    }


def views_and_triggers(source: driver.Connection) -> list[str]:
    """Names of what an adopted database will not have."""
    query = "SELECT name FROM sqlite_master WHERE type IN ('view', 'trigger') ORDER BY name"
    return [str(name) for (name,) in source.execute(query)]
