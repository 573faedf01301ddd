"""Documented calls on people's rights."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlmcsc.bootstrap import Services

if TYPE_CHECKING:
    from mlmcsc.domain.privacy.erased import ErasureReport
    from mlmcsc.domain.privacy.erasure import LabelChoice
    from mlmcsc.domain.privacy.report import PrivacyReport


class PrivacyCalls(Services):
    """Each one line onto the service that does the work."""

    def export_user_data(self, user_id: int | str) -> dict[str, Any]:
        """Everything about and by a person; see `Access.export_user_data`."""
        return self.access.export_user_data(user_id)

    def generate_privacy_report(self) -> PrivacyReport:
        """How things stand with regard to people's rights; see `Reporting.generate`."""
        return self.privacy_report.generate()

    def delete_user_data(
        self,
        user_id: int | str,
        *,
        labels: LabelChoice = "keep",
        ground: str = "GDPR Art. 17(1)",
        request_id: int | None = None,
        certificate: str | os.PathLike[str] | None = None,
        dry_run: bool = False,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> ErasureReport:
        """Erase a person, for good; see `Erasure.delete_user_data`."""
        return self.erasure.delete_user_data(
            user_id,
            labels=labels,
            ground=ground,
            request_id=request_id,
            certificate=certificate,
            dry_run=dry_run,
            progress=progress,
        )

    def anonymize_data(
        self,
        user_id: int | str | None = None,
        *,
        older_than_days: int | None = None,
        dry_run: bool = False,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> tuple[ErasureReport, ...]:
        """Make people anonymous; see `Erasure.anonymize`."""
        return self.erasure.anonymize(
            user_id, older_than_days=older_than_days, dry_run=dry_run, progress=progress
        )
