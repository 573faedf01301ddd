"""Evidence bundles: a ZIP that proves events to a third party, with its own verifier."""

from mlmcsc.adapters.evidence.bundle import write_bundle

__all__ = ["write_bundle"]
