"""Every section but `database`. Descriptions name units; they become the reference documentation.

Durations in days count from the record's creation, unless the setting names another moment.
"""

from typing import Annotated, Literal

from pydantic import Field

from mlmcsc.config.values import (
    AbsolutePath,
    BackupUrl,
    EmailAddress,
    FilePath,
    KeyFile,
    LabelRange,
    Network,
    Schedule,
    Section,
    TimeZone,
    VersionName,
)

Days = Annotated[int, Field(ge=1, le=36_500)]
Kept = Annotated[int, Field(ge=0, le=1_000)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]


class BackupSection(Section):
    """Backups: what is in them, where they go, how long they are kept."""

    enabled: bool = Field(default=True, description="Make backups on schedule.")
    schedule: Schedule = Field(default="daily", description="When a backup is made, in UTC.")
    retention_days: Days = Field(
        default=30, description="Days every backup is kept; then the generations below decide."
    )
    keep_weekly: Kept = Field(default=8, description="Newest of each of the last weeks kept.")
    keep_monthly: Kept = Field(default=12, description="Newest of each of the last months kept.")
    keep_yearly: Kept = Field(default=2, description="Newest of each of the last years kept.")
    compression: bool = Field(default=True, description="Compress backups (Zstandard).")
    directory: FilePath | None = Field(
        default=None,
        description="Folder of backups, better on another disk; a relative path counts from the "
        "working directory. null: beside an SQLite file, and none for a server.",
    )
    remote: BackupUrl | None = Field(
        default=None,
        description="Where scheduled backups go instead: s3://bucket/prefix. Credentials come from "
        "AWS_* variables or the AWS credentials file only.",
    )
    with_images: bool = Field(
        default=False, description="Put image files into scheduled backups, each content once."
    )
    verify: bool = Field(default=True, description="Read each backup back and check it.")
    drill: bool = Field(
        default=True, description="Restore each scheduled backup to scratch and compare."
    )
    encrypt: bool = Field(
        default=False, description="Encrypt backups (AES-256-GCM) under the master key."
    )
    postgresql_tools: AbsolutePath | None = Field(
        default=None, description="Folder of pg_dump and pg_restore; null: found by PATH."
    )
    wal_archive: AbsolutePath | None = Field(
        default=None,
        description="Folder that PostgreSQL archives its log to, for restores to a point in time.",
    )


class RetentionSection(Section):
    """How long data is kept, and what happens to names."""

    image_retention_days: Days = Field(default=730, description="Days images are kept.")
    label_retention_days: Days = Field(default=1095, description="Days labels are kept.")
    prediction_retention_days: Days = Field(default=730, description="Days predictions are kept.")
    audit_retention_days: Days = Field(default=2555, description="Days audit events are kept.")
    metrics_retention_days: Days = Field(default=90, description="Days system metrics are kept.")
    login_attempt_retention_days: Days = Field(
        default=90, description="Days attempts to log in are kept."
    )
    session_retention_days: Days = Field(
        default=30, description="Days sessions and API tokens are kept after their end."
    )
    privacy_request_retention_days: Days = Field(
        default=1095,
        description="Days people's requests are kept after the answer, and holds after release.",
    )
    operation_retention_days: Days = Field(
        default=365,
        description="Days alerts, job runs and reservations are kept after their end.",
    )
    anonymization_enabled: bool = Field(
        default=True, description="Replace personal data by pseudonyms after anonymize_after_days."
    )
    anonymize_after_days: Days = Field(
        default=365, description="Days after which personal data is anonymized."
    )
    gdpr_compliance: bool = Field(
        default=True, description="Serve export and erasure requests (GDPR Art. 15 and 17)."
    )
    archive_directory: AbsolutePath | None = Field(
        default=None,
        description="Folder for archived rows; each database has its own in it. null: beside an "
        "SQLite file, and none for a server.",
    )


class QualitySection(Section):
    """What a good image and a valid label are."""

    label_range: LabelRange = Field(
        default=(0.0, 1.0),
        description="Smallest and largest label or prediction; [0, 100] for SFA in percent.",
    )
    min_quality_score: Fraction = Field(
        default=0.5, description="Image quality, 0 to 1, below which an image counts as poor."
    )
    min_confidence: Fraction = Field(
        default=0.0, description="Confidence, 0 to 1, below which a prediction is left out."
    )
    flag_threshold: Fraction = Field(
        default=0.7, description="Confidence, 0 to 1, below which a prediction asks for review."
    )
    check_schedule: Schedule = Field(default="daily", description="When quality is checked.")
    reservation_minutes: int = Field(
        default=60, ge=1, le=10_080, description="Minutes an image stays with whom it was given."
    )
    duplicate_share: Fraction = Field(
        default=0.05,
        description="Share, 0 to 1, of images handed out to somebody who labelled them before.",
    )
    gold_share: Fraction = Field(
        default=0.05, description="Share, 0 to 1, of images handed out that have a gold label."
    )
    interval_coverage: Fraction = Field(
        default=0.9, description="Share, 0 to 1, of labels that a conformal interval is to cover."
    )
    near_duplicate_detection: bool = Field(
        default=True, description="Recognise near-duplicates and keep them in one split."
    )
    instrument_timezone: TimeZone = Field(
        default="UTC", description="Time zone of image times that name none."
    )
    max_image_megapixels: int = Field(
        default=500, ge=1, le=100_000, description="Largest image accepted, in megapixels."
    )


