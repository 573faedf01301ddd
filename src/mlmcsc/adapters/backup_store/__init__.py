"""Places of backups: a folder, or a bucket."""
