"""The whole configuration, and where each of its values came from."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import Field, PrivateAttr

from mlmcsc.config.database import DatabaseSection
from mlmcsc.config.redact import HIDDEN, redact_url
from mlmcsc.config.sections import (
    BackupSection,
    MonitoringSection,
    PerformanceSection,
    QualitySection,
    RetentionSection,
    SecuritySection,
    VersioningSection,
)
from mlmcsc.config.values import Section

BUILT_IN = "built-in defaults"


class Config(Section):
    """Every setting of mlmcsc, checked and immutable.

    `Config()` holds the built-in defaults; `load_config()` adds files and environment.
    """

    database: DatabaseSection = Field(default_factory=DatabaseSection)
    backup: BackupSection = Field(default_factory=BackupSection)
    retention: RetentionSection = Field(default_factory=RetentionSection)
    quality: QualitySection = Field(default_factory=QualitySection)
    security: SecuritySection = Field(default_factory=SecuritySection)
    performance: PerformanceSection = Field(default_factory=PerformanceSection)
    monitoring: MonitoringSection = Field(default_factory=MonitoringSection)
    versioning: VersioningSection = Field(default_factory=VersioningSection)

    _files: tuple[str, ...] = PrivateAttr(default=())
    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any) -> None:
        """Take over from the loader where the values came from."""
        if context:
            self._files = context["files"]
            self._origins = context["origins"]

    @property
    def files(self) -> tuple[str, ...]:
        """The configuration files that were read, later ones over earlier ones."""
        return self._files

    @property
    def source(self) -> str:
        """The file that had the last word, or `built-in defaults` when none was read."""
        return self._files[-1] if self._files else BUILT_IN

    @property
    def provenance(self) -> Mapping[str, str]:
        """For each dotted key (`database.pool_size`) the file or variable that set it."""
        keys = (
            f"{name}.{field}" for name, model in SECTIONS.items() for field in model.model_fields
        )
        return MappingProxyType({key: self._origins.get(key, BUILT_IN) for key in keys})

    def redacted(self) -> dict[str, Any]:
        """Return all values as a JSON document in which every secret that is set reads `***`."""
        document = self.model_dump(mode="json")
        if self.database.password is not None:
            document["database"]["password"] = HIDDEN
        if self.database.url:
            document["database"]["url"] = redact_url(self.database.url.get_secret_value())
        return document


SECTIONS: dict[str, type[Section]] = {
    name: type(section) for name, section in Config() if isinstance(section, Section)
}
"""Every section's name and class, in the documented order."""
