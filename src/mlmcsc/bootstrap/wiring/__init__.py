"""Every service, bound to a database and an actor, made when it is first asked for."""

from mlmcsc.bootstrap.wiring.backups import BackupServices
from mlmcsc.bootstrap.wiring.exchange import ExchangeServices
from mlmcsc.bootstrap.wiring.privacy import PrivacyServices
from mlmcsc.bootstrap.wiring.quality import QualityServices
from mlmcsc.bootstrap.wiring.versions import VersionServices


class Services(ExchangeServices, VersionServices, PrivacyServices, BackupServices, QualityServices):
    """Every use case, bound to one actor."""


__all__ = ["Services"]
