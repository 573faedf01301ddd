"""Every SQL statement of the product, by subject; functions of an open transaction."""
