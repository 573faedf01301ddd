"""People's rights: copies, requests, erasure; and the keys and seals that protect their data."""
