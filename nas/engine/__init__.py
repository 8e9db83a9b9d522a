"""The search itself: what to train next, where, and when to stop."""
