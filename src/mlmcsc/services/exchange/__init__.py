"""Tables in and out as files."""

from mlmcsc.services.exchange.exchange import Exchange
from mlmcsc.services.exchange.mapping import mapping_from_words
from mlmcsc.services.exchange.reports import ExportReport, ImportReport, TableInfo
from mlmcsc.services.exchange.writers import Doors

__all__ = [
    "Doors",
    "Exchange",
    "ExportReport",
    "ImportReport",
    "TableInfo",
    "mapping_from_words",
]
