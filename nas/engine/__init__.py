"""The search: choose what to train next and where, and when to stop."""
