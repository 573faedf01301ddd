"""The order in which a frozen dataset is read: shuffled, shared out, resumed. Pure arithmetic."""
