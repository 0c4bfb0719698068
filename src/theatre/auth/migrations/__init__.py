"""Schema of auth."""
