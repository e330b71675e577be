"""Measured figures, each peer in the same run. `python -m benchmarks.development` prints them as a table.

Figures belong here and in docs/performance.md, never in a test.
"""
