"""What a request for images to label gives back, and what is out with whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mlmcsc.domain.records import Record


class Strategy(StrEnum):
    """Which images are handed out first."""

    UNCERTAINTY = "uncertainty"
    """Unlabelled images of which the model is least confident."""
    DISAGREEMENT = "disagreement"
    """Images of which models, or model and label, say the most different things."""
    DIVERSITY = "diversity"
    """Unlabelled images that look least like the labelled ones."""
    RANDOM = "random"
    """Unlabelled images, all with the same chance."""
    OVERLAP = "overlap"
    """Images that colleagues labelled, for the agreement between people."""


@dataclass(frozen=True, slots=True)
class HandedOut(Record):
    """One image to label. Why this one is not told: a check that is known as one checks nothing.

    Attributes:
        reservation_id: The reservation's number; None in a dry run.
        image_id: The image.
        path: Where its file lies.
        specimen_id: Its specimen.
        show_prediction: Whether the model's answer may be shown before the label is made.
        prediction: That answer, where it may be shown and there is one, in the label's unit.
        confidence: The model's confidence in it, 0 to 1.
        reserved_until: Until when nobody else gets the image; None in a dry run.
        again: Whether it was handed out before and is still open.
    """

    reservation_id: int | None
    image_id: int
    path: str
    specimen_id: str | None
    show_prediction: bool
    prediction: float | None
    confidence: float | None
    reserved_until: datetime | None
    again: bool


@dataclass(frozen=True, slots=True)
class HandOut(Record):
    """The answer to one request.

    Attributes:
        technician_id: For whom: the technician's id.
        strategy: How the images were chosen.
        seed: Of the random choices; the same seed on the same data gives the same images.
        model_version_id: Whose predictions were used; None where there are none.
        wanted: How many images were asked for.
        images: The images, in the order in which they are to be labelled.
        partial: Whether fewer came than were wanted though only a part of the data was looked at:
            another request may give more.
    """

    technician_id: int
    strategy: str
    seed: int
    model_version_id: int | None
    wanted: int
    images: tuple[HandedOut, ...]
    partial: bool


@dataclass(frozen=True, slots=True)
class Reservation(Record):
    """An image that is out with somebody.

    Attributes:
        reservation_id: Its number.
        technician_id: Staff number of who has it.
        image_id: The image.
        path: Where its file lies.
        strategy: How it was chosen; None for who may not see it.
        purpose: `new`, `overlap`, `duplicate` or `gold`; likewise.
        reserved_at: Since when.
        expires_at: Until when.
    """

    reservation_id: int
    technician_id: str
    image_id: int
    path: str
    strategy: str | None
    purpose: str | None
    reserved_at: datetime
    expires_at: datetime
