"""Queries about the quality of images, labels, people and models."""
