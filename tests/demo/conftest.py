from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from mlmcsc.demo.campaign import DrawnImage, draw_campaign
from mlmcsc.demo.texture import texture_features


@dataclass(frozen=True)
class Campaign:
    images: list[DrawnImage]
    features: np.ndarray
    truth: np.ndarray
    specimens: np.ndarray


@pytest.fixture(scope="session")
def campaign():
    """The demo's own size, 12 specimens of 5 images, with features and truth."""
    images = list(draw_campaign(seed=0))
    grey = [cv2.cvtColor(one.surface.pixels, cv2.COLOR_RGB2GRAY) for one in images]
    return Campaign(
        images=images,
        features=np.array([texture_features(one) for one in grey]),
        truth=np.array([one.surface.true_sfa for one in images]),
        specimens=np.array([one.specimen.specimen_id for one in images]),
    )
