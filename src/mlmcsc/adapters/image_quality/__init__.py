"""Measuring the quality of image files, here, in worker processes, or on a Dask cluster.

Nothing is imported here: a worker process runs one of the modules below.
"""
