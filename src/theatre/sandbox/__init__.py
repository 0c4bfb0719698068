"""A payment system of our own for development and tests: YooKassa API v3, a hosted page with test cards, faults."""
