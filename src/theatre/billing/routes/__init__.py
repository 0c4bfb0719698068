"""Billing's HTTP doors: for everybody (`public`) and for staff (`admin`)."""
