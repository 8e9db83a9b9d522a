"""Milliseconds of a network on its target, measured, or predicted before training."""
