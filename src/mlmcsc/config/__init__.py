"""Settings: where they are found, what they may be, and the database URL they make."""

from mlmcsc.config.database import DatabaseSection
from mlmcsc.config.load import default_document, load_config, validate_file
from mlmcsc.config.model import Config
from mlmcsc.config.problems import Problem, allowed_values
from mlmcsc.config.redact import redact_url
from mlmcsc.config.sections import (
    BackupSection,
    MonitoringSection,
    PerformanceSection,
    QualitySection,
    RetentionSection,
    SecuritySection,
)
from mlmcsc.config.urls import normalise_url
from mlmcsc.errors import ConfigError

__all__ = [
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
    "allowed_values",
    "default_document",
    "load_config",
    "normalise_url",
    "redact_url",
    "validate_file",
]
