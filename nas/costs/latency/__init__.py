"""Milliseconds that come out true where a network is shipped: measured, and predicted before anything is trained."""
