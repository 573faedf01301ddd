"""Rows beyond their period: what is due, what holds it, and how it goes, batch by batch."""
