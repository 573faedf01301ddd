"""Images that are like another, and images that are the same."""

from mlmcsc.services.similarity.similarity import Similarity

__all__ = ["Similarity"]
