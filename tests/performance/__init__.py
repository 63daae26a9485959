"""Benchmarks: measured and reported, never asserted in the ordinary run."""
