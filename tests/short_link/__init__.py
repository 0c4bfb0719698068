"""Tests of short_link."""
