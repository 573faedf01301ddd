"""Which settings this release heeds, and which values it must refuse to be given.

The other settings are checked and kept: they belong to parts that are still to come.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlmcsc.config.model import SECTIONS, Config
from mlmcsc.config.problems import Problem
from mlmcsc.config.redact import printable
from mlmcsc.errors import UnsupportedError

IN_FORCE = frozenset(
    {
        *(f"database.{field}" for field in SECTIONS["database"].model_fields),
        "retention.image_retention_days",
        "retention.label_retention_days",
        "retention.prediction_retention_days",
        "retention.audit_retention_days",
        "retention.metrics_retention_days",
        "retention.login_attempt_retention_days",
        "retention.session_retention_days",
        "retention.privacy_request_retention_days",
        "retention.operation_retention_days",
        "retention.anonymization_enabled",
        "retention.anonymize_after_days",
        "retention.archive_directory",
        *(f"backup.{field}" for field in SECTIONS["backup"].model_fields),
        *(f"versioning.{field}" for field in SECTIONS["versioning"].model_fields),
        "quality.label_range",
        "quality.interval_coverage",
        "quality.flag_threshold",
        "quality.min_quality_score",
        "quality.reservation_minutes",
        "quality.duplicate_share",
        "quality.gold_share",
        "quality.near_duplicate_detection",
        "quality.instrument_timezone",
        "quality.max_image_megapixels",
        "performance.ingest_workers",
        "performance.cache_directory",
        "performance.thumbnail_size",
        "performance.page_size",
        "security.key_file",
        "monitoring.log_level",
        "monitoring.log_format",
        "monitoring.disk_free_warning_percent",
        "monitoring.wal_size_warning_mb",
        "monitoring.backup_age_warning_hours",
    }
)
"""Dotted keys of the settings that this release reads; a test holds them against the code."""

LATER = "in force from a later release"

REFUSED = {
    "security.encryption_at_rest": (
        False,
        (
            "this release writes the database in clear. Set it to false, and keep the file on an "
            "encrypted disk"
        ),
    ),
    "security.audit_enabled": (
        True,
        "this release always writes the audit trail. Set it to true",
    ),
    "security.ip_allowlist": (
        (),
        (
            "this release turns nobody away by address. Set it to [], and limit who may connect in "
            "the firewall or in PostgreSQL's pg_hba.conf"
        ),
    ),
    "retention.gdpr_compliance": (
        True,
        (
            "this release always serves requests for a copy and for erasure (GDPR Art. 15 and "
            "17). Set it to true, and limit who may use them by their rights"
        ),
    ),
}
"""Settings that may not promise another thing than what is done: that, and the repair."""


def is_heeded(key: str) -> bool:
    """Tell whether what a setting says is what is done in this release."""
    return key in IN_FORCE or key in REFUSED


def refused_settings(config: Config) -> list[Problem]:
    """Return the settings whose value promises what this release does not do."""
    return [
        Problem(config.provenance[key], key, _shown(config, key), repair)
        for key, (done, repair) in REFUSED.items()
        if value_of(config, key) != done
    ]


def refuse_empty_promises(config: Config) -> None:
    """Stop before a database is opened under a protection that is not there.

    Raises:
        UnsupportedError: A setting of `REFUSED` has another value than what is done.
    """
    problems = refused_settings(config)
    if problems:
        raise UnsupportedError("\n  ".join(f"{problem}." for problem in problems))


def changed_but_later(config: Config) -> Iterator[str]:
    """Keys that were given another value than the default and are not heeded yet."""
    default = Config()
    for key in config.provenance:
        if not is_heeded(key) and value_of(config, key) != value_of(default, key):
            yield key


def value_of(config: Config, key: str) -> object:
    """Return the value of a dotted key such as `database.pool_size`."""
    section, _, field = key.partition(".")
    return getattr(getattr(config, section), field)


def _shown(config: Config, key: str) -> str:
    section, _, field = key.partition(".")
    return printable(key, config.redacted()[section][field])
