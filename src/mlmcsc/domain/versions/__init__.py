"""Frozen datasets: what a row is, what a version promises, where its rows lie."""
