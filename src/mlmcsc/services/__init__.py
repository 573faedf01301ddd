"""Use cases: one family a file, each method one transaction. They know nothing of each other."""
