"""The tag of every column of every table. A test fails for a column without one."""

from __future__ import annotations

from collections.abc import Mapping

from mlmcsc.domain.privacy.register.annotations import ANNOTATIONS
from mlmcsc.domain.privacy.register.images import IMAGES
from mlmcsc.domain.privacy.register.operations import OPERATIONS
from mlmcsc.domain.privacy.register.people import PEOPLE
from mlmcsc.domain.privacy.register.privacy import PRIVACY
from mlmcsc.domain.privacy.register.versions import VERSIONS
from mlmcsc.domain.privacy.tags import Columns

REGISTER: Mapping[str, Columns] = {
    **PEOPLE,
    **ANNOTATIONS,
    **IMAGES,
    **VERSIONS,
    **OPERATIONS,
    **PRIVACY,
}
"""Table, then column, to tag."""
