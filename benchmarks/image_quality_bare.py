"""A bare loop in OpenCV alone: decode, and measure what the product measures, for paths (JSON)."""

from __future__ import annotations

import json
import sys

import cv2
import numpy as np

SIDE = 480


def measure(path: str) -> tuple[float, ...]:
    """Focus at the smoothings that the product tries, contrast, clipping, noise, light, colour."""
    picture = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise OSError(path)
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    scale = SIDE / (grey.shape[0] * grey.shape[1]) ** 0.5
    values = grey.astype(np.float32)
    small = cv2.resize(values, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    best = 0.0
    for sigma in (0.0, 0.5, 0.75, 1.1, 1.6, 2.4):
        seen = cv2.GaussianBlur(small, (0, 0), sigma) if sigma else small
        across = cv2.Sobel(seen, cv2.CV_32F, 1, 0)
        down = cv2.Sobel(seen, cv2.CV_32F, 0, 1)
        gradient = cv2.norm(across, cv2.NORM_L2SQR) + cv2.norm(down, cv2.NORM_L2SQR)
        _, deviation = cv2.meanStdDev(cv2.Laplacian(seen, cv2.CV_32F))
        best = max(best, float(deviation[0, 0]) ** 2 * seen.size / (gradient + 1.0))
    _, contrast = cv2.meanStdDev(small)
    black = cv2.countNonZero(cv2.inRange(grey, 0.0, 1.0)) / grey.size
    white = cv2.countNonZero(cv2.inRange(grey, 254.0, 255.0)) / grey.size
    _, noise = cv2.meanStdDev(cv2.subtract(small, cv2.GaussianBlur(small, (3, 3), 0)))
    _, light = cv2.meanStdDev(cv2.resize(small, (6, 6), interpolation=cv2.INTER_AREA))
    colour = 0.0
    if picture.ndim > 2:
        colour = float(cv2.mean(cv2.cvtColor(picture, cv2.COLOR_BGR2HSV))[1])
    return best, float(contrast[0, 0]), black, white, float(noise[0, 0]), float(light[0, 0]), colour


def main() -> None:
    """Measure, and keep nothing."""
    cv2.setNumThreads(1)
    for path in json.load(sys.stdin):
        measure(path)


if __name__ == "__main__":
    main()
