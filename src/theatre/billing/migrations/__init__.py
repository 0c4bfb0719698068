"""Alembic scripts of billing's schema."""