class SecuritySection(Section):
    """Who gets in, and what is encrypted."""

    encryption_at_rest: bool = Field(
        default=False, description="Encrypt the SQLite file with security.key_file."
    )
    key_file: KeyFile | None = Field(
        default=None, description="File with the master key, kept apart from data and backups."
    )
    session_timeout_minutes: int = Field(
        default=30, ge=1, le=10_080, description="Minutes without activity that end a session."
    )
    max_failed_logins: int = Field(
        default=5, ge=1, le=100, description="Failed logins in a row that lock an account."
    )
    lockout_minutes: int = Field(
        default=15, ge=1, le=10_080, description="Minutes an account stays locked."
    )
    ip_allowlist: tuple[Network, ...] = Field(
        default=(), description="Networks that may connect; empty: all."
    )
    require_https: bool = Field(default=True, description="Refuse unencrypted web requests.")
    audit_enabled: bool = Field(default=True, description="Write the audit trail.")


class PerformanceSection(Section):
    """Sizes of batches, caches and pages."""

    query_cache_size: int = Field(
        default=256, ge=0, le=1_000_000, description="Query results kept in memory; 0: none."
    )
    batch_size: int = Field(
        default=5000, ge=1, le=100_000, description="Rows per statement in bulk work."
    )
    ingest_workers: int | None = Field(
        default=None, ge=1, le=256, description="Processes that read images; null: by CPU count."
    )
    cache_directory: FilePath | None = Field(
        default=None,
        description="Thumbnails and feature matrices; each database has its own folder in it. "
        "null: beside an SQLite file, and the user's cache for a server.",
    )
    thumbnail_size: int = Field(
        default=256, ge=16, le=4096, description="Longer side of a thumbnail, in pixels."
    )
    page_size: int = Field(default=100, ge=1, le=10_000, description="Rows per page of a listing.")
    slow_query_ms: float = Field(
        default=500, ge=0, le=3_600_000, description="Milliseconds from which a query is slow."
    )


class MonitoringSection(Section):
    """What is measured, logged and told to whom."""

    enabled: bool = Field(default=True, description="Collect system metrics.")
    metrics_interval_seconds: int = Field(
        default=60, ge=1, le=86_400, description="Seconds between two measurements."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        default="INFO", description="Least severe message that is logged."
    )
    log_format: Literal["console", "json"] = Field(
        default="console", description="Logs for people, or one JSON object per line."
    )
    alert_email: tuple[EmailAddress, ...] = Field(
        default=(), description="Addresses that alerts go to."
    )
    disk_free_warning_percent: Percent = Field(
        default=10, description="Free disk space, in percent, below which an alert is raised."
    )
    database_size_warning_gb: float | None = Field(
        default=None, gt=0, description="Database size, in 10⁹ bytes, that raises an alert."
    )
    wal_size_warning_mb: float = Field(
        default=1024, gt=0, description="SQLite write-ahead log, in 10⁶ bytes, likewise."
    )
    pool_usage_warning_percent: Percent = Field(
        default=90, description="Connections in use, in percent of the pool, likewise."
    )
    backup_age_warning_hours: float = Field(
        default=48, gt=0, description="Hours since the last good backup, likewise."
    )
    poor_quality_warning_percent: Percent = Field(
        default=20, description="Poor images among a day's new ones, in percent, likewise."
    )


class VersioningSection(Section):
    """Dataset versions: where they are kept, and when one is made by itself."""

    enabled: bool = Field(
        default=True, description="Make versions by themselves, as the two settings below say."
    )
    directory: AbsolutePath | None = Field(
        default=None,
        description="Folder for versions; each database has its own in it. null: beside an SQLite "
        "file, and none for a server.",
    )
    auto_new_labels: int | None = Field(
        default=1000,
        ge=1,
        le=1_000_000_000,
        description="Labels new or changed since the last version that make the next; null: never.",
    )
    auto_schedule: Schedule | None = Field(
        default=None,
        description="When the next is made if a label is new or changed, in UTC; null: never.",
    )
    name_pattern: VersionName = Field(
        default="auto-{date}-{n}", description="What it is called: {date} in UTC, {n} of that day."
    )
