"""Images handed out to be labelled."""

from mlmcsc.services.label_queue.label_queue import LabelQueue, QueueSettings

__all__ = ["LabelQueue", "QueueSettings"]
