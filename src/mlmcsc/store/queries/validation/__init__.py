"""Questions that `database validate` asks, and the changes that `--fix` makes."""
