"""Runs: their identity, the results store, and how many are trained at once, here or elsewhere."""
