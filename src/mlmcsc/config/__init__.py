"""Settings: where they are found, what they may be, and the database URL they make."""

from mlmcsc.config.database import DatabaseSection
from mlmcsc.config.in_force import (
    LATER,
    changed_but_later,
    is_heeded,
    refuse_empty_promises,
    refused_settings,
)
from mlmcsc.config.load import default_document, find_problems, load_config, validate_file
from mlmcsc.config.model import Config
from mlmcsc.config.places import (
    archive_folder,
    backup_folder,
    cache_folder,
    data_keys_file,
    image_store,
    key_file,
    ledger_file,
    version_folder,
)
from mlmcsc.config.problems import Problem, allowed_values
from mlmcsc.config.redact import redact_url
from mlmcsc.config.sections import (
    BackupSection,
    MonitoringSection,
    PerformanceSection,
    QualitySection,
    RetentionSection,
    SecuritySection,
    VersioningSection,
)
from mlmcsc.config.urls import normalise_url
from mlmcsc.errors import ConfigError

__all__ = [
    "LATER",
    "BackupSection",
    "Config",
    "ConfigError",
    "DatabaseSection",
    "MonitoringSection",
    "PerformanceSection",
    "Problem",
    "QualitySection",
    "RetentionSection",
    "SecuritySection",
    "VersioningSection",
    "allowed_values",
    "archive_folder",
    "backup_folder",
    "cache_folder",
    "changed_but_later",
    "data_keys_file",
    "default_document",
    "find_problems",
    "image_store",
    "is_heeded",
    "key_file",
    "ledger_file",
    "load_config",
    "normalise_url",
    "redact_url",
    "refuse_empty_promises",
    "refused_settings",
    "validate_file",
    "version_folder",
]
