"""Notification: what people are to be told becomes deliveries, and deliveries become e-mail."""
