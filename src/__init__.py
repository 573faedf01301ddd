"""The documented facade; a regular package so that no other installed `src` wins over it."""
