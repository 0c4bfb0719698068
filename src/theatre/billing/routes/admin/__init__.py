"""Billing's doors for staff (CONTRACT 5), by noun."""
