"""Doors of notification: `internal` for our services, `inbox` and `preferences` for users, `mailbox` for people and
tests at home.
"""
