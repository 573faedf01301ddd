"""A bare loop: `cv2.imread` and the product's measures, for the paths on standard input (JSON)."""

from __future__ import annotations

import json
import sys

import cv2

from mlmcsc.adapters.image_quality.grey import grey
from mlmcsc.adapters.image_quality.measuring import measure
from mlmcsc.domain.image_quality import score


def main() -> None:
    """Measure, and keep nothing."""
    cv2.setNumThreads(1)
    for path in json.load(sys.stdin):
        score(measure(grey(cv2.imread(path, cv2.IMREAD_UNCHANGED), blue_first=True)))


if __name__ == "__main__":
    main()
