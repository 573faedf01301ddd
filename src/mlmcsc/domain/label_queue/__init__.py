"""What is to be labelled next, and by whom."""

from mlmcsc.domain.label_queue.records import HandedOut, HandOut, Reservation, Strategy
from mlmcsc.domain.label_queue.shares import Purpose, Shares, is_blind

__all__ = ["HandOut", "HandedOut", "Purpose", "Reservation", "Shares", "Strategy", "is_blind"]
