"""Tests of the sandbox payment system."""
