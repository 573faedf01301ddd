"""Measuring the quality of images."""

from mlmcsc.services.image_quality.image_quality import ImageQuality

__all__ = ["ImageQuality"]
