"""Published data that several specifications share."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="session")
def pefr():
    """Peak expiratory flow rate of 17 people, litres a minute, twice by each of two meters.

    Bland & Altman (1986), Lancet i, 307-310, table 1: Wright's meter first and second, mini meter
    first and second.
    """
    return np.array(
        [
            [494, 490, 512, 525],
            [395, 397, 430, 415],
            [516, 512, 520, 508],
            [434, 401, 428, 444],
            [476, 470, 500, 500],
            [557, 611, 600, 625],
            [413, 415, 364, 460],
            [442, 431, 380, 390],
            [650, 638, 658, 642],
            [433, 429, 445, 432],
            [417, 420, 432, 420],
            [656, 633, 626, 605],
            [267, 275, 260, 227],
            [478, 492, 477, 467],
            [178, 165, 259, 268],
            [423, 372, 350, 370],
            [427, 421, 451, 443],
        ],
        dtype=float,
    )
