"""Doors of notification: `internal` for our services, `mailbox` for people and tests at home."""
