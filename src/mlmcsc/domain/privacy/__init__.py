"""What personal data the database holds, why, how long, and what erasure does to it."""
