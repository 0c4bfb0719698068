"""Doors of short_link: `internal` for our services, `public` for those who follow links and own them."""
