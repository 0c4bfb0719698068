"""Alembic scripts of the schema `payment`."""
