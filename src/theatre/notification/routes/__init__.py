"""Doors of notification: `internal` for our services, `inbox` for users, `mailbox` for people and tests at home."""
