"""Benchmarks: `make bench`. Every figure is a ratio against a yardstick of the same run."""
