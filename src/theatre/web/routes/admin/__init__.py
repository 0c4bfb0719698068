"""The admin panel (CONTRACT 5), by noun: web pages over the doors that services have for staff."""
