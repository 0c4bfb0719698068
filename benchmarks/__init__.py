"""Benchmarks: each module is a command that prints a table of figures measured in one run, as ratios where it can.

python -m benchmarks.purchase
"""
