"""Hands trials to the workers of Ray Tune, and sees to those that are lost."""
